// The check page, and the check before joining.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startGateway, startServer } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";

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

test("the form can look at the network before joining", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.page.click("#devices summary");
  await anna.page.click("#check-network");
  await anna.reads("#network-result", /Your connection works/);
}));
