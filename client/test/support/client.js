// A Signaling whose server and clock are the test's.

import { mock } from "node:test";
import { Signaling } from "../../src/index.js";
import { FakeSockets, joined } from "./socket.js";

/** A client that is about to connect, and everything that it says. */
export function client(options = {}) {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const sockets = new FakeSockets();
  const signaling = new Signaling({
    url: "ws://fake/ws", join: { roomId: "r", peerId: "me" }, WebSocket: sockets.WebSocket,
    ...options,
  });
  const events = [];
  for (const type of ["state", "room", "waiting", "lobby", "message", "gap", "failure", "ended"]) {
    signaling.on(type, (detail) => events.push([type, detail]));
  }
  const of = (type) => events.filter(([one]) => one === type).map(([, detail]) => detail);
  return { signaling, sockets, events, of, states: () => of("state").map(({ state }) => state) };
}

/** A client with a seat. */
export async function seated(options, more) {
  const all = client(options);
  all.signaling.connect();
  await all.sockets.last.open();
  all.sockets.last.say(joined(more));
  return all;
}

/** Runs a test, and gives the clock back. */
export const later = async (run) => {
  try {
    await run();
  } finally {
    mock.timers.reset();
  }
};
