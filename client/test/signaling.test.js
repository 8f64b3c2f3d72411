// Signaling, with a server that says whatever the test says.

import assert from "node:assert/strict";
import test, { mock } from "node:test";
import { Code } from "../src/index.js";
import { pause } from "../src/backoff.js";
import { client, later, seated } from "./support/client.js";
import { joined } from "./support/socket.js";

const BEN = { peerId: "ben", role: "guest", joinedAt: 5 };

test("it joins, and comes back with its resume token and its count", () => later(async () => {
  const { sockets, states } = await seated();
  assert.deepEqual(sockets.last.sent, [
    { type: "join", roomId: "r", peerId: "me", requestId: "join" },
  ]);
  sockets.last.say({ type: "chat", from: "ben", message: "one" });
  sockets.last.say({ type: "chat", from: "ben", message: "two" });
  sockets.last.end();
  assert.equal(sockets.all.length, 1, "not at once");
  mock.timers.tick(500);
  assert.equal(sockets.all.length, 2);
  await sockets.last.open();
  assert.deepEqual(sockets.last.last, {
    type: "join", roomId: "r", peerId: "me", requestId: "join", resumeToken: "seat-1", received: 2,
  });
  sockets.last.say(joined({ resumed: true, received: 0, version: 3 }));
  assert.deepEqual(states(), ["connecting", "joined", "reconnecting", "joined"]);
}));

test("it resumes before the first message of its seat came", () => later(async () => {
  const { sockets } = await seated();
  sockets.last.end();
  mock.timers.tick(500);
  await sockets.last.open();
  assert.equal(sockets.last.last.received, 0);
}));

test("ten resumes, each before the answer to the last one came", () => later(async () => {
  const { sockets } = await seated();
  sockets.last.say({ type: "chat", from: "ben", message: "one" });
  for (let turn = 0; turn < 10; turn += 1) {
    sockets.last.end();
    mock.timers.tick(15_000);
    await sockets.last.open();
    const { resumeToken, received } = sockets.last.last;
    assert.deepEqual([resumeToken, received], ["seat-1", 1]);
  }
}));

test("what the server did not take goes out again, as it was", () => later(async () => {
  const { signaling, sockets } = await seated({}, { peers: [BEN] });
  signaling.send({ type: "offer", to: "ben", sdp: "1" });
  signaling.send({ type: "offer", to: "ben", sdp: "2" });
  const [, , second] = sockets.last.sent;
  sockets.last.end();
  mock.timers.tick(500);
  await sockets.last.open();
  sockets.last.say(joined({ resumed: true, received: 1, version: 3, peers: [BEN] }));
  assert.deepEqual(sockets.last.sent.slice(1), [second]);
}));

test("what is sent without a seat waits for it", () => later(async () => {
  const { signaling, sockets } = client();
  assert.equal(signaling.send({ type: "chat", message: "closed" }), "dropped");
  signaling.connect();
  assert.equal(signaling.send({ type: "chat", message: "early" }), "waiting");
  assert.equal(signaling.send({ type: "admit", peerId: "pat" }), "dropped", "decided too late");
  await sockets.last.open();
  sockets.last.say(joined());
  assert.deepEqual(sockets.last.last.message, "early");
  assert.equal(signaling.send({ type: "chat", message: "now" }), "sent");
}));

test("a message that was refused because its receiver is away goes out once it is back",
  () => later(async () => {
  const { signaling, sockets, of } = await seated({}, { peers: [BEN] });
  signaling.send({ type: "offer", to: "ben", sdp: "1" });
  const first = sockets.last.last;
  sockets.last.say({
    type: "error", code: "peer_away", message: "", to: "ben", requestId: first.requestId,
  });
  sockets.last.say({
    type: "peer_away", roomId: "r", peerId: "ben", version: 2, until: 1,
    peers: [{ ...BEN, away: true }],
  });
  assert.equal(sockets.last.last, first);
  sockets.last.say({ type: "peer_back", roomId: "r", peerId: "ben", version: 3, peers: [BEN] });
  assert.equal(sockets.last.last.seq, first.seq, "the receiver can tell that it is the same");
  assert.equal(sockets.last.last.sdp, "1");
  assert.deepEqual(of("failure"), []);
}));

test("replaced is final", () => later(async () => {
  const { sockets, of, states } = await seated();
  sockets.last.say({ type: "error", code: "replaced", message: "elsewhere" });
  sockets.last.end(4009);
  mock.timers.tick(3_600_000);
  assert.equal(sockets.all.length, 1);
  assert.equal(of("ended").length, 1);
  assert.equal(of("ended")[0].code, Code.Replaced);
  assert.equal(states().at(-1), "closed");
}));

test("a seat that a given-up join of its own has taken is taken back", () => later(async () => {
  const { signaling, sockets, of, states } = client();
  signaling.connect();
  await sockets.last.open(); // and asks for a seat
  mock.timers.tick(10_000); // and gives up
  mock.timers.tick(1_000);
  await sockets.last.open();
  sockets.last.say(joined());
  sockets.last.say({ type: "error", code: "replaced", message: "elsewhere" });
  sockets.last.end(4009);
  mock.timers.tick(1_000);
  await sockets.last.open();
  assert.equal(sockets.last.last.resumeToken, "seat-1");
  sockets.last.say(joined());
  assert.deepEqual(of("ended"), []);
  assert.deepEqual(states().slice(-3), ["joined", "reconnecting", "joined"]);
}));

