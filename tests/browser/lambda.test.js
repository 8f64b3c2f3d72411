// The same page on API Gateway, Lambda and DynamoDB: the real functions, behind the gateway of
// lambda/gateway.
//
// Two conditions of the other tests have no counterpart here:
// - The restart of a server: no process holds rooms or connections, so the deployment of new
//   functions stands in its place, and nobody may notice it.
// - Draining, with `going_away`: API Gateway announces no end, so a connection that it cuts, and the
//   moves before its limits of 10 minutes and 2 hours, stand in its place.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startGateway, startProxy } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";
import { BY_SECRET, SECRET, usersOf, withTurn } from "./turn.js";

/** Messages that a browser logs by itself when a connection fails. */
const NETWORK = /WebSocket connection to|Failed to load resource: net::/;

test("two people complete a visit through the functions", { timeout: 90_000 },
  () => onStage({ start: startGateway }, async (stage) => {
  const [anna, weber] = [await stage.person("Anna Keller"), await stage.person("Dr. Weber")];
  await anna.join();
  await weber.join();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
    await person.page.waitForSelector('#health[data-state="online"]');
  }
  await weber.says("Can you hear me?");
  await anna.hears("Dr. Weber", "Can you hear me?");
  await anna.page.screenshot({ path: screenshotPath("visit-lambda") });

  // a new connection takes her seat, whoever handles the end of the old one
  await anna.page.reload();
  await anna.inVisit();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
  }
  await anna.leave();
  await weber.seesPerson("Anna Keller", "left");
}));

test("a person who was offline resumes through the functions", { timeout: 90_000 },
  () => onStage({ start: startGateway }, async (stage) => {
  stage.allow(NETWORK);
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await weber.join();
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);
  await anna.setOffline(true);
  await anna.reads("#banner", /You are offline/);
  await anna.says("written offline");
  await anna.setOffline(false);
  await anna.page.waitForSelector("#banner", { state: "hidden" });
  await weber.hears("Anna", "written offline");
  await weber.seesPerson("Anna", "connected");
  for (const person of [anna, weber]) {
    await person.receivesMedia();
    assert.deepEqual(await person.connections(), [["connecting", "connected"]]);
  }
  assert.equal(await anna.count("out", "offer"), 1, "nothing was negotiated twice");
}));

test("through the functions a patient waits, writes, gets in, is sent back", { timeout: 90_000 },
  () => {
  const { gatewayFlags, doctor, patient } = invitations();
  return onStage({ start: startGateway, flags: gatewayFlags }, async (stage) => {
    // The health function has no token for its own visit yet, so it says that visits are down.
    stage.allow(/503 .*\/health$|status of 503/);
    const anna = await stage.person("Anna Keller", { token: patient() });
    await anna.knock();
    await anna.reads("#wait-status", /doctor is not here yet/);
    const weber = await stage.person("Dr. Weber", { token: doctor() });
    await weber.join();
    await weber.seesWaiting("Anna Keller");
    await anna.reads("#wait-status", /practice knows/);
    await anna.page.reload();
    await anna.inWaitingRoom();
    await anna.page.fill("#wait-text", "I am here.");
    await anna.page.press("#wait-text", "Enter");
    await weber.reads("#lobby-list .messages", /I am here/);

    for (const next of ["Back to the waiting room: Anna Keller", null]) {
      await weber.decides("Admit Anna Keller");
      for (const person of [anna, weber]) {
        await person.sees(1);
        await person.receivesMedia();
      }
      if (next) await weber.decides(next, { answer: "Send to the waiting room" });
    }
    await weber.page.click("#end-visit");
    await weber.page.click("#ask-yes");
    await anna.reads("#prejoin-title", /visit is over/);
    await weber.reads("#notice", /You ended the visit/);
  });
});

test("nobody notices that new functions are deployed", { timeout: 90_000 },
  () => onStage({ start: startGateway }, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await anna.join();
  await weber.join();
  await anna.sees(1);
  await weber.sees(1);

  await stage.server.deploy();
  await weber.says("Can you still hear me?");
  await anna.hears("Weber", "Can you still hear me?");
  await anna.says("Yes.");
  await weber.hears("Anna", "Yes.");
  for (const person of [anna, weber]) {
    await person.receivesMedia();
    assert.deepEqual(await person.connections(), [["connecting", "connected"]]);
    assert.equal(await person.count("in", "joined"), 1, "the connection was never lost");
    assert.equal(await person.count("in", "error"), 0);
  }
  // A page that comes later finds the visit in the table.
  const interpreter = await stage.person("Interpreter");
  await interpreter.join();
  await interpreter.sees(2);
}));

