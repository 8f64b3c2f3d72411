// The page by keyboard alone, by its names alone, and on a small phone.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage } from "./stage.js";

test("tab leads to Join in reading order", { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  const order = [];
  while (order.at(-1) !== "join" && order.length < 12) {
    await anna.page.keyboard.press("Tab");
    order.push(await anna.page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(order, ["pre-mute", "pre-camera", "name", "visit-name", "join"]);
}));

test("a whole visit by keyboard", { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const weber = await stage.person("Weber");
  await weber.join();
  const { page } = await stage.person("Anna");
  const focused = () => page.evaluate(() => document.activeElement.id);
  const tabTo = async (id) => {
    for (let presses = 0; presses < 15 && (await focused()) !== id; presses += 1) {
      await page.keyboard.press("Tab");
    }
    assert.equal(await focused(), id);
  };

  await tabTo("name");
  await page.keyboard.type("Keller"); // over "Anna": what a field holds is selected on the way in
  await page.keyboard.press("Enter");
  await page.waitForSelector("#visit:not([hidden])");
  assert.equal(await focused(), "visit-title", "she is told where she is");

  await tabTo("mute");
  await page.keyboard.press("Space");
  await page.waitForSelector('#mute[aria-pressed="true"]');
  await tabTo("chat-toggle");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "chat-text");
  await page.keyboard.type("hello");
  await page.keyboard.press("Enter");
  await weber.hears("Keller", "hello");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "chat-toggle");
  assert.ok(await page.isHidden("#chat-panel"));
  await tabTo("leave");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#prejoin:not([hidden])");
  assert.equal(await focused(), "join");
}));

test("every control has a name", { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await anna.page.waitForSelector("#level-row:not([hidden])");
  assert.deepEqual(await anna.nameless(), []);
  await weber.join();
  await anna.join();
  await anna.sees(1);
  for (const toggle of ["#chat-toggle", "#people-toggle"]) {
    await anna.page.click(toggle);
    assert.deepEqual(await anna.nameless(), []);
  }
}));

test("a small phone: nothing is cut off, and targets are large", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
  const [anna, weber] = [
    await stage.person("Anna", { context: phone }), await stage.person("Weber"),
  ];
  await anna.page.waitForSelector("#level-row:not([hidden])");
  await anna.fits();
  await weber.join();
  await anna.join();
  await anna.sees(1);
  await anna.fits();
  const leave = await anna.page.locator("#leave").boundingBox();
  assert.ok(leave.y + leave.height <= 640, "Leave can be reached without scrolling");
  await anna.page.click("#chat-toggle");
  await anna.fits();
}));