test("another window may take over half a minute after a join was given up", () => later(
  async () => {
  const { signaling, sockets, of } = client();
  signaling.connect();
  await sockets.last.open();
  mock.timers.tick(10_000);
  mock.timers.tick(1_000);
  await sockets.last.open();
  sockets.last.say(joined());
  mock.timers.tick(29_000);
  sockets.last.end(4009);
  assert.equal(of("ended")[0]?.code, Code.Replaced);
}));

test("a final close counts even if the error before it was lost", () => later(async () => {
  const { sockets, of } = await seated();
  sockets.last.end(4010, "removed");
  assert.equal(of("ended")[0].code, Code.Removed);
}));

test("the end of a visit waits for the reason, but not for ever", () => later(async () => {
  const { sockets, of } = await seated();
  sockets.last.say({ type: "visit_ended", reason: "Get well soon." });
  assert.deepEqual(of("ended"), []);
  mock.timers.tick(1_000);
  const [{ code, reason }] = of("ended");
  assert.deepEqual([code, reason], ["visit_ended", "Get well soon."]);
}));

test("leaving before the token is there cancels the connection", () => later(async () => {
  let give;
  const token = () => new Promise((got) => { give = got; });
  const { signaling, sockets, states } = client({ token });
  signaling.connect();
  await sockets.last.open();
  signaling.leave();
  give("late");
  for (let turn = 0; turn < 5; turn += 1) await null;
  assert.deepEqual(sockets.last.sent, []);
  assert.ok(sockets.last.closed);
  mock.timers.tick(60_000);
  assert.deepEqual([sockets.all.length, states()], [1, ["connecting", "closed"]]);
}));

test("an aborted signal leaves", () => later(async () => {
  const controller = new AbortController();
  const { sockets, states } = await seated({ signal: controller.signal });
  controller.abort();
  assert.deepEqual(sockets.last.sent.slice(1).map(({ type }) => type), ["leave", "peers"]);
  sockets.last.say({ type: "error", code: "not_joined", message: "" });
  assert.deepEqual(sockets.last.closed, { code: 1000, reason: "leave" });
  assert.equal(states().at(-1), "closed");
}));

const tokenOf = (exp) => `head.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.sign`;

test("a token that is still good is not asked for again", () => later(async () => {
  const asked = [];
  const token = (reason) => { asked.push(reason); return tokenOf(Date.now() / 1000 + 3600); };
  const { sockets } = await seated({ token });
  sockets.last.end();
  mock.timers.tick(500);
  await sockets.last.open();
  assert.deepEqual(asked, ["join"]);
  assert.equal(sockets.last.last.token, sockets.all[0].sent[0].token);
}));

test("a refused token is asked for once more", () => later(async () => {
  const asked = [];
  const token = (reason) => { asked.push(reason); return "t"; };
  const { signaling, sockets, of } = client({ token });
  signaling.connect();
  const refuse = async () => {
    await sockets.last.open();
    sockets.last.say({ type: "error", code: "unauthorized", message: "expired" });
    mock.timers.tick(15_000);
  };
  await refuse();
  assert.deepEqual([asked, of("ended")], [["join"], []]);
  await refuse();
  assert.deepEqual(asked, ["join", "refused"]);
  assert.equal(of("ended")[0].code, Code.Unauthorized);
  mock.timers.tick(3_600_000);
  assert.equal(sockets.all.length, 2);
}));

test("a token that cannot be got is tried again", () => later(async () => {
  let fails = true;
  const token = async () => { if (fails) throw new Error("backend"); return "t"; };
  const { signaling, sockets, of } = client({ token });
  signaling.connect();
  await sockets.last.open();
  assert.equal(of("failure")[0].code, Code.Token);
  fails = false;
  mock.timers.tick(15_000);
  await sockets.last.open();
  assert.equal(sockets.last.last.token, "t");
}));

test("the token is renewed before the seat ends, and again", () => later(async () => {
  const asked = [];
  const token = (reason) => { asked.push(reason); return `t${asked.length}`; };
  const { sockets } = await seated({ token }, { expiresAt: Date.now() + 100_000 });
  mock.timers.tick(79_000);
  assert.deepEqual(asked, ["join"]);
  mock.timers.tick(1_000);
  for (let turn = 0; turn < 5; turn += 1) await null;
  assert.deepEqual(sockets.last.last, { type: "renew", token: "t2", requestId: "renew" });
  sockets.last.say({ type: "renewed", expiresAt: Date.now() + 100_000, requestId: "renew" });
  mock.timers.tick(80_000);
  for (let turn = 0; turn < 5; turn += 1) await null;
  assert.deepEqual(asked, ["join", "renew", "renew"]);
}));

