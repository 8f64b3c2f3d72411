// What a clinic shows its patients: devices, the screen, the small window, the knock, the frame.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { withPage } from "./site.js";
import { onStage, screenshotPath } from "./stage.js";

/** The second of Chromium's fake cameras shows depths, which it sends to nobody. */
const CAMERAS = 3;
const [FIRST_CAMERA, OTHER_CAMERA] = ["fake_device_0", "fake_device_2"];

/** Two people who see each other. */
const inACall = (options, play) => onStage(options, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.sees(1);
  await play({ stage, anna, weber });
});

test("the screen is shown in place of the camera, and the camera comes back", { timeout: 60_000 },
  () => inACall({}, async ({ anna, weber }) => {
  await anna.page.evaluate(() => { // this machine has no screen
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 800, height: 450 });
      const context = canvas.getContext("2d");
      const paint = (at) => {
        context.fillStyle = `hsl(${at / 20 % 360} 60% 50%)`;
        context.fillRect(0, 0, 800, 450);
        requestAnimationFrame(paint);
      };
      paint(0);
      window.shared = canvas.captureStream(15);
      return window.shared;
    };
  });
  await anna.page.click("#share");
  await weber.page.waitForSelector('.tile[data-screen="true"]');
  await weber.page.waitForFunction(
    () => document.querySelector(".tile:not(.self) video").videoWidth > 400,
  );
  await weber.page.getByLabel("Anna is showing their screen.").waitFor();
  assert.equal(await anna.page.getAttribute("#share", "aria-pressed"), "true");
  await anna.page.screenshot({ path: screenshotPath("screen") });
  await anna.page.evaluate(() => { // the browser's own "stop sharing"
    const [track] = window.shared.getVideoTracks();
    track.stop();
    track.onended();
  });
  await weber.page.waitForSelector('.tile[data-screen="false"][data-camera="on"]:not(.self)');
  await weber.page.waitForFunction(
    () => document.querySelector(".tile:not(.self) video").videoWidth === 320,
  );
  await weber.receivesMedia();
}));

test("another camera can be chosen before and during a visit", { timeout: 60_000 },
  () => inACall({ cameras: CAMERAS }, async ({ anna, weber }) => {
  await anna.page.click("#devices-toggle");
  const options = anna.page.locator("#visit-camera option");
  assert.equal(await options.count(), CAMERAS);
  const used = () => anna.page.evaluate(
    () => document.getElementById("self-video").srcObject.getVideoTracks()[0].label,
  );
  const before = await used();
  await anna.page.selectOption("#visit-camera", { label: OTHER_CAMERA });
  await anna.page.waitForFunction((before) => {
    const [track] = document.getElementById("self-video").srcObject.getVideoTracks();
    return track && track.label !== before;
  }, before);
  await weber.receivesMedia();
  const calls = await weber.connections();
  assert.deepEqual(calls, [["connecting", "connected"]], "nothing is negotiated");
  await anna.page.click("[data-test-speaker] >> visible=true");
}));

test("on a phone with several cameras, a button flips them, before and during a visit",
  { timeout: 90_000 }, () => onStage({ cameras: CAMERAS }, async (stage) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const anna = await stage.person("Anna", { context: phone });
  const weber = await stage.person("Weber");
  const camera = (id) => anna.page.evaluate(
    (id) => document.getElementById(id).srcObject.getVideoTracks()[0]?.label, id,
  );
  const flip = async (id) => {
    const before = await camera(id);
    await anna.page.click("[data-flip] >> visible=true");
    await anna.page.waitForFunction(({ id, before }) => {
      const video = document.getElementById(id);
      const [track] = video.srcObject.getVideoTracks();
      return track && track.label !== before && track.readyState === "live" && !track.muted;
    }, { id, before });
    return camera(id);
  };

  await anna.page.waitForSelector('.screen[data-camera="on"]');
  await anna.page.click("#devices summary");
  assert.equal(await camera("preview"), FIRST_CAMERA);
  await flip("preview");
  assert.equal(await flip("preview"), OTHER_CAMERA);

  await weber.join();
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);
  assert.equal(await camera("self-video"), OTHER_CAMERA, "the choice goes into the visit");
  await anna.page.click("#devices-toggle");
  assert.equal(await flip("self-video"), FIRST_CAMERA);
  await weber.receivesMedia();
  const calls = await weber.connections();
  assert.deepEqual(calls, [["connecting", "connected"]], "nothing is negotiated");
  await anna.page.screenshot({ path: screenshotPath("flip-phone") });
}));

test("with one camera, or on a desk, nothing flips", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const anna = await stage.person("Anna", { context: phone });
  await anna.page.waitForSelector('.screen[data-camera="on"]');
  await anna.page.click("#devices summary");
  await anna.page.waitForSelector("#devices select");
  assert.equal(await anna.page.locator("[data-flip] >> visible=true").count(), 0);
}));

// What only a window manager can show is that the small window stays above other programs.
test("the other person's picture goes into a small window, and comes back", { timeout: 60_000 },
  () => inACall({}, async ({ anna, weber }) => {
  const small = () => anna.page.evaluate(() => {
    const video = document.pictureInPictureElement;
    const own = video?.id === "self-video";
    return video && { label: video.ariaLabel, own, paused: video.paused };
  });
  const becomes = (there) => anna.page.waitForFunction(
    (there) => (document.pictureInPictureElement !== null) === there, there,
  );
  await anna.page.click("#pip");
  await becomes(true);
  const { label, own, paused } = await small();
  assert.deepEqual([own, paused], [false, false]);
  assert.match(label, /Weber/);
  await anna.receivesMedia();

  await anna.page.click("#pip");
  await becomes(false);
  await anna.page.click("#pip");
  await becomes(true);
  await weber.leave(); // there is nobody to show
  await becomes(false);
  await anna.page.waitForSelector("#pip", { state: "hidden" });

  await weber.join();
  await anna.sees(1);
  await anna.page.click("#pip");
  await becomes(true);
  await anna.leave();
  await becomes(false);
}));

