// The network is pulled and put back: the seat is resumed, and the call goes on as if nothing was.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";
import { startProxy } from "./server.js";

/** Messages that a browser logs by itself when a connection fails. */
const NETWORK = /WebSocket connection to|Failed to load resource: net::/;

/** The server notices within a few seconds that a client is gone. */
const ALERT = ["--heartbeat-seconds", "2"];

/** An ICE restart for no reason would come within this time. */
const RESTART_MS = 5_000;

test("the network is pulled and put back: the call goes on, nothing is lost", { timeout: 120_000 },
  () => inACall({ flags: ALERT }, async ({ anna, weber, cable }) => {
  await anna.says("zero");
  await weber.hears("Anna", "zero");
  const before = await negotiated(anna, weber);

  await anna.setOffline(true);
  cable.pull();
  await anna.says("one, into the dead connection");
  await anna.reads("#banner", /You are offline/);
  await anna.says("two, written offline");
  await anna.page.waitForSelector("#messages .mine[data-status=waiting]");
  await weber.logged("in", "peer_away");
  await weber.seesPerson("Anna", "reconnecting");
  await weber.reads('.tile[data-state="reconnecting"] .tile-state', /Reconnecting/);
  await weber.says("three, to somebody who is away");
  await weber.page.click("#mute");
  await bothReceive(anna, weber);
  await weber.page.screenshot({ path: screenshotPath("away-desktop") });

  cable.heal();
  await anna.setOffline(false);
  await anna.page.waitForSelector("#banner", { state: "hidden" });
  await weber.logged("in", "peer_back");
  await anna.seesPerson("Weber", "connected");
  await weber.seesPerson("Anna", "connected");
  await weber.hears("Anna", "two, written offline");
  await anna.hears("Weber", "three, to somebody who is away");
  await anna.page.waitForSelector('.tile:not(.self)[data-mic="off"]');
  await bothReceive(anna, weber);
  await anna.page.waitForTimeout(RESTART_MS);

  assert.deepEqual(await weber.heard(),
    ["zero", "one, into the dead connection", "two, written offline"]);
  assert.deepEqual(await anna.heard(), ["three, to somebody who is away"]);
  assert.deepEqual(await negotiated(anna, weber), before, "nothing was negotiated twice");
  assert.doesNotMatch(await weber.page.textContent("#messages"), /left the visit/);
  for (const person of [anna, weber]) {
    assert.deepEqual(await person.connections(), [["connecting", "connected"]]);
  }
}));

test("messages that the server cannot keep arrive when the person is back", { timeout: 120_000 },
  () => inACall({ flags: ALERT }, async ({ anna, weber, cable }) => {
  await anna.setOffline(true);
  cable.pull();
  await weber.seesPerson("Anna", "reconnecting");
  const lines = Array.from({ length: 70 }, (_, number) => `line ${number}`);
  for (const line of lines) await weber.says(line);
  await weber.logged("in", "error"); // peer_away

  cable.heal();
  await anna.setOffline(false);
  await anna.hears("Weber", lines.at(-1));
  assert.deepEqual(await anna.heard(), lines);
  assert.doesNotMatch(await anna.page.textContent("#messages"), /to you only/);
}));

test("the network comes back too late to resume: the call is made anew", { timeout: 120_000 },
  () => inACall({ flags: [...ALERT, "--grace-seconds", "1"] }, async ({ anna, weber, cable }) => {
  await anna.setOffline(true);
  cable.pull();
  await weber.logged("in", "peer_left");
  await anna.reads("#banner", /You are offline/);
  await bothReceive(anna, weber); // the call needs no server

  cable.heal();
  await anna.setOffline(false);
  await weber.page.waitForFunction(() => window.connectionStates[1]?.at(-1) === "connected");
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
    const [first, second, ...more] = await person.connections();
    assert.deepEqual([first, second], [["connecting", "connected"], ["connecting", "connected"]]);
    assert.deepEqual(more, []);
  }
  assert.deepEqual(await negotiated(anna, weber), [[2, 0], [0, 2]]);
  await anna.says("here again");
  await weber.hears("Anna", "here again");
}));

