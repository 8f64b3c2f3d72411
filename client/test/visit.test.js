// Visits of two, three and none, over the real server; the calls are stand-ins.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Code, LocalMedia, Visit, joinVisit } from "../src/index.js";
import { invitations } from "../../tests/browser/invitations.js";
import { startProxy, startServer } from "../../tests/browser/server.js";
import { fakeRtc } from "./support/rtc.js";

let rtc;
let open;
let guarded;
const invited = invitations();
const left = [];

before(async () => {
  rtc = fakeRtc();
  [open, guarded] = await Promise.all([startServer(), startServer(...invited.flags)]);
});
afterEach(() => { for (const visit of left.splice(0)) visit.leave(); });
after(async () => {
  await Promise.all([open.stop("SIGKILL"), guarded.stop("SIGKILL")]);
  rtc.restore();
});

const url = ({ port }) => `ws://127.0.0.1:${port}/ws`;

/** The next state of a visit that this is true for. */
function until(visit, wanted) {
  if (wanted(visit.state)) return visit.state;
  return new Promise((resolve, reject) => {
    const limit = setTimeout(
      () => reject(new Error(`never: ${wanted}; ${JSON.stringify(visit.state)}`)), 15_000,
    );
    const stop = visit.subscribe((state) => {
      if (!wanted(state)) return;
      clearTimeout(limit);
      stop();
      resolve(state);
    });
  });
}

const next = (visit, type) => new Promise((resolve) => {
  const stop = visit.on(type, (detail) => { stop(); resolve(detail); });
});

async function guest(name, options = {}) {
  const visit = await joinVisit({ url: url(open), room: "r1", name, media: false, ...options });
  left.push(visit);
  return visit;
}

async function by(token, options = {}) {
  const visit = await joinVisit({ url: url(guarded), token, media: false, ...options });
  left.push(visit);
  return visit;
}

test("three lines are a visit; both see each other and chat", async () => {
  const anna = await guest("Anna");
  assert.equal(anna.state.phase, "joined");
  const arrived = next(anna, "arrived");
  const ben = await guest("Ben");
  assert.equal((await arrived).name, "Ben");
  await until(ben, ({ people }) => people[0]?.name === "Anna");
  anna.chat("hello");
  const { chat } = await until(ben, (state) => state.chat.length === 1);
  assert.deepEqual(
    [chat[0].text, chat[0].name, chat[0].status, chat[0].lobby], ["hello", "Anna", "sent", false],
  );
  const gone = next(anna, "left");
  ben.leave();
  assert.equal((await gone).name, "Ben");
  assert.equal(ben.state.reason.code, Code.Left);
  anna.leave();
});

test("a state never changes; every change is another one", async () => {
  const visit = await guest("Anna", { room: "r2" });
  const before = visit.state;
  const copy = JSON.stringify(before);
  visit.chat("one");
  await guest("Ben", { room: "r2" });
  await until(visit, ({ people }) => people.length === 1);
  assert.notEqual(visit.state, before);
  assert.equal(JSON.stringify(before), copy);
  for (const part of [visit.state, visit.state.me, visit.state.people, visit.state.people[0],
    visit.state.chat, visit.state.chat[0]]) {
    assert.ok(Object.isFrozen(part));
  }
});

test("who joined later calls, and the others answer", async () => {
  const first = await guest("First", { room: "r3" });
  const made = rtc.connections.length;
  await guest("Second", { room: "r3" });
  await until(first, ({ people }) => people[0]?.stream != null);
  const own = rtc.connections.slice(made);
  const find = (place) => own.find((one) => one[place]?.type === "offer");
  while (!find("remoteDescription")) await new Promise((resolve) => { setImmediate(resolve); });
  const [caller, answering] = [find("localDescription"), find("remoteDescription")];
  assert.notEqual(caller, answering);
  assert.equal(own.length, 2, "one call, with two ends");
  answering.become("connected");
  await until(first, ({ people }) => people[0]?.state === "connected");
});

test("leaving before it is there cancels it", async () => {
  const visit = new Visit({ url: url(open), room: "r4", name: "Anna", media: false });
  const joining = visit.join();
  visit.leave();
  await assert.rejects(joining, { code: "left" });
  await assert.rejects(visit.joined, { code: "left" });
  const other = await guest("Ben", { room: "r4" });
  assert.deepEqual(other.state.people, []);
});

test("an aborted signal ends it, whenever that is", async () => {
  await assert.rejects(
    guest("Anna", { room: "r5", signal: AbortSignal.abort() }), { code: "aborted" },
  );
  const controller = new AbortController();
  const visit = await guest("Ben", { room: "r5", signal: controller.signal });
  const other = await guest("Cy", { room: "r5" });
  controller.abort();
  assert.equal(visit.state.phase, "ended");
  await until(other, ({ people }) => people[0]?.state === "left");
});

test("the token is a function, and nobody in between needs to know it", async () => {
  const asked = [];
  const visit = await by(async (reason) => { asked.push(reason); return invited.doctor(); });
  assert.deepEqual(asked, ["join"]);
  assert.deepEqual([visit.state.me.role, visit.state.me.peerId], ["host", "weber"]);
  visit.leave();
});

