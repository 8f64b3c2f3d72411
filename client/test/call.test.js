// Call: who offers, what crosses, and what comes early.

import assert from "node:assert/strict";
import { after, before, mock, test } from "node:test";
import { Call } from "../src/index.js";
import { FakeStream, FakeTrack, fakeRtc } from "./support/rtc.js";

let rtc;
before(() => { rtc = fakeRtc(); });
after(() => rtc.restore());

/** Everything that was begun is done. */
const settle = () => new Promise((resolve) => { setImmediate(resolve); });

function call(caller, tracks = [new FakeTrack("audio"), new FakeTrack("video")]) {
  const sent = [];
  const made = new Call({
    id: "c1", caller, local: new FakeStream(tracks),
    configuration: { iceServers: [{ urls: "stun:one" }] },
    send: (message) => sent.push(message),
  });
  return { call: made, pc: rtc.connections.at(-1), sent };
}

const timed = (run) => async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await run();
  } finally {
    mock.timers.reset();
  }
};

test("the first candidates travel in the offer, later ones together", timed(async () => {
  const { pc, sent } = call(true);
  await settle();
  pc.find("host 1");
  pc.find("host 2");
  assert.deepEqual(sent, []);
  mock.timers.tick(100);
  await settle();
  assert.match(sent[0].sdp, /host 1\nhost 2/);
  assert.deepEqual([sent.length, sent[0].type, sent[0].call], [1, "offer", "c1"]);
  for (const late of ["relay 1", "relay 2"]) pc.find(late);
  mock.timers.tick(50);
  pc.find("relay 3");
  mock.timers.tick(50);
  const { candidate } = sent[1];
  assert.deepEqual(candidate.map((one) => one.candidate), ["relay 1", "relay 2"]);
  assert.deepEqual(sent[2].candidate, { candidate: "relay 3" });
}));

test("an offer goes out as soon as nothing more can be found", timed(async () => {
  const { pc, sent } = call(true);
  await settle();
  pc.find("host 1");
  pc.gathered();
  await settle();
  assert.match(sent[0].sdp, /host 1/);
}));

test("who was there first does not offer, and answers", timed(async () => {
  const { call: own, pc, sent } = call(false);
  await settle();
  mock.timers.tick(1000);
  assert.deepEqual(sent, []);
  void own.receive({ type: "offer", sdp: "theirs" });
  await settle();
  pc.gathered();
  await settle();
  assert.deepEqual(sent.map(({ type }) => type), ["answer"]);
}));

test("candidates that overtake their description wait for it", timed(async () => {
  const { call: own, pc } = call(false);
  void own.receive({ type: "candidate", candidate: [{ candidate: "one" }, { candidate: "two" }] });
  void own.receive({ type: "candidate", candidate: null });
  await settle();
  assert.deepEqual(pc.taken, []);
  void own.receive({ type: "offer", sdp: { type: "offer", sdp: "theirs" } });
  void own.receive({ type: "candidate", candidate: "three" });
  await settle();
  mock.timers.tick(100);
  await settle();
  assert.deepEqual(pc.taken, ["one", "two", "three"]);
}));

test("when offers cross, the caller gives way and the other does not", timed(async () => {
  for (const [caller, expected] of [[true, ["answer"]], [false, []]]) {
    const { call: own, pc, sent } = call(caller);
    await settle();
    if (!caller) { // it may offer once it has answered
      void own.receive({ type: "offer", sdp: "first" });
      await settle();
      mock.timers.tick(100);
      await settle();
      own.restart();
      await settle();
    }
    const before = sent.length;
    assert.equal(pc.signalingState, "have-local-offer");
    void own.receive({ type: "offer", sdp: "crossing" });
    await settle();
    mock.timers.tick(100);
    await settle();
    mock.timers.tick(100);
    await settle();
    const after = sent.slice(before).map(({ type }) => type).filter((type) => type === "answer");
    assert.deepEqual(after, expected);
  }
}));

