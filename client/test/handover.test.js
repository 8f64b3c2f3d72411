// The change to a fresh connection before API Gateway ends the one in use.

import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { Code } from "../src/index.js";
import { client, later, seated } from "./support/client.js";
import { joined } from "./support/socket.js";

const BEN = { peerId: "ben", role: "guest", joinedAt: 5 };
const REPLACED = { type: "error", code: "replaced", message: "elsewhere" };

const said = (message) => ({ type: "chat", from: "ben", message });
const heard = (of) => of("message").map(({ message }) => message);

/** A client whose fresh socket is about to open. */
async function moving(options, more) {
  const all = await seated(options, { peers: [BEN], ...more });
  mock.timers.tick(115 * 60_000);
  const [old, fresh] = all.sockets.all;
  assert.ok(fresh, "a fresh socket was opened");
  return { ...all, old, fresh };
}

/** A client whose fresh socket has asked for the seat. */
async function joining(options, more) {
  const all = await moving(options, more);
  await all.fresh.open();
  assert.equal(all.fresh.last.type, "join");
  return all;
}

test("a fresh connection opens before API Gateway's two hours", () => later(async () => {
  const { sockets } = await seated({}, { heartbeatSeconds: 540 });
  let minutes = 0;
  while (sockets.all.length === 1 && minutes < 200) {
    mock.timers.tick(60_000);
    minutes += 1;
  }
  assert.ok(minutes >= 110 && minutes <= 115, `after ${minutes} minutes`);
}));

test("the time is an option", () => later(async () => {
  const { sockets } = await seated({ lifetimeMs: 1_000 });
  mock.timers.tick(999);
  assert.equal(sockets.all.length, 1);
  mock.timers.tick(50);
  assert.equal(sockets.all.length, 2);
}));

test("nothing moves before there is a place", () => later(async () => {
  const { signaling, sockets } = client({ lifetimeMs: 1_000 });
  signaling.connect();
  await sockets.last.open();
  mock.timers.tick(9_000); // a slow server
  assert.equal(sockets.all.length, 1);
  sockets.last.say(joined());
  mock.timers.tick(1_050);
  assert.equal(sockets.all.length, 2);
}));

test("the old connection is used until the fresh one has the seat", () => later(async () => {
  const { signaling, old, fresh, of, states } = await moving();
  assert.equal(signaling.send({ type: "chat", message: "one" }), "sent");
  assert.equal(old.last.message, "one");
  old.say(said("two"));
  await fresh.open();
  assert.equal(signaling.send({ type: "chat", message: "three" }), "sent");
  assert.equal(old.last.message, "one", "waits for a moment");
  old.answers = false;
  mock.timers.tick(999);
  const { pings } = old;
  mock.timers.tick(1);
  assert.equal(old.pings, pings + 1, "asked after a moment of silence");
  assert.deepEqual(fresh.sent, [], "not before all that was said is handled");
  old.say(said("four"));
  const { requestId } = old.sent.at(-1);
  old.say({ type: "pong", serverTime: 1, requestId });
  const received = pings + 3; // the pongs before count as well
  assert.deepEqual(fresh.sent, [{
    type: "join", roomId: "r", peerId: "me", requestId: "join", resumeToken: "seat-1", received,
  }]);
  assert.equal(old.closed, null);
  fresh.say(joined({ resumed: true, received: 1, version: 3, peers: [BEN] }));
  assert.deepEqual(fresh.last.message, "three");
  assert.deepEqual(heard(of), ["two", "four"]);
  assert.deepEqual(states(), ["connecting", "joined"], "never without a connection");
}));

test("the end of the old connection is not the end", () => later(async () => {
  const { signaling, old, fresh, of, states } = await joining();
  old.say(REPLACED);
  old.end(4009);
  fresh.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  assert.equal(signaling.send({ type: "chat", message: "still here" }), "sent");
  assert.equal(fresh.last.message, "still here");
  assert.deepEqual([of("ended"), states()], [[], ["connecting", "joined"]]);
}));

test("an old connection that the server does not close is closed", () => later(async () => {
  const { old, fresh } = await joining();
  fresh.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  mock.timers.tick(1_999);
  assert.equal(old.closed, null);
  mock.timers.tick(1);
  assert.deepEqual(old.closed, { code: 1000, reason: "moved" });
}));

