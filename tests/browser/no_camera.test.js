// Camera and microphone refused: the visit can be joined all the same, to see and to hear.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";

test("without a camera one still joins, sees and hears", { timeout: 90_000 }, () => onStage({ camera: false }, async (stage) => {
  const anna = await stage.person("Anna");
  const weber = await stage.person("Weber", { context: { permissions: ["camera", "microphone"] } });
  await anna.reads("#device-note", /You can join anyway/);
  await anna.page.screenshot({ path: screenshotPath("no-camera") });

  await weber.join();
  await anna.join();
  await anna.sees(1);
  await anna.receivesMedia();
  await weber.page.waitForSelector('.tile:not(.self)[data-state="connected"][data-camera="off"][data-mic="off"]');
  assert.equal(await anna.page.getAttribute("#self", "data-camera"), "off");
}));

test("who has no camera may also be the one who was there first", { timeout: 90_000 }, () => onStage({ camera: false }, async (stage) => {
  const anna = await stage.person("Anna");
  const weber = await stage.person("Weber", { context: { permissions: ["camera", "microphone"] } });
  await anna.reads("#device-note", /You can join anyway/);
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await anna.receivesMedia();
}));