test("an answer that comes twice changes nothing", timed(async () => {
  const { call: own, pc } = call(true);
  await settle();
  void own.receive({ type: "answer", sdp: "one" });
  void own.receive({ type: "answer", sdp: "two" });
  await settle();
  assert.equal(pc.remoteDescription.sdp, "one");
}));

test("a call that fails, or stays disconnected, restarts ICE", timed(async () => {
  const { call: own, pc } = call(true);
  const states = [];
  own.on("change", (state) => states.push(state));
  pc.become("connected");
  pc.become("disconnected");
  mock.timers.tick(3_999);
  assert.equal(pc.restarts, 0);
  mock.timers.tick(1);
  assert.equal(pc.restarts, 1);
  pc.become("failed");
  assert.equal(pc.restarts, 2);
  pc.become("connected");
  assert.deepEqual(states, ["connected", "reconnecting", "reconnecting", "connected"]);
}));

test("a short disconnection, as Safari tells of while it negotiates, restarts nothing",
  timed(async () => {
  const { pc } = call(true);
  pc.become("connected");
  pc.become("disconnected");
  mock.timers.tick(3_999);
  pc.become("connected");
  mock.timers.tick(60_000);
  assert.equal(pc.restarts, 0);
}));

test("an offer whose answer is lost goes out again", timed(async () => {
  const { call: own, pc, sent } = call(true);
  await settle();
  mock.timers.tick(100);
  await settle();
  const offers = () => sent.filter(({ type }) => type === "offer").length;
  assert.equal(offers(), 1);
  own.restart();
  await settle();
  mock.timers.tick(100);
  await settle();
  assert.equal(offers(), 1, "a restart waits for the answer");
  own.repair();
  await settle();
  mock.timers.tick(100);
  await settle();
  assert.equal(offers(), 2);
  void own.receive({ type: "answer", sdp: "late" });
  await settle();
  assert.equal(pc.remoteDescription.sdp, "late");
}));

test("a change of network restarts only what has fallen silent", timed(async () => {
  for (const [arrived, restarts] of [[2000, 0], [1000, 1]]) {
    const { call: own, pc } = call(true);
    pc.become("connected");
    pc.stats = [{ id: "t", bytesReceived: 1000 }];
    own.checkRoute();
    await settle();
    pc.stats = [{ id: "t", bytesReceived: arrived }];
    mock.timers.tick(4_000);
    await settle();
    assert.equal(pc.restarts, restarts);
  }
}));

test("fresh ICE servers keep the rest of the configuration", () => {
  const { call: own, pc } = call(true);
  own.useIceServers([{ urls: "turn:two" }]);
  assert.deepEqual(pc.configuration, { iceServers: [{ urls: "turn:two" }] });
});

test("a camera that was off can be sent later, without another sender", async () => {
  const { call: own, pc } = call(true);
  await own.replaceTrack("video", null);
  const camera = new FakeTrack("video");
  await own.replaceTrack("video", camera);
  const senders = pc.getTransceivers().filter(({ receiver }) => receiver.track.kind === "video");
  assert.deepEqual(senders.map(({ sender }) => sender.track), [camera]);
});

test("somebody without camera and microphone asks for both", async () => {
  const { pc } = call(true, []);
  const kinds = pc.getTransceivers().map(
    ({ receiver, direction }) => [receiver.track.kind, direction],
  );
  assert.deepEqual(kinds, [["audio", "recvonly"], ["video", "recvonly"]]);
});

test("a closed call sends nothing more", timed(async () => {
  const { call: own, pc, sent } = call(true);
  await settle();
  pc.find("host 1");
  own.close();
  mock.timers.tick(10_000);
  await settle();
  assert.deepEqual(sent, []);
}));

test("after offers crossed, later candidates still go out", timed(async () => {
  const { call: own, pc, sent } = call(true);
  await settle();
  void own.receive({ type: "offer", sdp: "crossing" }); // while our own offer waits for candidates
  await settle();
  mock.timers.tick(100);
  await settle();
  pc.find("relay 1");
  mock.timers.tick(50);
  assert.deepEqual(sent.map(({ type }) => type), ["answer", "candidate"]);
}));
