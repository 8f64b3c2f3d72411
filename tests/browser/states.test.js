// Every state of the page: what axe says of it, and whether it fits, in the windows that people
// have.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { onStage, screenshotPath } from "./stage.js";
import { WINDOWS } from "./windows.js";

for (const [name, context] of Object.entries(WINDOWS)) {
  test(`every state of a visit: ${name}`, { timeout: 120_000 }, () => walk(name, context));
}

/** A patient and a doctor go through a visit, and stop at each state. */
function walk(name, context) {
  const { flags, doctor, patient } = invitations();
  return onStage({ flags }, async (stage) => {
    const look = async (person, state) => {
      await person.page.screenshot({ path: screenshotPath(`${state}-${name}`) });
      assert.deepEqual(await person.violations(), [], state);
      await person.fits();
      if (await person.page.isVisible(".controls")) await person.reachesControls();
      if (await person.page.isVisible("#alone")) await person.readsStage();
    };
    const anna = await stage.person("Anna", { token: patient(), context, more: SHORT });
    const weber = await stage.person("Dr. Weber", { token: doctor(), context, more: SHORT });
    await anna.page.waitForSelector('.screen[data-camera="on"]');
    await look(anna, "form");
    await anna.page.click("#devices summary");
    await look(anna, "form-devices");
    await anna.knock();
    await look(anna, "waiting");
    await weber.join();
    await weber.reads("#alone", /Nobody is in the visit yet.*One person/s);
    await look(weber, "alone-with-a-knock");
    await weber.openPeople();
    await anna.page.fill("#wait-text", "I am a little early.");
    await anna.page.press("#wait-text", "Enter");
    await weber.reads("#lobby-list .messages", /little early/);
    await look(weber, "lobby");
    await look(anna, "waiting-written");
    await weber.decides("Ask to wait: Anna Keller");
    await look(weber, "question");
    await weber.page.click("#ask-yes");
    await anna.reads("#wait-status", /with you in a few minutes/);
    await look(anna, "waiting-held");

    await weber.decides("Admit Anna Keller");
    for (const person of [anna, weber]) await person.sees(1);
    await look(weber, "people");
    await weber.page.click("#people-panel [data-close-panel]");
    await look(weber, "visit-host");
    await look(anna, "visit");
    await anna.says("Good morning, doctor.");
    await anna.page.click("#chat-panel [data-close-panel]");
    await weber.openChat();
    await weber.hears("Anna Keller", "Good morning, doctor.");
    await look(weber, "chat");
    await weber.page.click("#devices-toggle");
    await look(weber, "devices");
    await weber.page.click("#devices-panel [data-close-panel]");
    await weber.page.click("#end-visit");
    await weber.page.click("#ask-yes");
    await anna.reads("#prejoin-title", /visit is over/);
    await look(anna, "over");
  });
}

const SHORT = { debug: undefined };
