// The same page on API Gateway, Lambda and DynamoDB: the real functions, behind the gateway of
// lambda/gateway.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startGateway } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";

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
  stage.allow(/WebSocket connection to|Failed to load resource: net::/);
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