test("a browser without small windows, such as an iPhone's, has no button for them",
  { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const [anna, weber] = [
    await stage.person("Anna", { prepare: (page) => page.addInitScript(() => {
      Object.defineProperty(document, "pictureInPictureEnabled", { value: undefined });
    }) }),
    await stage.person("Weber"),
  ];
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.sees(1);
  await weber.page.waitForSelector("#pip", { state: "visible" });
  assert.ok(await anna.page.isHidden("#pip"));
}));

test("each person's connection is measured, and a bad one is said in words", { timeout: 60_000 },
  () => inACall({}, async ({ anna }) => {
  await anna.page.waitForSelector('.tile[data-quality="good"]');
  await anna.page.click("#people-toggle");
  await anna.page.waitForSelector('#people li[data-quality="good"]');
  assert.equal(await anna.page.textContent(".tile:not(.self) .tile-state"), "");
  await anna.page.evaluate(() => { // a slow way to the other one
    const real = RTCPeerConnection.prototype.getStats;
    RTCPeerConnection.prototype.getStats = async function getStats() {
      return new Map([...await real.call(this)].map(([id, report]) => [
        id, report.type === "candidate-pair" ? { ...report, currentRoundTripTime: 0.7 } : report,
      ]));
    };
  });
  await anna.reads(".tile:not(.self) .tile-state", /Bad connection/);
  await anna.page.screenshot({ path: screenshotPath("bad-connection") });
}));

test("a knock sounds, and tells a doctor who looks elsewhere, without a name", { timeout: 60_000 },
  () => {
  const { flags, doctor, patient } = invitations();
  return onStage({ flags }, async (stage) => {
    const weber = await stage.person("Dr. Weber", { token: doctor() });
    await weber.page.evaluate(() => {
      window.sounds = 0;
      window.told = [];
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function count(...when) {
        window.sounds += 1;
        return start.apply(this, when);
      };
      window.Notification = class {
        static permission = "granted";
        constructor(title, options) { window.told.push(`${title}: ${options.body}`); }
      };
      Object.defineProperty(document, "hidden", { get: () => true });
    });
    await weber.join();
    const anna = await stage.person("Anna Keller", { token: patient() });
    await anna.knock();
    await weber.seesWaiting("Anna Keller");
    const { sounds, told } = await weber.page.evaluate(
      () => ({ sounds: window.sounds, told: window.told }),
    );
    assert.equal(sounds, 2, "two notes");
    assert.deepEqual(told, ["Video visit: Somebody is in the waiting room."]);
    // A reload keeps her place, and is no news.
    await anna.page.reload();
    await anna.inWaitingRoom();
    await anna.page.fill("#wait-text", "back");
    await anna.page.press("#wait-text", "Enter");
    await weber.reads("#lobby-list .messages", /back/);
    assert.equal(await weber.page.evaluate(() => window.sounds), 2);
  });
});

test("the screen stays awake for as long as the visit lasts", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.page.evaluate(() => {
    window.locks = 0;
    Object.defineProperty(navigator, "wakeLock", { value: { async request() {
      window.locks += 1;
      return { async release() { window.locks -= 1; } };
    } } });
  });
  await anna.join();
  await anna.page.waitForFunction(() => window.locks === 1);
  await anna.leave();
  await anna.page.waitForFunction(() => window.locks === 0);
}));

test("a wake lock that comes after the visit is released", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.page.evaluate(() => {
    window.released = false;
    const lock = { async release() { window.released = true; } };
    Object.defineProperty(navigator, "wakeLock", { value: {
      request: () => new Promise((resolve) => { window.grant = () => resolve(lock); }),
    } });
  });
  await anna.join();
  await anna.leave();
  await anna.page.evaluate(() => window.grant());
  await anna.page.waitForFunction(() => window.released);
}));

test("only a listed site may show the page in a frame, and a visit works there", { timeout: 60_000 },
  async () => {
  const frame = (port) => `<!doctype html><meta charset="utf-8"><title>Clinic</title>
    <iframe src="http://127.0.0.1:${port}/demo/?visit=framed&name=Anna&debug&quality=low"
      allow="camera; microphone; display-capture; autoplay" width="900" height="600"></iframe>`;
  let html = "";
  await withPage({ toString: () => html }, (site) => onStage(
    { flags: ["--frame-ancestor", `http://127.0.0.1:${site}`] },
    async (stage) => {
    html = frame(stage.server.port);
    const anna = await stage.visitor("Anna", `http://127.0.0.1:${site}/`);
    const page = anna.page.frameLocator("iframe");
    await page.locator("#join").click();
    await page.locator("#visit:not([hidden])").waitFor();
    const weber = await stage.person("Weber", { visit: "framed" });
    await weber.join();
    await weber.sees(1);
    await anna.page.screenshot({ path: screenshotPath("framed") });
  }));
  await withPage({ toString: () => html }, (site) => onStage({}, async (stage) => {
    stage.allow(/frame-ancestors|Refused to|Framing/);
    html = frame(stage.server.port);
    const anna = await stage.visitor("Anna", `http://127.0.0.1:${site}/`);
    await anna.page.frameLocator("iframe").locator("body").waitFor({ state: "attached" });
    assert.equal(await anna.page.frameLocator("iframe").locator("#join").count(), 0);
  }));
});
