// What people stumbled over, one test each.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startProxy } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";

/** A stage whose server requires invitations. */
const byInvitation = (play) => {
  const invited = invitations();
  return onStage({ flags: invited.flags }, (stage) => play(stage, invited));
};

test("what a patient wrote while waiting is in the doctor's chat after admitting",
  { timeout: 60_000 }, () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const anna = await stage.person("Anna Keller", { token: patient() });
  const ben = await stage.person("Ben", { token: patient("Ben Okafor") });
  for (const [guest, text] of [[anna, "My knee hurts."], [ben, "I am the next one."]]) {
    await guest.knock();
    await guest.page.fill("#wait-text", text);
    await guest.page.press("#wait-text", "Enter");
    await weber.reads("#lobby-list", new RegExp(text));
  }
  await weber.decides("Admit Anna Keller");
  await weber.sees(1);
  await weber.openChat();
  await weber.reads("#messages", /Anna Keller \(in the waiting room\).*My knee hurts\./);
  assert.doesNotMatch(
    await weber.page.textContent("#messages"), /next one/, "who still waits is not in the visit",
  );
}));

test("the header does not say online while the page says that nothing answers",
  { timeout: 60_000 }, () => onStage({}, async (stage) => {
  stage.allow(/WebSocket connection to|Failed to load resource: net::/);
  const cable = await startProxy(stage.server.port);
  const anna = await stage.person("Anna", {
    // As where health and signaling have different addresses.
    more: {
      server: `ws://127.0.0.1:${cable.port}/ws`,
      health: `http://127.0.0.1:${stage.server.port}/health`,
    },
    hosts: [`127.0.0.1:${cable.port}`],
  });
  await anna.join();
  await anna.page.waitForSelector('#health[data-state="online"]');
  cable.cut();
  await anna.reads("#banner", /Reconnecting/);
  await anna.page.waitForSelector('#health[data-state="offline"]');
  await anna.page.evaluate(() => document.getElementById("health").check());
  assert.equal(await anna.page.getAttribute("#health", "data-state"), "offline");
  cable.heal();
  await anna.page.waitForSelector("#banner", { state: "hidden" });
  await anna.page.waitForSelector('#health[data-state="online"]');
  cable.stop();
}));

test("a server with tokens only shows no form that leads nowhere", { timeout: 60_000 },
  () => byInvitation(async (stage) => {
  const { page } = await stage.person("Anna");
  await page.waitForSelector('#prejoin[data-over="true"]');
  for (const id of ["#join", "#name", "#visit-name"]) assert.ok(await page.isHidden(id), id);
  await page.screenshot({ path: screenshotPath("no-invitation") });
}));

test("no part of a picture is cut off, however many there are", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const people = [];
  for (const name of ["Anna", "Ben", "Cy"]) {
    people.push(await stage.person(name));
    await people.at(-1).join();
  }
  const [anna] = people;
  await anna.sees(2);
  const cut = await anna.page.evaluate(() => [...document.querySelectorAll("#tiles video")]
    .filter((video) => getComputedStyle(video).objectFit !== "contain").length);
  assert.equal(cut, 0);
}));

test("a host with people in the waiting room is not told to be the first", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  await weber.reads("#alone", /first one here/);
  for (const name of ["Anna Keller", "Ben Okafor"]) {
    const guest = await stage.person(name, { token: patient(name) });
    await guest.knock();
  }
  await weber.reads("#alone", /Nobody is in the visit yet.*2 people are in the waiting room/s);
  assert.doesNotMatch(await weber.page.textContent("#alone"), /first one/);
}));

test("leaving before the connection is there cancels it", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna");
  await anna.page.evaluate(() => { // a permission prompt that nobody answers
    navigator.mediaDevices.getUserMedia = () => new Promise(() => {});
  });
  await anna.page.click("#pre-camera");
  await anna.page.evaluate(() => {
    document.getElementById("join").click();
    document.getElementById("cancel").click();
  });
  await anna.page.waitForSelector("#join:not([disabled])");
  const weber = await stage.person("Weber");
  await weber.join();
  await weber.says("anybody?");
  assert.equal(await anna.count("out", "join"), 0);
  assert.equal(await weber.page.locator("#tiles .tile:not(.self)").count(), 0);
}));

test("the developers' log is not there for a patient", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const anna = await stage.person("Anna", { more: { debug: undefined } });
  await anna.join();
  assert.ok(await anna.page.isHidden("#log"));
  assert.equal(await anna.page.locator("#log-lines li").count(), 0);
  const seen = new Set();
  for (let presses = 0; presses < 30; presses += 1) {
    await anna.page.keyboard.press("Tab");
    seen.add(await anna.page.evaluate(() => document.activeElement.closest("#log") !== null));
  }
  assert.deepEqual([...seen], [false]);
}));

test("everything is there in German and in French", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  for (const [locale, join, over] of [
    ["de-CH", "Beitreten", /Sie haben die Sprechstunde verlassen/],
    ["fr-FR", "Rejoindre", /Vous avez quitté la consultation/],
  ]) {
    const person = await stage.person("Anna", { context: { locale }, visit: `v-${locale}` });
    assert.equal(await person.page.textContent("#join"), join);
    const language = await person.page.evaluate(() => document.documentElement.lang);
    assert.equal(language, locale.slice(0, 2));
    await person.page.waitForSelector('.screen[data-camera="on"]');
    await person.page.screenshot({ path: screenshotPath(`form-${locale}`) });
    await person.join();
    await person.page.screenshot({ path: screenshotPath(`visit-${locale}`) });
    assert.deepEqual(await person.nameless(), []);
    const english = await person.page.evaluate(() => document.body.innerText.match(
      /\b(you|your|the|chat messages|mute|camera off|leave|people)\b/i,
    )?.[0]);
    assert.ok(!english || english.toLowerCase() === "chat", `English in ${locale}: ${english}`);
    await person.leave();
    await person.reads("#notice", over);
  }
}));

test("a clinic's name, colour and logo are on the page", { timeout: 60_000 }, async () => {
  const { mkdtempSync, writeFileSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const logo = `${mkdtempSync(`${tmpdir()}/visio-`)}/logo.svg`;
  writeFileSync(logo, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30">'
    + '<rect width="90" height="30" fill="#7a1f5c"/></svg>');
  const flags = ["--page-name", "Praxis am See", "--page-color", "#7a1f5c", "--page-logo", logo];
  await onStage({ flags }, async (stage) => {
    const { page } = await stage.person("Anna");
    await page.waitForFunction(
      () => document.getElementById("clinic").textContent === "Praxis am See",
    );
    await page.waitForFunction(() => document.getElementById("clinic-logo").naturalWidth > 0);
    const color = await page.evaluate(
      () => getComputedStyle(document.getElementById("join")).backgroundColor,
    );
    assert.equal(color, "rgb(122, 31, 92)");
    await page.screenshot({ path: screenshotPath("clinic") });
  });
});
