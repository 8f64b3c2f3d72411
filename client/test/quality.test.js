import assert from "node:assert/strict";
import test from "node:test";
import { judge, worst } from "../src/quality.js";

const report = ({ seconds, received, lost = 0, type = "host", firefox = false }) => [
  ...firefox ? [] : [{ id: "t", type: "transport", selectedCandidatePairId: "p" }],
  {
    id: "p", type: "candidate-pair", selected: firefox, localCandidateId: "l",
    remoteCandidateId: "r", currentRoundTripTime: seconds,
  },
  { id: "l", type: "local-candidate", candidateType: type },
  { id: "r", type: "remote-candidate", candidateType: "host" },
  { id: "i", type: "inbound-rtp", packetsReceived: received, packetsLost: lost },
];

test("a round trip and losses make a level", () => {
  const level = (one) => judge(report(one)).quality.level;
  assert.equal(level({ seconds: 0.05, received: 100 }), "good");
  assert.equal(level({ seconds: 0.3, received: 100 }), "fair");
  assert.equal(level({ seconds: 0.6, received: 100 }), "poor");
  assert.equal(level({ seconds: 0.05, received: 95, lost: 5 }), "fair");
  assert.equal(level({ seconds: 0.05, received: 80, lost: 20 }), "poor");
  assert.equal(level({ seconds: 0.3, received: 100, firefox: true }), "fair");
});

test("only losses since the last look count", () => {
  const first = judge(report({ seconds: 0.05, received: 50, lost: 50 }));
  const second = judge(report({ seconds: 0.05, received: 150, lost: 50 }), first.counted);
  assert.deepEqual([first.quality.level, second.quality.level], ["poor", "good"]);
});

test("it says whether a relay is in between", () => {
  assert.equal(judge(report({ seconds: 0.1, received: 1, type: "relay" })).quality.relayed, true);
  assert.equal(judge(report({ seconds: 0.1, received: 1 })).quality.relayed, false);
});

test("the worst of all calls counts", () => {
  const of = (...levels) => worst(levels.map((level) => level && { level }));
  assert.deepEqual(
    [of(), of(null), of("good", null), of("fair", "good"), of("good", "poor", "fair")],
    [null, null, "good", "fair", "poor"],
  );
});