test("what a counting server sent on both connections is heard once", () => later(async () => {
  const { old, fresh, of } = await joining();
  old.say(said("on its way"));
  assert.deepEqual(heard(of), []);
  fresh.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  fresh.say(said("on its way"));
  old.say(said("late"));
  fresh.say(said("late"));
  assert.deepEqual(heard(of), ["on its way", "late"]);
}));

test("API Gateway sends nothing again: what the old connection brings is heard", () => later(
  async () => {
  const { old, fresh, of } = await joining();
  old.say(said("on its way"));
  fresh.say(joined({ resumed: true, version: 3, peers: [BEN] }));
  old.say(said("late"));
  old.say({ type: "roster", roomId: "r", version: 9, peers: [] });
  old.say(REPLACED);
  fresh.say(said("fresh"));
  assert.deepEqual(heard(of), ["on its way", "late", "fresh"]);
  assert.deepEqual(of("room").map(({ version }) => version), [1, 3], "the room is the fresh one's");
  assert.deepEqual(of("ended"), []);
}));

test("what the fresh connection brings before its answer is heard after it", () => later(async () => {
  // On API Gateway, what others do next may overtake the answer.
  const { fresh, of } = await joining();
  fresh.say({ type: "peer_left", roomId: "r", peerId: "ben", version: 6, peers: [] });
  fresh.say(said("bye"));
  assert.deepEqual(heard(of), []);
  fresh.say(joined({ resumed: true, version: 5, peers: [BEN] }));
  assert.deepEqual(heard(of), ["bye"]);
  const news = of("room").map(({ type, version }) => [type, version]);
  assert.deepEqual(news.slice(-2), [["joined", 5], ["peer_left", 6]]);
}));

test("the next connection resumes with the token and the count of the fresh one", () => later(
  async () => {
  const { sockets, fresh } = await joining();
  fresh.say(joined({
    resumed: true, received: 9, version: 3, peers: [BEN], resumeToken: "seat-2",
  }));
  fresh.say(said("one"));
  fresh.end();
  mock.timers.tick(500);
  await sockets.last.open();
  const { resumeToken, received } = sockets.last.last;
  assert.deepEqual([resumeToken, received], ["seat-2", 1]);
}));

test("it moves again, as often as it is time", () => later(async () => {
  const { sockets, states } = await moving();
  for (let turn = 1; turn <= 5; turn += 1) {
    await sockets.last.open();
    sockets.last.say(joined({ resumed: true, received: 9, peers: [BEN] }));
    mock.timers.tick(115 * 60_000);
    assert.equal(sockets.all.length, turn + 2);
  }
  assert.deepEqual(states(), ["connecting", "joined"]);
}));

test("if no fresh connection can be had, the old one stays, and it is tried again", () => later(
  async () => {
  const { signaling, sockets, old, fresh, states } = await moving();
  fresh.end();
  assert.equal(signaling.send({ type: "chat", message: "one" }), "sent");
  assert.equal(old.last.message, "one");
  mock.timers.tick(15_000);
  assert.equal(sockets.all.length, 3);
  mock.timers.tick(10_000); // the third never opens
  assert.ok(sockets.all[2].closed);
  mock.timers.tick(15_000);
  await sockets.last.open();
  sockets.last.say(joined({ resumed: true, received: 9, peers: [BEN] }));
  assert.equal(sockets.all.length, 4);
  assert.deepEqual(states(), ["connecting", "joined"]);
}));

test("a refusal on the fresh connection changes nothing", () => later(async () => {
  const { signaling, old, fresh, of, states } = await joining();
  old.say(said("meanwhile"));
  signaling.send({ type: "chat", message: "mine" });
  fresh.say({ type: "error", code: "unauthorized", message: "no" });
  assert.ok(fresh.closed);
  assert.deepEqual(heard(of), ["meanwhile"]);
  assert.equal(old.last.message, "mine");
  assert.deepEqual([of("ended"), states()], [[], ["connecting", "joined"]]);
}));

test("a fresh connection that ends with the seat is resumed", () => later(async () => {
  for (const tell of [(old) => old.say(REPLACED), () => {}]) {
    const { signaling, sockets, old, fresh, of } = await joining();
    signaling.send({ type: "chat", message: "mine" });
    fresh.end(); // the server may have given it the seat
    tell(old);
    old.end(4009);
    mock.timers.tick(500);
    await sockets.last.open();
    assert.equal(sockets.last.last.resumeToken, "seat-1");
    sockets.last.say(joined({ resumed: true, received: 2, version: 3, peers: [BEN] }));
    assert.equal(sockets.last.last.message, "mine");
    assert.deepEqual(of("ended"), []);
    mock.timers.reset();
  }
}));

