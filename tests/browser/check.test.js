// The check page, and the check before joining.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startGateway, startServer } from "./server.js";
import { withPage } from "./site.js";
import { onStage, screenshotPath } from "./stage.js";
import { BY_SECRET, SECRET, withTurn } from "./turn.js";

const statuses = ({ page }) => page.evaluate(() => Object.fromEntries(
  [...document.querySelectorAll("#steps li")].map(({ dataset }) => [dataset.step, dataset.status]),
));

const ALL_GOOD = {
  server: "ok", join: "ok", camera: "ok", microphone: "ok", network: "ok", relay: "skipped",
};

/** Opens the check page and waits for its verdict. */
async function checked(stage, more = {}, token = undefined, hosts = []) {
  const person = await stage.person("Anna", { more, token, hosts, path: "check" });
  await person.reads("#verdict", /./);
  return person;
}

for (const [name, start] of [["server", startServer], ["gateway", startGateway]]) {
  test(`where all is well, the check says so: ${name}`, { timeout: 60_000 },
    () => onStage({ start }, async (stage) => {
    const anna = await checked(stage);
    assert.deepEqual(await statuses(anna), ALL_GOOD);
    await anna.reads("#verdict", /Everything works/);
    assert.deepEqual(await anna.violations(), []);
    await anna.page.screenshot({ path: screenshotPath(`check-${name}`) });
  }));
}

test("the check plays a sound, for nobody else can tell whether it is heard", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await checked(stage);
  await anna.page.evaluate(() => {
    window.notes = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function count(...when) {
      window.notes += 1;
      return start.apply(this, when);
    };
  });
  await anna.page.click("#sound");
  assert.equal(await anna.page.evaluate(() => window.notes), 4);
}));

test("the check names what does not work, and what to do", { timeout: 60_000 },
  () => onStage({ camera: false }, async (stage) => {
  const anna = await checked(stage);
  const { camera, microphone, network } = await statuses(anna);
  assert.deepEqual([camera, microphone, network], ["failed", "failed", "ok"]);
  await anna.reads('[data-step="camera"]', /Allow this page/);
  await anna.reads("#verdict", /does not work yet/);
  await anna.page.screenshot({ path: screenshotPath("check-no-camera") });
}));

test("a server that cannot be reached ends the check", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  stage.allow(/WebSocket connection to/);
  const gone = await startServer();
  await gone.stop("SIGKILL");
  const nowhere = `127.0.0.1:${gone.port}`;
  const anna = await checked(stage, { server: `ws://${nowhere}/ws` }, undefined, [nowhere]);
  assert.deepEqual(await statuses(anna), { server: "failed" });
}));

test("the check shows an invitation to the server, and takes no seat", { timeout: 60_000 }, () => {
  const { flags, doctor, patient } = invitations();
  return onStage({ flags }, async (stage) => {
    stage.allow(/WebSocket connection to .*HTTP Authentication failed/);
    const weber = await stage.person("Dr. Weber", { token: doctor() });
    await weber.join();
    const anna = await checked(stage, {}, patient());
    assert.equal((await statuses(anna)).join, "ok");
    assert.equal(await weber.count("in", "knock"), 0, "nobody is bothered");
    const eve = await checked(stage, {}, patient().slice(0, -3));
    assert.equal((await statuses(eve)).join, "failed");
    await eve.reads('[data-step="join"]', /Open the link in your invitation again/);
  });
});

/** A server that takes tokens and names a real relay. */
const withRelay = (play) => withTurn((turn) => {
  const invited = invitations();
  const flags = [
    ...invited.flags, "--turn-url", `${turn.urls}?transport=udp`, "--turn-secret", SECRET,
  ];
  return onStage({ flags }, (stage) => play(stage, invited, turn));
}, BY_SECRET);

test("whoever checks with the token of somebody in the visit does not take their seat",
  { timeout: 60_000 }, () => withRelay(async (stage, { doctor }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const elsewhere = await checked(stage, {}, doctor());
  const { join, network, relay } = await statuses(elsewhere);
  assert.deepEqual([join, network, relay], ["ok", "ok", "skipped"]);
  await weber.says("still here");
  await weber.page.waitForSelector("#messages .mine[data-status=sent]");
  assert.equal(await weber.count("in", "error"), 0);
  assert.equal(await weber.count("in", "joined"), 1);
}));

test("with a token for a room of the check's own, the relay that the server names is tested",
  { timeout: 60_000 }, () => withRelay(async (stage, { doctor, tokenFor }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const anna = await checked(stage, {}, tokenFor("check~7f3a", "anna", "Anna Keller"));
  assert.deepEqual(await statuses(anna), { ...ALL_GOOD, relay: "ok" });
  await anna.page.screenshot({ path: screenshotPath("check-relay") });
  assert.equal(await weber.count("in", "peer_joined"), 0);
}));

test("an app may name the relay itself, and only when it is needed", { timeout: 60_000 },
  () => withRelay(async (stage, { patient }, turn) => {
  const origin = `127.0.0.1:${stage.server.port}`;
  const html = `<!doctype html><meta charset="utf-8"><title>Check</title><script type="module">
    import { checkConnection } from "http://${origin}/demo/client/index.js";
    const found = {};
    const credentials = async (secret) => {
      const username = String(Math.floor(Date.now() / 1000) + 600);
      const bytes = (text) => new TextEncoder().encode(text);
      const how = { name: "HMAC", hash: "SHA-1" };
      const key = await crypto.subtle.importKey("raw", bytes(secret), how, false, ["sign"]);
      const signed = await crypto.subtle.sign("HMAC", key, bytes(username));
      return { username, credential: btoa(String.fromCharCode(...new Uint8Array(signed))) };
    };
    let asked = 0;
    const iceServers = async () => {
      asked += 1;
      return [{ urls: "${turn.urls}", ...await credentials("${SECRET}") }];
    };
    const options = { media: false, iceServers };
    for await (const { name, status } of checkConnection(
      "ws://${origin}/ws", "${patient()}", options)) found[name] = status;
    window.found = { ...found, asked };
  </script>`;
  await withPage(html, async (port) => {
    const anna = await stage.visitor("Anna", `http://127.0.0.1:${port}/`);
    await anna.page.waitForFunction(() => window.found);
    assert.deepEqual(await anna.page.evaluate(() => window.found), {
      server: "ok", join: "ok", network: "ok", relay: "ok", asked: 1,
    });
  });
}));

test("the form can look at the network before joining", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.page.click("#devices summary");
  await anna.page.click("#check-network");
  await anna.reads("#network-result", /Your connection works/);
}));
