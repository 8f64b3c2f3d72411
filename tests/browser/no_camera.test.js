// Camera and microphone refused: the person can still join the visit, to see and to hear.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";

test("a person without a camera can still join, see and hear", { timeout: 90_000 },
  () => onStage({ camera: false }, async (stage) => {
  const anna = await stage.person("Anna");
  const weber = await stage.person("Weber", { context: { permissions: ["camera", "microphone"] } });
  await anna.reads("#device-note", /You can join anyway/);
  await anna.page.screenshot({ path: screenshotPath("no-camera") });

  await weber.join();
  await anna.join();
  await anna.sees(1);
  await anna.receivesMedia();
  await weber.page.waitForSelector(
    '.tile:not(.self)[data-state="connected"][data-camera="off"][data-mic="off"]',
  );
  assert.equal(await anna.page.getAttribute("#self", "data-camera"), "off");
}));

test("the person without a camera may also be the first one there", { timeout: 90_000 },
  () => onStage({ camera: false }, async (stage) => {
  const anna = await stage.person("Anna");
  const weber = await stage.person("Weber", { context: { permissions: ["camera", "microphone"] } });
  await anna.reads("#device-note", /You can join anyway/);
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await anna.receivesMedia();
}));