test("another page that takes the seat meanwhile is still final", () => later(async () => {
  const { sockets, old, fresh, of } = await moving();
  old.say(REPLACED);
  old.end(4009);
  assert.equal(of("ended")[0].code, Code.Replaced);
  assert.ok(fresh.closed);
  await fresh.open();
  mock.timers.tick(3_600_000);
  assert.deepEqual([sockets.all.length, fresh.sent], [2, []]);
}));

test("after the change, another page is final again", () => later(async () => {
  const { fresh, of } = await joining();
  fresh.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  fresh.say(REPLACED);
  assert.equal(of("ended")[0].code, Code.Replaced);
}));

test("a visit that ends meanwhile has ended", () => later(async () => {
  const { fresh, old, of } = await joining();
  old.end(4011);
  assert.equal(of("ended")[0].code, Code.VisitEnded);
  assert.ok(fresh.closed);
}));

test("an old connection that ends too soon is not waited for", () => later(async () => {
  const { old, fresh, sockets, signaling, states } = await moving();
  old.end(1001);
  assert.equal(signaling.send({ type: "chat", message: "mine" }), "waiting");
  await fresh.open();
  assert.equal(fresh.last.type, "join");
  fresh.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  assert.equal(fresh.last.message, "mine");
  assert.deepEqual([sockets.all.length, states()], [2, ["connecting", "joined"]]);
}));

test("an old connection that does not answer is not waited for long", () => later(async () => {
  const { old, fresh } = await moving();
  old.answers = false;
  await fresh.open();
  mock.timers.tick(1_999);
  assert.deepEqual(fresh.sent, []);
  mock.timers.tick(1);
  assert.equal(fresh.last.type, "join");
}));

test("without either connection it comes back as ever", () => later(async () => {
  const { old, fresh, sockets, signaling, states } = await joining();
  signaling.send({ type: "chat", message: "mine" });
  old.end();
  fresh.end();
  assert.equal(states().at(-1), "reconnecting");
  mock.timers.tick(500);
  await sockets.last.open();
  sockets.last.say(joined({ resumed: true, received: 9, version: 3, peers: [BEN] }));
  assert.equal(sockets.last.last.message, "mine");
}));

test("leaving meanwhile leaves on whichever connection has the seat", () => later(async () => {
  const before = await moving();
  before.signaling.leave();
  assert.ok(before.fresh.closed);
  assert.ok(before.old.sent.some(({ type }) => type === "leave"));
  mock.timers.reset();
  const { signaling, old, fresh, sockets } = await joining();
  signaling.leave();
  for (const socket of [old, fresh]) {
    assert.ok(socket.sent.some(({ type }) => type === "leave"));
    socket.say({ type: "error", code: "not_joined", message: "" });
    assert.deepEqual(socket.closed, { code: 1000, reason: "leave" });
  }
  mock.timers.tick(3_600_000);
  assert.equal(sockets.all.length, 2);
}));

test("whoever waits in the lobby moves as well", () => later(async () => {
  const { signaling, sockets, states } = client({ token: "t" });
  signaling.connect();
  await sockets.last.open();
  const waiting = {
    type: "waiting", roomId: "r", peerId: "me", version: 2, hostPresent: true, since: 1,
  };
  sockets.last.say(waiting);
  mock.timers.tick(60 * 60_000);
  sockets.last.say(waiting); // a note, and no other connection
  mock.timers.tick(55 * 60_000);
  assert.equal(sockets.all.length, 2);
  await sockets.last.open();
  assert.equal(sockets.last.last.token, "t");
  sockets.last.say(waiting);
  sockets.all[0].end(4009);
  signaling.send({ type: "chat", message: "hello" });
  assert.equal(sockets.last.last.message, "hello");
  assert.deepEqual(states(), ["connecting", "waiting"]);
}));

test("a token that cannot be got leaves the old connection alone", () => later(async () => {
  let fails = false;
  const token = async () => { if (fails) throw new Error("backend"); fails = true; return null; };
  const { fresh, old, states } = await moving({ token });
  await fresh.open();
  assert.ok(fresh.closed);
  assert.equal(old.closed, null);
  assert.deepEqual(states(), ["connecting", "joined"]);
}));
