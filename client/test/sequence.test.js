// Order: messages that come early, twice, late or not at all.

import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { Incoming, Outgoing } from "../src/sequence.js";

const to = (seq, more) => ({ type: "chat", from: "ben", to: "me", run: "r1", seq, ...more });

function listen() {
  const heard = { messages: [], gaps: [] };
  const incoming = new Incoming({
    deliver: ({ seq }) => heard.messages.push(seq), gap: ({ missing }) => heard.gaps.push(missing),
  });
  const take = (...messages) => { for (const one of messages) incoming.take(one); };
  return { heard, take, incoming };
}

test("each receiver has a series, and everybody has one", () => {
  const outgoing = new Outgoing();
  const numbers = ["ada", "ada", "ben", undefined, "ada", undefined].map((peer) => {
    const message = { type: "chat", ...(peer && { to: peer }) };
    return outgoing.number(message, 1);
  });
  assert.deepEqual(numbers.map(({ seq }) => seq), [1, 2, 1, 1, 3, 2]);
  assert.equal(new Set(numbers.map(({ run }) => run)).size, 3);
});

test("another page of the receiver has a series of its own", () => {
  const outgoing = new Outgoing();
  const [first, second] = [1, 2].map((page) => outgoing.number({ type: "offer", to: "ada" }, page));
  assert.deepEqual([first.seq, second.seq], [1, 1]);
  assert.notEqual(first.run, second.run);
});

test("a message that is sent again keeps its number", () => {
  const outgoing = new Outgoing();
  const message = outgoing.number({ type: "offer", to: "ada" }, 1);
  assert.equal(outgoing.number(message, 1), message);
});

test("messages are delivered in order, each once", () => {
  const { heard, take } = listen();
  take(to(2), to(1), to(1), to(4), to(2), to(3), to(5));
  assert.deepEqual(heard, { messages: [1, 2, 3, 4, 5], gaps: [] });
});

test("series do not wait for each other", () => {
  const { heard, take } = listen();
  take(to(2), { ...to(1), from: "ada" }, { ...to(1), run: "r2" });
  assert.deepEqual(heard.messages, [1, 1]);
});

test("a series for all starts where we come in", () => {
  const { heard, take } = listen();
  const all = (seq) => ({ type: "chat", from: "ben", run: "r1", seq });
  take(all(17), all(19), all(18), { ...all(20), to: "me", toAll: true });
  assert.deepEqual(heard.messages, [17, 18, 19, 20]);
});

test("the first two of a series for all may have changed places", () => {
  const { heard, take } = listen();
  const all = (seq) => ({ type: "chat", from: "ben", run: "r1", seq });
  take(all(2), all(1), all(2), all(1), all(3));
  assert.deepEqual(heard, { messages: [2, 1, 3], gaps: [] });
});

test("a gap is named, and what comes after it is not held up for ever", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { heard, take } = listen();
  take(to(1), to(4), to(3));
  assert.deepEqual(heard.messages, [1]);
  mock.timers.tick(2_000);
  assert.deepEqual(heard, { messages: [1, 3, 4], gaps: [[2]] });
  take(to(2), to(2));
  assert.deepEqual(heard.messages, [1, 3, 4, 2], "late is better than never, and once");
  mock.timers.reset();
});

test("a sender that counts wildly is still heard", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { heard, take } = listen();
  take(to(2 ** 40));
  mock.timers.tick(2_000);
  assert.deepEqual(heard.messages, [2 ** 40]);
  assert.equal(heard.gaps[0].length, 256);
  mock.timers.reset();
});

test("a long series with its beginning missing does not pile up", () => {
  const { heard, take } = listen();
  for (let seq = 2; seq <= 400; seq += 1) take(to(seq));
  assert.equal(heard.messages.at(-1), 400);
  assert.deepEqual(heard.gaps, [[1]]);
});

test("messages without a number pass as they come", () => {
  const { heard, take } = listen();
  take({ type: "chat", from: "old" }, to(2), { type: "offer", from: "old", seq: 3 });
  assert.deepEqual(heard.messages, [undefined, 3]);
});

test("after the end nothing is delivered", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { heard, take, incoming } = listen();
  take(to(2));
  incoming.clear();
  mock.timers.tick(10_000);
  assert.deepEqual(heard.messages, []);
  mock.timers.reset();
});