test("a call whose route through the network is gone finds another", { timeout: 120_000 },
  () => inACall({ lossy: true }, async ({ anna, weber, network }) => {
  const before = await negotiated(anna, weber);
  await network({ packetLoss: 100 });
  await weber.logged("out", "offer"); // ICE restarts
  await network({ packetLoss: 0 });
  await Promise.all([anna.sees(1), weber.sees(1)]);
  await bothReceive(anna, weber);
  assert.notDeepEqual(await negotiated(anna, weber), before);
  for (const person of [anna, weber]) assert.equal((await person.connections()).length, 1);
  assert.equal(await anna.count("in", "joined"), 1, "the signaling was never lost");
}));

test("all is gone for a while: both come back, and the call is the same", { timeout: 120_000 },
  () => inACall({ flags: ALERT, lossy: true }, async ({ anna, weber, cable, network }) => {
  cable.pull();
  await network({ offline: true, packetLoss: 100 });
  await weber.logged("in", "peer_away");
  await weber.logged("out", "offer"); // waits on the server for Anna
  await anna.page.waitForFunction(
    () => document.querySelector('.tile[data-state="reconnecting"][data-moves="false"]'),
  );

  cable.heal();
  await network({ offline: false, packetLoss: 0 });
  await weber.logged("in", "peer_back");
  await Promise.all([anna.sees(1), weber.sees(1)]);
  await bothReceive(anna, weber);
  for (const person of [anna, weber]) {
    const connections = await person.connections();
    assert.equal(connections.length, 1);
    assert.equal(connections[0].at(-1), "connected");
  }
}));

test("the other page is a new one when the network is back", { timeout: 120_000 },
  () => inACall({ flags: ALERT, lossy: true }, async ({ anna, weber, cable, network }) => {
  cable.pull();
  await network({ offline: true, packetLoss: 100 });
  await weber.logged("in", "peer_away");
  await weber.logged("out", "offer"); // Anna has made one as well by now, and cannot send it
  await weber.page.reload();
  await weber.inVisit();

  cable.heal();
  await network({ offline: false, packetLoss: 0 });
  await Promise.all([anna.sees(1), weber.sees(1)]);
  await bothReceive(anna, weber);
  assert.doesNotMatch(await anna.page.textContent("#messages"), /left the visit/);
}));

test("a person who closes the page is gone in a moment", { timeout: 120_000 },
  () => inACall({ flags: ["--grace-seconds", "120"] }, async ({ anna, weber }) => {
  await anna.page.goto("about:blank");
  await weber.seesPerson("Anna", "left");
  await weber.reads("#messages", /Anna left the visit/);
  assert.equal(await weber.page.locator("#tiles .tile:not(.self)").count(), 0);
}));

/**
 * Weber and Anna see each other; Anna reaches the server through a cable. If `lossy`, her calls can
 * lose packets as well: Chromium asks about that when a call begins, and not again.
 */
function inACall({ lossy = false, ...options }, play) {
  return onStage(options, async (stage) => {
    stage.allow(NETWORK);
    const cable = await startProxy(stage.server.port);
    const weber = await stage.person("Weber");
    await weber.join();
    const anna = await stage.person("Anna", { port: cable.port });
    const network = lossy ? await networkOf(anna) : null;
    await anna.join();
    await anna.sees(1);
    await weber.sees(1);
    try {
      await play({ anna, weber, cable, network });
    } finally {
      cable.stop();
    }
  });
}

/** A function that changes the conditions of a person's network, calls included. */
async function networkOf({ page }) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const [downloadThroughput, uploadThroughput] = [10_000_000, 10_000_000];
  const change = (conditions) => session.send("Network.emulateNetworkConditions", {
    offline: false, latency: 1, downloadThroughput, uploadThroughput, ...conditions,
  });
  await change({ packetLoss: 0.001 });
  return change;
}

/** How many offers and answers each has sent. */
function negotiated(...people) {
  return Promise.all(people.map((person) => Promise.all(
    ["offer", "answer"].map((type) => person.count("out", type)),
  )));
}

async function bothReceive(...people) {
  await Promise.all(people.map((person) => person.receivesMedia()));
}
