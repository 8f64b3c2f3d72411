// Two people hold a visit: picture and sound both ways, chat both ways, one leaves.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";

const PHONE = {
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
};

test("two people complete a visit", { timeout: 90_000 }, () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna Keller");
  // her own picture, before she joins
  await anna.page.waitForSelector('#preview-note', { state: "hidden" });
  await anna.join();
  await anna.reads("#alone", /first one here/);

  const weber = await stage.person("Dr. Weber", { context: PHONE });
  await weber.join();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
    await person.page.waitForSelector('#health[data-state="online"]');
  }
  // The protocol's rule: the peer that joined later offers.
  await weber.logged("out", "offer");
  await anna.logged("in", "offer");
  assert.equal(
    await anna.page.locator('#log-lines li[data-direction="out"][data-type="offer"]').count(), 0,
  );

  await anna.page.screenshot({ path: screenshotPath("visit-desktop") });
  await weber.page.screenshot({ path: screenshotPath("visit-phone") });

  await weber.says("Good morning, can you hear me well?");
  await anna.reads("#unread", /^1/);
  await anna.says("Yes, very well. Thank you.");
  await anna.hears("Dr. Weber", "Good morning, can you hear me well?");
  await weber.hears("Anna Keller", "Yes, very well. Thank you.");
  await anna.page.screenshot({ path: screenshotPath("chat-desktop") });
  await weber.page.screenshot({ path: screenshotPath("chat-phone") });

  await anna.leave();
  await anna.reads("#notice", /left the visit/);
  await weber.seesPerson("Anna Keller", "left");
  await weber.reads("#messages", /Anna Keller left the visit/);
  assert.equal(await weber.page.locator("#tiles .tile:not(.self)").count(), 0);

  await anna.join(); // and she changes her mind
  await weber.page.click("#chat-panel [data-close-panel]");
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
  }
}));

test("the other person sees mute and camera off", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.sees(1);

  await weber.page.click("#mute");
  await weber.page.click("#camera-off");
  await anna.page.waitForSelector('.tile:not(.self)[data-mic="off"][data-camera="off"]');
  assert.equal(await weber.page.getAttribute("#mute", "aria-pressed"), "true");
  assert.equal(await weber.page.getAttribute("#camera-off", "aria-pressed"), "true");

  await weber.page.click("#camera-off");
  await weber.page.click("#mute");
  await anna.page.waitForSelector('.tile:not(.self)[data-mic="on"][data-camera="on"]');
  await anna.receivesMedia();
}));

test("a person who joins with the camera off can switch it on later", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await anna.page.waitForSelector('.screen[data-camera="on"]');
  await anna.page.click("#pre-camera");
  await anna.page.waitForSelector('.screen[data-camera="off"]');
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.page.waitForSelector('.tile:not(.self)[data-state="connected"][data-camera="off"]');

  await anna.page.click("#camera-off"); // a renegotiation, begun by the one who did not offer
  await weber.sees(1);
  await weber.receivesMedia();
}));