test("a connection that the gateway cuts comes back, and the call goes on", { timeout: 90_000 },
  () => onStage({ start: startGateway }, async (stage) => {
  stage.allow(NETWORK);
  const { anna, weber, cable } = await inACallOverCable(stage);
  cable.cut();
  await anna.reads("#banner", /Reconnecting/);
  await weber.seesPerson("Anna", "reconnecting");
  await anna.says("written in between");
  await anna.page.waitForSelector("#messages .mine[data-status=waiting]");
  cable.heal();
  await anna.page.waitForSelector("#banner", { state: "hidden" });
  await weber.hears("Anna", "written in between");
  await weber.seesPerson("Anna", "connected");
  for (const person of [anna, weber]) {
    await person.receivesMedia();
    assert.deepEqual(await person.connections(), [["connecting", "connected"]]);
  }
  cable.stop();
}));

test("before the gateway's limits the page pings, and moves to a fresh connection",
  { timeout: 120_000 }, () => onStage({ start: startGateway }, async (stage) => {
  const weber = await stage.person("Weber");
  await weber.join();
  const anna = await stage.person("Anna", { prepare: (page) => page.clock.install() });
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);
  await anna.page.evaluate(() => {
    window.banners = [];
    const banner = document.getElementById("banner");
    new MutationObserver(() => window.banners.push(banner.textContent)).observe(
      banner, { childList: true, attributes: true },
    );
  });

  await anna.page.clock.fastForward("09:30"); // of the 10 minutes that a connection may be silent
  await anna.logged("in", "pong");
  assert.equal(await anna.count("in", "joined"), 1);

  await anna.page.clock.fastForward("01:46:00"); // of the 2 hours that it may last
  await anna.page.waitForFunction(
    () => document.querySelectorAll('#log-lines li[data-type="joined"]').length === 2,
  );
  await weber.logged("in", "peer_back");
  await anna.says("still here");
  await weber.hears("Anna", "still here");
  await weber.says("so am I");
  await anna.hears("Weber", "so am I");
  for (const person of [anna, weber]) {
    await person.receivesMedia();
    assert.deepEqual(await person.connections(), [["connecting", "connected"]]);
  }
  assert.equal(await weber.count("in", "peer_away"), 0);
  assert.deepEqual(await anna.page.evaluate(() => window.banners), [], "nobody saw anything");
}));

test("through the functions three people all see each other", { timeout: 120_000 },
  () => onStage({ start: startGateway }, async (stage) => {
  const people = [];
  for (const name of ["Dr. Weber", "Anna Keller", "Interpreter"]) {
    people.push(await stage.person(name));
    await people.at(-1).join();
  }
  for (const person of people) await person.sees(2);
  for (const person of people) await person.receivesMedia(2);
  const [weber, anna, interpreter] = people;
  await interpreter.leave();
  for (const person of [weber, anna]) {
    await person.seesPerson("Interpreter", "left");
    await person.sees(1);
    await person.receivesMedia();
  }
}));

test("the functions name a relay, and calls use nothing else", { timeout: 90_000 },
  () => withTurn((turn, log) => onStage({
    start: startGateway,
    flags: [
      `VISIO_TURN_URL=${turn.urls}?transport=udp`, `VISIO_TURN_SECRET=${SECRET}`,
      "VISIO_RELAY_ONLY=true",
    ].flatMap((variable) => ["--set", variable]),
  }, async (stage) => {
    const [anna, weber] = [await stage.person("Anna Keller"), await stage.person("Dr. Weber")];
    await anna.join();
    await weber.join();
    for (const person of [anna, weber]) {
      await person.receivesMedia();
      await person.page.waitForFunction(() => [...document.querySelectorAll(".person-state")]
        .some((state) => state.textContent === "Connected through a relay"));
    }
    const users = [...usersOf(log())];
    assert.equal(users.length >= 2, true, "credentials of their own");
    assert.equal(users.some((user) => /anna|weber|keller/i.test(user)), false);
  }), BY_SECRET));

/** Weber and Anna see each other; Anna reaches the gateway through a cable. */
async function inACallOverCable(stage) {
  const server = new URL(new URL(stage.server.page).searchParams.get("server"));
  const cable = await startProxy(Number(server.port));
  server.port = String(cable.port);
  const weber = await stage.person("Weber");
  await weber.join();
  const anna = await stage.person(
    "Anna", { more: { server: server.href }, hosts: [`127.0.0.1:${cable.port}`] },
  );
  await anna.join();
  await anna.sees(1);
  await weber.sees(1);
  return { anna, weber, cable };
}
