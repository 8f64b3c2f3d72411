// People: what the server says about the way of a call.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { LocalMedia } from "../src/index.js";
import { People } from "../src/people.js";
import { fakeRtc } from "./support/rtc.js";
import { joined } from "./support/socket.js";

const BEN = { peerId: "ben", role: "guest", joinedAt: 5 };
const TURN = [{ urls: ["turn:one"], username: "u", credential: "c" }];

let rtc;
let people;
beforeEach(() => { rtc = fakeRtc(); });
afterEach(() => {
  people.close();
  rtc.restore();
});

/** Somebody who joins a visit in which Ben is. Answers the connection to him. */
function join(configuration, more) {
  people = new People({ send: () => {}, local: new LocalMedia(), configuration });
  people.follow(joined({ peers: [BEN], iceServers: TURN, ...more }));
  return rtc.connections.at(-1);
}

test("a call uses the servers that the server gives, and fresh ones when they come", () => {
  const connection = join({});
  assert.deepEqual(connection.configuration, { iceServers: TURN });
  const fresh = [{ urls: ["turn:two"] }];
  people.receive({ type: "ice_servers", iceServers: fresh });
  assert.deepEqual(connection.configuration, { iceServers: fresh });
});

test("the app's own servers stand, whatever the server says", () => {
  const own = [{ urls: "stun:mine" }];
  const connection = join({ iceServers: own });
  people.receive({ type: "ice_servers", iceServers: TURN });
  assert.deepEqual(connection.configuration, { iceServers: own });
});

test("the server can demand a relay, and does not take it back from an app that wants one", () => {
  assert.equal(join({}, { iceTransportPolicy: "relay" }).configuration.iceTransportPolicy, "relay");
  people.close();
  assert.equal(join({ iceTransportPolicy: "relay" }).configuration.iceTransportPolicy, "relay");
});

test("observers are not called, and call nobody", () => {
  assert.equal(join({}, { role: "observer" }), undefined);
  assert.equal(people.list[0].state, "present");
});
