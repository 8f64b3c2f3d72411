// News of the lobby that overtakes other news, as it can on API Gateway.

import assert from "node:assert/strict";
import test from "node:test";
import { Lobby } from "../src/lobby.js";
import { client, later } from "./support/client.js";
import { joined } from "./support/socket.js";

const ADA = { peerId: "ada", displayName: "Ada", since: 1 };
const BEN = { peerId: "ben", since: 2 };

const knock = (version, knocker) => ({ type: "knock", roomId: "r", version, ...knocker });
const list = (version, ...waiting) => ({ type: "lobby", roomId: "r", version, waiting });
const waiting = (version) => ({
  type: "waiting", roomId: "r", peerId: "me", version, hostPresent: true, since: 1,
});

test("a list that was overtaken by a newer one changes nothing", () => {
  const lobby = new Lobby();
  lobby.list(list(4, BEN));
  lobby.list(list(3, ADA, BEN));
  assert.deepEqual(lobby.waiting, [BEN]);
});

test("a knock counts if the last list is older than it", () => {
  const lobby = new Lobby();
  lobby.knock(knock(5, ADA));
  lobby.list(list(4, BEN));
  assert.deepEqual(lobby.waiting, [BEN, ADA]);
  lobby.knock(knock(3, { peerId: "eve", since: 1 }));
  assert.deepEqual(lobby.waiting, [BEN, ADA], "the list knows better");
  lobby.list(list(6, BEN));
  assert.deepEqual(lobby.waiting, [BEN], "she has gone since");
});

test("somebody who knocks again is there once", () => {
  const lobby = new Lobby();
  lobby.list(list(1, ADA));
  lobby.knock(knock(2, { ...ADA, displayName: "Ada L." }));
  assert.deepEqual(lobby.waiting, [{ ...ADA, displayName: "Ada L." }]);
});

/** A client that waits in the lobby. */
async function guest() {
  const all = client();
  all.signaling.connect();
  await all.sockets.last.open();
  all.sockets.last.say(waiting(4));
  return all;
}

test("word that it waits comes after it was admitted, and counts for nothing", () => later(
  async () => {
  const { sockets, states, of } = await guest();
  sockets.last.say(joined({ version: 6 }));
  sockets.last.say(waiting(5));
  assert.deepEqual(states(), ["connecting", "waiting", "joined"]);
  assert.equal(of("waiting").length, 1);
}));

test("an admission that a return to the lobby has overtaken counts for nothing", () => later(
  async () => {
  const { sockets, states } = await guest();
  sockets.last.say(waiting(7));
  sockets.last.say(joined({ version: 6 }));
  assert.deepEqual(states(), ["connecting", "waiting"]);
}));

test("a host sends somebody back, who is let in again", () => later(async () => {
  const { sockets, states } = await guest();
  sockets.last.say(joined({ version: 5 }));
  sockets.last.say(waiting(6));
  sockets.last.say(joined({ version: 7 }));
  assert.deepEqual(states(), ["connecting", "waiting", "joined", "waiting", "joined"]);
}));
