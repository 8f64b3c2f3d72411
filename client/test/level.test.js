// The loudness of a microphone, and when its AudioContext may be woken.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { watchLevel } from "../src/index.js";
import { FakeStream, FakeTrack } from "./support/rtc.js";

const names = [
  "AudioContext", "AnalyserNode", "MediaStream", "addEventListener", "removeEventListener",
];
const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
let page;
let contexts;
let loudness;

beforeEach(() => {
  page = new EventTarget();
  contexts = [];
  loudness = 0;
  const values = {
    AudioContext: class {
      state = "suspended";
      resumed = 0;
      constructor() { contexts.push(this); }

      createMediaStreamSource() { return { connect() {} }; }

      async resume() { this.resumed += 1; }

      async close() { this.state = "closed"; }
    },
    AnalyserNode: class {
      fftSize = 512;
      getFloatTimeDomainData(samples) { samples.fill(loudness); }
    },
    MediaStream: FakeStream,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
});
afterEach(() => {
  for (const [name, was] of before) {
    if (was) Object.defineProperty(globalThis, name, was);
    else delete globalThis[name];
  }
});

const touch = () => page.dispatchEvent(new Event("pointerdown"));

test("a context that waits for a touch is woken by one", () => {
  const stop = watchLevel(new FakeTrack("audio"), () => {});
  touch();
  assert.equal(contexts[0].resumed, 1);
  stop();
});

test("a context that a phone call interrupted is left alone", () => {
  const stop = watchLevel(new FakeTrack("audio"), () => {});
  contexts[0].state = "interrupted";
  touch();
  assert.equal(contexts[0].resumed, 0);
  stop();
});

test("nothing is woken after the end", () => {
  const stop = watchLevel(new FakeTrack("audio"), () => {});
  stop();
  assert.equal(contexts[0].state, "closed");
  touch();
  assert.equal(contexts[0].resumed, 0);
});

test("it shows the loudness, and nothing while the microphone is muted", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const shown = [];
  const track = new FakeTrack("audio");
  const stop = watchLevel(track, (level) => shown.push(level));
  for (const [level, enabled] of [[0.1, true], [0.9, true], [0.9, false]]) {
    loudness = level;
    track.enabled = enabled;
    context.mock.timers.tick(100);
  }
  stop();
  context.mock.timers.tick(1_000);
  assert.deepEqual(shown.map((level) => level.toFixed(2)), ["0.50", "1.00", "0.00"]);
});
