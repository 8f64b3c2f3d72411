// Fresh connections over and over while people talk, on the real server and on the real functions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Signaling } from "../src/index.js";
import { invitations } from "../../tests/browser/invitations.js";
import { startGateway, startServer } from "../../tests/browser/server.js";

const MOVES = 4;
/** On the gateway about two lines pass between two changes, and each change takes a second. */
const LINES = { server: 50, gateway: 20 };
/**
 * Lines that are on their way at once, from each side. More would queue up for the functions of a
 * busy machine, and a change waits for them for a second.
 */
const WINDOW = { server: 5, gateway: 1 };

const unlimited = ["--message-rate", "0", "--byte-rate", "0"];

const runtimes = {
  server: async (...flags) => {
    const server = await startServer(...unlimited, ...flags);
    return { ...server, url: `ws://127.0.0.1:${server.port}/ws` };
  },
  gateway: async (...flags) => {
    const gateway = await startGateway(...flags);
    return { ...gateway, url: new URL(gateway.page).searchParams.get("server") };
  },
};

/** Those who would go on to reconnect for ever. */
const clients = [];

async function on(start, flags, play) {
  const server = await start(...flags);
  try {
    await play(server);
  } finally {
    for (const one of clients.splice(0)) one.leave();
    await server.stop("SIGKILL");
  }
}

/** A client, and everything that it tells. */
function client(options) {
  const signaling = new Signaling(options);
  clients.push(signaling);
  const events = [];
  const told = new EventTarget();
  for (const type of ["state", "room", "waiting", "lobby", "message", "gap", "failure", "ended"]) {
    signaling.on(type, (detail) => {
      events.push({ type, detail });
      told.dispatchEvent(new Event("told"));
    });
  }
  const of = (wanted) => events.filter(({ type }) => type === wanted).map(({ detail }) => detail);
  const until = (wanted) => new Promise((resolve) => {
    const look = () => {
      if (!wanted()) return;
      told.removeEventListener("told", look);
      resolve();
    };
    told.addEventListener("told", look);
    look();
  });
  signaling.connect();
  return { signaling, of, until };
}

const joins = ({ of }) => of("room").filter(({ type }) => type === "joined");

/** Says lines, and the next one for each that the other one says, until it has moved enough. */
function talk({ signaling }, window, isEnough) {
  let said = 0;
  const say = () => {
    if (isEnough()) return;
    said += 1;
    signaling.send({ type: "chat", message: String(said) });
  };
  signaling.on("message", say);
  for (let turn = 0; turn < window; turn += 1) say();
  return () => Array.from({ length: said }, (_, at) => String(at + 1));
}

for (const [runtime, start] of Object.entries(runtimes)) {
  test(`while connections are changed, everything arrives once: ${runtime}`, { timeout: 90_000 },
    () => on(start, [], async ({ url }) => {
    const person = (peerId, lifetimeMs) => client(
      { url, join: { roomId: "moving", peerId }, ...(lifetimeMs && { lifetimeMs }) },
    );
    const anna = person("anna", 20);
    await anna.until(() => joins(anna).length > 0);
    const ben = person("ben");
    await ben.until(() => joins(ben).length > 0);
    const isEnough = () => joins(anna).length > MOVES && ben.of("message").length >= LINES[runtime];
    const [byAnna, byBen] = [anna, ben].map((one) => talk(one, WINDOW[runtime], isEnough));
    await ben.until(isEnough);
    const lines = (to) => to.of("message").map(({ message }) => message);
    await ben.until(() => lines(ben).length >= byAnna().length);
    await anna.until(() => lines(anna).length >= byBen().length);

    // Functions may be slower than a client waits for an order.
    const inOrder = (all) => (runtime === "gateway" ? all.sort((a, b) => a - b) : all);
    assert.deepEqual(inOrder(lines(ben)), byAnna());
    assert.deepEqual(inOrder(lines(anna)), byBen());
    assert.deepEqual(anna.of("state").map(({ state }) => state), ["connecting", "joined"]);
    assert.ok(joins(anna).slice(1).every(({ resumed }) => resumed));
    const seen = new Set(ben.of("room").map(({ type }) => type));
    assert.deepEqual([...seen], ["joined", "peer_back"], "nobody saw her away");
    for (const one of [anna, ben]) {
      assert.deepEqual([one.of("failure"), one.of("ended")], [[], []]);
    }
  }));

  const invited = invitations();
  const flags = runtime === "server" ? invited.flags : invited.gatewayFlags;
  test(`a patient who waits keeps their place while connections are changed: ${runtime}`,
    { timeout: 90_000 }, () => on(start, flags, async ({ url }) => {
    const weber = client({ url, token: invited.doctor() });
    await weber.until(() => joins(weber).length > 0);
    const anna = client({ url, token: invited.patient(), lifetimeMs: 20 });
    await anna.until(() => anna.of("waiting").length > MOVES);
    const since = new Set(anna.of("waiting").map((waiting) => waiting.since));
    assert.equal(since.size, 1, "the place of the first knock");
    const waits = weber.of("lobby").at(-1).waiting;
    assert.deepEqual(waits.map(({ peerId }) => peerId), ["anna-keller"]);
    weber.signaling.send({ type: "admit", peerId: "anna-keller" });
    await anna.until(() => joins(anna).length > 1);
    assert.deepEqual(
      anna.of("state").map(({ state }) => state), ["connecting", "waiting", "joined"],
    );
    assert.deepEqual(anna.of("ended"), []);
  }));
}
