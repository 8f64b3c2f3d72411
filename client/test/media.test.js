// LocalMedia: devices that are refused, changed, unplugged or taken by a phone call.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { LocalMedia } from "../src/index.js";
import { FakeStream, FakeTrack, fakeRtc } from "./support/rtc.js";

let rtc;
let asked;
/** What `getUserMedia` does with a request. */
let give;

beforeEach(() => {
  rtc = fakeRtc();
  asked = [];
  give = ({ audio, video }) => [audio && "audio", video && "video"].filter(Boolean).map(
    (kind) => new FakeTrack(kind, { deviceId: `${kind}-1` }),
  );
  navigator.mediaDevices = {
    async getUserMedia(constraints) {
      asked.push(constraints);
      return new FakeStream(give(constraints));
    },
    async getDisplayMedia() { return new FakeStream([new FakeTrack("video")]); },
  };
});
afterEach(() => rtc.restore());

const refuse = (name) => { throw Object.assign(new Error(name), { name }); };
const video = (media) => media.stream.getVideoTracks()[0];

test("what is missing does not keep the rest away", async () => {
  give = ({ video }) => (video ? refuse("NotFoundError") : [new FakeTrack("audio")]);
  const media = new LocalMedia();
  await media.start();
  assert.deepEqual([media.mic, media.camera, media.problem], [true, false, "missing"]);
});

test("each refusal has a name", async () => {
  const names = {
    NotAllowedError: "denied", NotFoundError: "missing", NotReadableError: "busy",
    TypeError: "failed",
  };
  for (const [name, problem] of Object.entries(names)) {
    give = () => refuse(name);
    const media = new LocalMedia();
    await media.start();
    assert.equal(media.problem, problem);
  }
});

test("a camera that is switched off is released, and the microphone is only silenced", async () => {
  const media = new LocalMedia();
  await media.start();
  const [camera, mic] = [video(media), media.stream.getAudioTracks()[0]];
  await media.setCamera(false);
  await media.setMic(false);
  assert.deepEqual([camera.readyState, mic.readyState, mic.enabled], ["ended", "live", false]);
});

test("a camera that comes after it was switched off is released", async () => {
  const media = new LocalMedia();
  let arrive;
  navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => { arrive = resolve; });
  void media.start();
  media.stop();
  const late = new FakeTrack("video");
  arrive(new FakeStream([late]));
  await media.started;
  assert.deepEqual([late.readyState, media.stream.getTracks()], ["ended", []]);
});

test("switching the camera stops the old one first", async () => {
  const media = new LocalMedia();
  await media.start();
  const old = video(media);
  give = () => {
    assert.equal(old.readyState, "ended", "a phone has one camera at a time");
    return [new FakeTrack("video", { deviceId: "video-2" })];
  };
  const sent = [];
  media.on("track", ({ track }) => sent.push(track?.getSettings().deviceId));
  await media.switchTo({ camera: "video-2" });
  assert.deepEqual(asked.at(-1).video.deviceId, { exact: "video-2" });
  assert.deepEqual(sent, ["video-2"]);
});

test("a camera that cannot be had brings the old one back", async () => {
  const media = new LocalMedia();
  await media.start();
  await media.switchTo({ camera: "video-1" });
  give = ({ video }) => (video.deviceId.exact === "gone"
    ? refuse("OverconstrainedError") : [new FakeTrack("video", { deviceId: "video-1" })]);
  await media.switchTo({ camera: "gone" });
  assert.equal(video(media).getSettings().deviceId, "video-1");
  assert.deepEqual([media.camera, media.problem], [true, null], "nothing is missing");
});

test("flipping goes from the front of a phone to its back, and again", async () => {
  give = ({ video }) => [
    new FakeTrack("video", { facingMode: video.facingMode?.exact ?? "user" }),
  ];
  const media = new LocalMedia();
  await media.start({ mic: false });
  await media.flip();
  assert.equal(video(media).getSettings().facingMode, "environment");
  await media.flip();
  assert.equal(video(media).getSettings().facingMode, "user");
});

test("cameras that do not say where they look are taken in turn", async () => {
  const ids = ["video-1", "video-2", "video-3"];
  navigator.mediaDevices.enumerateDevices = async () => [
    { kind: "audioinput", deviceId: "audio-1" },
    ...ids.map((deviceId) => ({ kind: "videoinput", deviceId })),
  ];
  give = ({ video }) => [
    new FakeTrack("video", { deviceId: video.deviceId?.exact ?? "video-1" }),
  ];
  const media = new LocalMedia();
  await media.start({ mic: false });
  const seen = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await media.flip();
    seen.push(video(media).getSettings().deviceId);
  }
  assert.deepEqual(seen, ["video-2", "video-3", "video-1"]);
});

test("the screen takes the place of the camera, which comes back", async () => {
  const media = new LocalMedia();
  await media.start();
  const camera = video(media);
  assert.ok(await media.shareScreen());
  assert.deepEqual([media.screen, media.camera, camera.readyState], [true, false, "ended"]);
  assert.equal(media.stream.getVideoTracks().length, 1);
  video(media).onended(); // the browser's own button
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.deepEqual([media.screen, media.camera], [false, true]);
});

test("a refused screen changes nothing", async () => {
  const media = new LocalMedia();
  await media.start();
  navigator.mediaDevices.getDisplayMedia = async () => refuse("NotAllowedError");
  assert.equal(await media.shareScreen(), false);
  assert.ok(media.camera);
});

test("tracks that a phone call left silent are taken anew", async () => {
  const media = new LocalMedia();
  await media.start();
  const [mic] = media.stream.getAudioTracks();
  mic.muted = true; // it looks live
  await media.revive();
  const [now] = media.stream.getAudioTracks();
  assert.notEqual(now, mic);
  assert.equal(mic.readyState, "ended");
  assert.equal(asked.length, 2, "the camera was fine");
});

test("a device that is unplugged is missing", async () => {
  const media = new LocalMedia();
  await media.start();
  const told = [];
  media.on("track", ({ kind, track }) => told.push([kind, track]));
  video(media).onended();
  assert.deepEqual([told, media.problem, media.camera], [[["video", null]], "missing", false]);
});
