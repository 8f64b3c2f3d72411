// The page by keyboard alone, by its names alone, and on a small phone.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage } from "./stage.js";

const NEEDS_NAME = new Set(["button", "textbox", "link", "meter", "log", "region", "form", "complementary", "Video"]);

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
    for (let presses = 0; presses < 15 && (await focused()) !== id; presses += 1) await page.keyboard.press("Tab");
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
  assert.deepEqual(await nameless(anna.page), []);
  await weber.join();
  await anna.join();
  await anna.sees(1);
  for (const toggle of ["#chat-toggle", "#people-toggle"]) {
    await anna.page.click(toggle);
    assert.deepEqual(await nameless(anna.page), []);
  }
}));

test("a small phone: nothing is cut off, and targets are large", { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
  const [anna, weber] = [await stage.person("Anna", { context: phone }), await stage.person("Weber")];
  await anna.page.waitForSelector("#level-row:not([hidden])");
  await assertFits(anna.page);
  await weber.join();
  await anna.join();
  await anna.sees(1);
  await assertFits(anna.page);
  const leave = await anna.page.locator("#leave").boundingBox();
  assert.ok(leave.y + leave.height <= 640, "Leave can be reached without scrolling");
  await anna.page.click("#chat-toggle");
  await assertFits(anna.page);
}));

/** The controls and landmarks on the page that a screen reader could not name. */
async function nameless(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const controls = nodes.filter(({ ignored, role }) => !ignored && NEEDS_NAME.has(role?.value));
  assert.ok(controls.length >= 5, "the accessibility tree was read");
  return controls.filter(({ name }) => !name?.value).map(({ role, backendDOMNodeId }) => `${role.value} ${backendDOMNodeId}`);
}

async function assertFits(page) {
  const { overflow, small } = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    small: [...document.querySelectorAll("button, input, summary")]
      .filter((control) => control.checkVisibility())
      .map((control) => ({ id: control.id || control.textContent.trim(), box: control.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ id, box }) => `${id} ${box.width}x${box.height}`),
  }));
  assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
  assert.deepEqual(small, []);
}