test("a renewal that fails is tried again until it works", () => later(async () => {
  let calls = 0;
  const token = async () => {
    calls += 1;
    if (calls === 2) throw new Error("backend");
    return "t";
  };
  const { sockets, of } = await seated({ token }, { expiresAt: Date.now() + 100_000 });
  mock.timers.tick(80_000);
  for (let turn = 0; turn < 5; turn += 1) await null;
  assert.equal(of("failure")[0].code, Code.Token);
  mock.timers.tick(15_000);
  for (let turn = 0; turn < 5; turn += 1) await null;
  assert.equal(sockets.last.last.type, "renew");
}));

test("it pings as often as the runtime needs, and reconnects if nothing answers",
  () => later(async () => {
  for (const [heartbeatSeconds, silence] of [[25, 60_000], [540, 540_000], [3600, 540_000]]) {
    const { sockets } = await seated({}, { heartbeatSeconds });
    const [socket] = sockets.all;
    mock.timers.tick(silence - 1);
    assert.equal(socket.pings, 0);
    mock.timers.tick(1);
    assert.equal(socket.pings, 1);
    socket.answers = false;
    mock.timers.tick(silence);
    assert.equal(socket.pings, 2);
    mock.timers.tick(5_000);
    mock.timers.tick(500);
    assert.equal(sockets.all.length, 2, "the second ping was not answered");
    mock.timers.reset();
  }
}));

test("a draining server is left when it says so", () => later(async () => {
  const { sockets } = await seated();
  sockets.last.say({ type: "going_away", reconnectAfterMs: 2_000 });
  mock.timers.tick(1_999);
  assert.equal(sockets.last.closed, null);
  mock.timers.tick(1);
  mock.timers.tick(500);
  assert.equal(sockets.all.length, 2);
}));

test("a suspended client lets go of its connection, and resumes its seat", () => later(async () => {
  const { signaling, sockets, of } = await seated();
  const [first] = sockets.all;
  signaling.suspend();
  assert.deepEqual(first.closed, { code: 1000, reason: "lost" });
  assert.deepEqual(first.sent.filter(({ type }) => type === "leave"), []);
  signaling.retryNow();
  await sockets.last.open();
  assert.equal(sockets.all.length, 2);
  assert.ok(sockets.last.sent.find(({ type }) => type === "join").resumeToken);
  assert.deepEqual(of("ended"), []);
  signaling.leave();
  signaling.suspend();
  assert.equal(signaling.state, "closed");
}));

test("an old connection that still speaks is not heard", () => later(async () => {
  const { signaling, sockets, of } = await seated();
  const [old] = sockets.all;
  old.answers = false;
  signaling.probe();
  mock.timers.tick(5_500);
  old.say({ type: "chat", from: "ben", message: "from the grave" });
  old.end(4009);
  assert.deepEqual([of("message"), of("ended")], [[], []]);
}));

test("only news of the room counts, except after a restart of the server", () => later(async () => {
  const { sockets, of } = await seated({}, { version: 7 });
  const roster = (version) => ({ type: "roster", roomId: "r", version, peers: [] });
  for (const version of [9, 8, 9]) sockets.last.say(roster(version));
  sockets.last.end();
  mock.timers.tick(500);
  await sockets.last.open();
  sockets.last.say(joined({ version: 1 }));
  sockets.last.say(roster(2));
  assert.deepEqual(of("room").map(({ version }) => version), [7, 9, 1, 2]);
}));

test("news of the room that overtake the answer to a join count after it", () => later(async () => {
  const { signaling, sockets, of } = client();
  signaling.connect();
  await sockets.last.open();
  const roster = (version) => ({ type: "roster", roomId: "r", version, peers: [] });
  for (const version of [4, 7, 6]) sockets.last.say(roster(version));
  assert.deepEqual(of("room"), []);
  sockets.last.say(joined({ version: 5 }));
  sockets.last.say(roster(7));
  const news = () => of("room").map(({ type, version }) => [type, version]);
  assert.deepEqual(news(), [["joined", 5], ["roster", 7]]);
  sockets.last.end();
  mock.timers.tick(500);
  await sockets.last.open();
  sockets.last.say(joined({ version: 5 }));
  assert.deepEqual(news().slice(2), [["joined", 5]], "that was another connection");
}));

test("tokens reach no log", () => later(async () => {
  const { signaling, sockets } = client({ token: "secret" });
  const frames = [];
  signaling.on("frame", (frame) => frames.push(frame));
  signaling.connect();
  await sockets.last.open();
  sockets.last.say(joined({ resumeToken: "secret too" }));
  assert.equal(frames.length, 2);
  assert.doesNotMatch(JSON.stringify(frames), /secret/);
}));

test("pauses grow, and no two clients take the same", () => {
  assert.ok(pause(0, () => 1) <= 500 && pause(20, () => 1) <= 15_000);
  assert.ok(pause(3, () => 0) < pause(3, () => 0.5) && pause(5, () => 0) > pause(1, () => 0));
});

test("every entry point can be imported where there is no browser", async () => {
  for (const name of ["index", "messages", "react", "element"]) await import(`../src/${name}.js`);
});
