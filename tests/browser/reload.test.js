// Identity: a reload keeps it, a duplicated tab does not share it.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage } from "./stage.js";

test("after a reload the same person is back in the visit", { timeout: 90_000 },
  () => onStage({}, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await weber.join();
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);
  const peerId = await anna.peerId();
  await anna.page.click("#mute");

  await anna.page.reload();
  await anna.inVisit();
  assert.equal(await anna.peerId(), peerId);
  assert.equal(
    await anna.page.getAttribute("#mute", "aria-pressed"), "true", "a reload must not unmute",
  );
  await anna.sees(1);
  await weber.sees(1);
  await anna.receivesMedia();
  await weber.receivesMedia();
  const people = await weber.page.locator("#people .person-name").allTextContents();
  assert.deepEqual(people, ["Weber (you)", "Anna"]);
}));

test("after leaving, a reload does not go back in", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.join();
  await anna.leave();
  await anna.page.reload();
  await anna.page.waitForSelector('.screen[data-camera="on"]');
  assert.ok(await anna.page.isVisible("#prejoin"));
  assert.ok(await anna.page.isHidden("#visit"));
}));

test("a duplicated tab is another person and takes nothing away", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.join();
  await anna.page.reload(); // her identity was in the storage just now
  await anna.inVisit();
  // A window opened by a page gets a copy of its session storage, as a duplicated tab does.
  const opened = anna.page.waitForEvent("popup");
  await anna.page.evaluate(() => void window.open("about:blank"));
  const copy = await stage.adopt(
    await opened, "Anna's copy", { visit: "test-visit", port: stage.server.port },
  );
  assert.ok(await copy.page.isVisible("#prejoin"), "the copy asks before it joins");
  await copy.join();

  await anna.seesPerson("Anna's copy", "connected");
  assert.notEqual(await copy.peerId(), await anna.peerId());
  assert.ok(await anna.page.isVisible("#visit"));
}));
