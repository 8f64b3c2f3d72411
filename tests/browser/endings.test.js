// The texts that people read when they cannot join a visit, or when it is over.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { onStage, screenshotPath } from "./stage.js";

test("a full visit says so, and admits a person who tries again", { timeout: 60_000 },
  () => onStage({ flags: ["--max-peers-per-room", "1"] }, async (stage) => {
  const [anna, late] = [await stage.person("Anna"), await stage.person("Late")];
  await anna.join();
  await late.page.click("#join");
  await late.reads("#notice", /full right now/);
  assert.equal(await late.page.textContent("#join"), "Try again");
  await late.page.screenshot({ path: screenshotPath("room-full") });

  await anna.leave();
  await late.join();
}));

test("another window takes over: this one says so, and can take it back", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.join();
  const peerId = await anna.peerId();
  const other = await stage.person("Other");
  await other.page.evaluate((peerId) => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    socket.onopen = () => socket.send(
      JSON.stringify({ type: "join", roomId: "test-visit", peerId }),
    );
    window.taken = new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(data).type);
    });
    window.lost = new Promise((resolve) => { socket.onclose = ({ code }) => resolve(code); });
  }, peerId);
  assert.equal(await other.page.evaluate(() => window.taken), "joined");

  await anna.reads("#notice", /another window/);
  assert.ok(await anna.page.isVisible("#prejoin"));
  assert.equal(await anna.page.textContent("#join"), "Use it here instead");
  await anna.join();
  assert.equal(await other.page.evaluate(() => window.lost), 4009);
}));

test("a person cannot join a visit without a usable name", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna", { visit: "Zimmer 12 Süd/Ost" });
  assert.equal(await anna.page.inputValue("#visit-name"), "Zimmer-12-SudOst");
  await anna.page.fill("#visit-name", "///");
  await anna.page.click("#join");
  await anna.reads("#notice", /name for the visit/);
  assert.equal(await anna.page.getAttribute("#visit-name", "aria-invalid"), "true");
}));

test("an invitation opened in two tabs: the first one closes, and neither takes it back by itself",
  { timeout: 60_000 }, () => {
  const { flags, doctor } = invitations();
  return onStage({ flags }, async (stage) => {
    const token = doctor();
    const first = await stage.person("First", { token });
    await first.join();
    const second = await stage.person("Second", { token });
    await second.join();
    await first.reads("#notice", /another window/);
    await second.says("still here");
    assert.ok(await second.page.isVisible("#visit"));
    assert.equal(await first.count("out", "join"), 1);
    assert.equal(await second.count("in", "error"), 0);
  });
});
