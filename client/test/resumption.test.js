// What a client keeps to resume its seat.

import assert from "node:assert/strict";
import test from "node:test";
import { FrameCount, Pages, Refused, Unsent } from "../src/resumption.js";

const BEN = { peerId: "ben", joinedAt: 5 };
const chats = (...texts) => texts.map((message) => ({ type: "chat", message }));
const texts = (messages) => messages.map(({ message }) => message);

test("frames that were not taken are sent again, in order", () => {
  const count = new FrameCount();
  for (const message of chats("a", "b", "c")) count.sent(message);
  assert.deepEqual(texts(count.notTaken(1)), ["b", "c"]);
  assert.deepEqual(texts(count.notTaken(0)), ["a", "b", "c"]);
  assert.deepEqual(count.notTaken(3), []);
});

test("a server that does not count is sent nothing again", () => {
  const count = new FrameCount();
  for (const message of chats("a", "b")) count.sent(message);
  assert.deepEqual(count.notTaken(undefined), []);
});

test("a ping is counted and not sent again", () => {
  const count = new FrameCount();
  for (const message of [{ type: "ping" }, ...chats("a")]) count.sent(message);
  assert.deepEqual(texts(count.notTaken(0)), ["a"]);
  assert.deepEqual(texts(count.notTaken(1)), ["a"]);
  assert.deepEqual(count.notTaken(2), []);
});

test("the newest frames are kept, however many there were", () => {
  const count = new FrameCount();
  for (let number = 0; number < 1000; number += 1) count.sent({ type: "chat", message: number });
  assert.deepEqual(texts(count.notTaken(998)), [998, 999]);
  assert.equal(count.notTaken(0).length, 256);
});

test("a refused message goes out once its receiver is back", () => {
  const refused = withRoster(BEN);
  refuse(refused, "ben", { type: "offer", to: "ben", sdp: "1" });
  refuse(refused, "ben", { type: "offer", to: "ben", sdp: "2" });
  assert.deepEqual(refused.due([{ ...BEN, away: true }]), []);
  const due = refused.due([BEN]);
  assert.deepEqual(due.map(({ sdp }) => sdp), ["1", "2"]);
  assert.deepEqual(refused.due([BEN]), [], "once");
});

test("what was said to all goes again to those alone who missed it", () => {
  const refused = withRoster(BEN);
  refuse(refused, "ben", { type: "chat", message: "hello" });
  const again = { type: "chat", message: "hello", to: "ben", toAll: true };
  assert.deepEqual(refused.due([{ peerId: "ada", joinedAt: 1 }, BEN]), [again]);
});

test("nobody who left or came back on a new page gets what was refused before", () => {
  const anew = { ...BEN, joinedAt: 7 };
  const ends = [[], [anew], [{ ...anew, away: true }]].map((roster) => (it) => it.due(roster));
  for (const end of [...ends, (it) => it.forget("ben"), (it) => it.clear()]) {
    const refused = withRoster(BEN);
    refuse(refused, "ben", { type: "offer", to: "ben" });
    end(refused);
    assert.deepEqual(refused.due([BEN]), []);
  }
});

test("a message has a receiver for as long as the same page is there", () => {
  const pages = new Pages();
  pages.follow([BEN]);
  const toBen = { type: "offer", to: "ben" };
  assert.ok(pages.hasReceiver(toBen, [{ ...BEN, away: true }]));
  assert.ok(!pages.hasReceiver(toBen, [{ ...BEN, joinedAt: 7 }]));
  assert.ok(!pages.hasReceiver(toBen, []));
  assert.ok(pages.hasReceiver({ type: "chat", message: "to all" }, []));
});

test("what waits for a seat is about the same calls, or was written by a person", () => {
  const [offer, chat] = [{ type: "offer", to: "ben" }, { type: "chat", message: "hello" }];
  const due = (seat) => {
    const pages = new Pages();
    pages.follow([BEN]);
    const unsent = new Unsent();
    for (const message of [offer, chat]) assert.ok(unsent.add(message));
    const messages = unsent.due(seat, pages);
    assert.equal(unsent.size, 0);
    return messages;
  };
  assert.deepEqual(due({ resumed: true, peers: [BEN] }), [offer, chat]);
  assert.deepEqual(due({ resumed: true, peers: [{ ...BEN, joinedAt: 7 }] }), [chat]);
  assert.deepEqual(due({ resumed: false, peers: [BEN] }), [chat]);
});

test("what waits for a seat has a bound", () => {
  const unsent = new Unsent();
  let kept = 0;
  while (unsent.add({ type: "chat", message: kept })) kept += 1;
  assert.equal(kept, 256);
});

test("only messages to others are numbered, and their own number is left alone", () => {
  const refused = new Refused();
  for (const message of [{ type: "ping" }, { type: "chat", message: "x", requestId: "own" }]) {
    assert.equal(refused.number(message), message);
  }
  assert.equal(refused.take({ to: "ben", requestId: "own" }), false);
});

function withRoster(...peers) {
  const refused = new Refused();
  refused.due(peers);
  return refused;
}

/** The server refuses this message, because `to` is away. */
function refuse(refused, to, message) {
  const { requestId } = refused.number(message);
  assert.ok(refused.take({ to, requestId }));
}
