// A lost connection to the server: the call goes on, and signaling comes back by itself.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";
import { startProxy, startServer } from "./server.js";

/** Messages that a browser logs by itself when a connection fails. */
const NETWORK = /WebSocket connection to|Failed to load resource: net::/;

test("a lost socket comes back while the call goes on", { timeout: 90_000 },
  () => onStage({}, async (stage) => {
  stage.allow(NETWORK);
  const cable = await startProxy(stage.server.port);
  const anna = await stage.person("Anna", { port: cable.port });
  const weber = await stage.person("Weber");
  await weber.join();
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);

  cable.cut();
  await anna.reads("#banner", /Reconnecting/);
  await weber.seesPerson("Anna", "reconnecting");
  await anna.receivesMedia();
  await weber.receivesMedia();
  await anna.page.screenshot({ path: screenshotPath("reconnecting-desktop") });
  await anna.says("written while offline");
  await anna.page.waitForSelector("#messages .mine[data-status=waiting]");

  cable.heal();
  await anna.page.waitForSelector("#banner", { state: "hidden" });
  await weber.hears("Anna", "written while offline");
  await anna.seesPerson("Weber", "connected");
  await weber.seesPerson("Anna", "connected");
  await anna.sees(1);
  await weber.sees(1);
  await anna.receivesMedia();
  await weber.receivesMedia();
  assert.equal(await anna.page.locator("#messages [data-status=waiting]").count(), 0);
  assert.doesNotMatch(await weber.page.textContent("#messages"), /left/);
  cable.stop();
}));

test("after a server restart everybody comes back and the call goes on", { timeout: 90_000 },
  () => onStage({}, async (stage) => {
  stage.allow(NETWORK);
  const old = await startServer("--drain-seconds", "1");
  const cable = await startProxy(old.port);
  const anna = await stage.person("Anna", { port: cable.port });
  const weber = await stage.person("Weber", { port: cable.port });
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.sees(1);

  cable.point(stage.server.port); // a new server, whose rooms count from one again
  await old.stop();
  for (const person of [anna, weber]) {
    await person.page.waitForFunction(
      () => document.querySelectorAll('#log-lines li[data-type="joined"]').length === 2,
    );
    await person.page.waitForSelector("#banner", { state: "hidden" });
  }
  await anna.seesPerson("Weber", "connected");
  await weber.seesPerson("Anna", "connected");
  await anna.says("still there?");
  await weber.hears("Anna", "still there?");
  await anna.receivesMedia();
  await weber.receivesMedia();
  cable.stop();
}));
