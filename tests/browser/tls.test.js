// The page over https and wss, with no proxy in front.

import assert from "node:assert/strict";
import test from "node:test";
import { withCertificate } from "./certificate.js";
import { onStage } from "./stage.js";

test("a visit over https and wss", { timeout: 60_000 },
  () => withCertificate((certificate) => onStage({ certificate }, async (stage) => {
  const [anna, ben] = [await stage.person("Anna"), await stage.person("Ben")];
  await anna.join();
  await ben.join();
  await Promise.all([anna.sees(1), ben.sees(1)]);
  await Promise.all([anna.receivesMedia(), ben.receivesMedia()]);
  await ben.says("Over TLS");
  await anna.hears("Ben", "Over TLS");
  assert.equal(await anna.page.evaluate(() => location.protocol), "https:");
  assert.equal(await anna.page.evaluate(() => isSecureContext), true);
})));

test("a browser that does not know the certificate does not connect", { timeout: 60_000 },
  () => withCertificate((certificate) => onStage(
  { certificate: { ...certificate, forBrowser: [] } },
  (stage) => assert.rejects(stage.person("Anna"), /ERR_CERT_AUTHORITY_INVALID/),
)));