test("a token that ends soon is renewed, and the visit goes on", { timeout: 60_000 }, async () => {
  const asked = [];
  const token = (reason) => {
    asked.push(reason);
    return invited.token("renewing", "Rena", "--ttl", reason === "join" ? "5s" : "1h");
  };
  const visit = await by(token);
  const { ends } = visit.state;
  await new Promise((resolve) => {
    const stop = visit.on("frame", ({ message }) => {
      if (message.type === "renewed") { stop(); resolve(); }
    });
  });
  assert.deepEqual(asked, ["join", "renew"]);
  assert.ok(ends.at < Date.now() + 10_000);
  assert.equal(visit.state.phase, "joined");
  visit.leave();
});

test("a patient knocks, is held with a message, and is let in", async () => {
  const anna = await by(invited.patient());
  assert.deepEqual([anna.state.phase, anna.state.lobby.hostPresent], ["waiting", false]);
  const weber = new Visit({ url: url(guarded), token: invited.doctor(), media: false });
  left.push(weber);
  const knock = next(weber, "knock");
  await weber.join();
  assert.equal((await knock).displayName, "Anna Keller");
  await until(anna, ({ lobby }) => lobby.hostPresent);
  assert.ok(weber.hold("anna-keller", "Five minutes, please."));
  await until(anna, ({ lobby }) => lobby.message === "Five minutes, please.");
  assert.ok(weber.admit("anna-keller"));
  await anna.joined;
  await until(weber, ({ people, waiting }) => people.length === 1 && waiting.length === 0);
  assert.equal(anna.state.lobby, null);

  weber.toLobby("anna-keller");
  await until(anna, ({ phase }) => phase === "waiting");
  assert.deepEqual(anna.state.people, []);
  weber.deny("anna-keller", "Tomorrow at ten.");
  const { reason } = await until(anna, ({ phase }) => phase === "ended");
  assert.deepEqual([reason.code, reason.reason], [Code.Denied, "Tomorrow at ten."]);
  weber.leave();
});

test("what a patient wrote while waiting is there after admitting", async () => {
  const anna = await by(invited.patient("Bea Lang"));
  const weber = await by(invited.doctor());
  await until(weber, ({ waiting }) => waiting.length === 1);
  anna.chat("I am early.");
  await until(weber, ({ chat }) => chat.length === 1);
  weber.chat("One moment.", { to: "bea-lang" });
  await until(anna, ({ chat }) => chat.length === 2);
  weber.admit("bea-lang");
  await anna.joined;
  await until(weber, ({ people }) => people.length === 1);
  for (const visit of [anna, weber]) {
    const lines = visit.state.chat.map(({ text, lobby }) => [text, lobby]);
    assert.deepEqual(lines, [["I am early.", true], ["One moment.", true]]);
  }
  assert.equal(weber.state.chat[0].name, "Bea Lang");
  weber.remove("bea-lang");
  const { reason } = await until(anna, ({ phase }) => phase === "ended");
  assert.equal(reason.code, Code.Removed);
  weber.leave();
});

test("a refusal says why, as an error", async () => {
  await assert.rejects(by("not-a-token"), { name: "VisioError", code: Code.Unauthorized });
});

test("what is written while the connection is gone goes out when it is back", async () => {
  const cable = await startProxy(open.port);
  const anna = await guest("Anna", { room: "r6", url: `ws://127.0.0.1:${cable.port}/ws` });
  const ben = await guest("Ben", { room: "r6" });
  cable.cut();
  await until(anna, ({ connected }) => !connected);
  const line = anna.chat("from the tunnel");
  assert.equal(line.status, "waiting");
  assert.equal(anna.admit("nobody"), false);
  cable.heal();
  await until(anna, ({ connected, chat }) => connected && chat[0].status === "sent");
  await until(ben, ({ chat }) => chat[0]?.text === "from the tunnel");
  cable.stop();
});

test("two pages of one invitation: the first is replaced, for good", async () => {
  const first = await by(invited.token("twin", "Twin"));
  const second = await by(invited.token("twin", "Twin"));
  const { reason } = await until(first, ({ phase }) => phase === "ended");
  assert.equal(reason.code, Code.Replaced);
  assert.equal(second.state.phase, "joined");
  second.leave();
});

test("a listener's signal ends it", async () => {
  const visit = await guest("Anna", { room: "r7" });
  const controller = new AbortController();
  let calls = 0;
  visit.subscribe(() => { calls += 1; }, { signal: controller.signal });
  visit.chat("one");
  controller.abort();
  visit.chat("two");
  assert.equal(calls, 1);
});

test("media that the app brings are not stopped with the visit", async () => {
  const media = new LocalMedia();
  await media.start();
  assert.equal(media.problem, "insecure", "this machine has none");
  const visit = await guest("Anna", { room: "r8", media });
  visit.leave();
  assert.equal(media.stopped, false);
});
