// Visits by invitation: the patient's waiting room and the doctor's list of those who wait.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { startProxy } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";

const PHONE = {
  viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
};

/** A stage whose server requires invitations. */
const byInvitation = (play) => {
  const invited = invitations();
  return onStage({ flags: invited.flags }, (stage) => play(stage, invited));
};

const shot = ({ page }, name) => page.screenshot({ path: screenshotPath(name) });

/** Since when a person waits, in milliseconds, according to the server's last message. */
const waitingSince = ({ page }) => page.evaluate(async () => {
  const line = [...document.querySelectorAll('#log-lines li[data-type="waiting"] details')].at(-1);
  line.open = true;
  await new Promise((resolve) => { line.addEventListener("toggle", resolve, { once: true }); });
  return JSON.parse(line.querySelector("pre").textContent).since;
});

test("a patient waits, writes, is admitted, and both see each other", { timeout: 90_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const anna = await stage.person("Anna Keller", { token: patient(), context: PHONE });
  assert.equal(await anna.page.inputValue("#name"), "Anna Keller");
  assert.ok(await anna.page.isHidden("#visit-name"), "the invitation says which visit");
  assert.ok(await anna.page.isHidden("#copy-link"), "a copied address is no invitation");
  await anna.knock();
  await anna.reads("#wait-status", /doctor is not here yet/);
  await anna.page.waitForSelector('#waiting .screen[data-camera="on"]');
  assert.equal(await anna.page.evaluate(() => document.activeElement.id), "wait-title");
  await shot(anna, "waiting-phone");

  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  await anna.reads("#wait-status", /practice knows that you are here/);
  await anna.reads("#announcer", /practice knows that you are here/);
  await weber.reads("#knocks", /^1/);
  await weber.reads("#announcer", /Anna Keller is in the waiting room/);
  await weber.page.waitForFunction(() => document.title.startsWith("(1) "));
  await shot(weber, "knock-desktop");

  await weber.page.click("#knock-show");
  await weber.seesWaiting("Anna Keller");
  await anna.page.fill("#wait-text", "I have my list of medicines here.");
  await anna.page.press("#wait-text", "Enter");
  await weber.reads("#lobby-list .messages", /list of medicines/);
  await weber.page.fill("#lobby-list input", "Very good. One moment, please.");
  await weber.page.press("#lobby-list input", "Enter");
  await anna.reads("#wait-messages", /The practice.*One moment, please/);
  const inTheVisit = await weber.page.locator("#messages li:not(.note)").count();
  assert.equal(inTheVisit, 0, "none of these messages is in the chat of the visit");
  assert.equal(await anna.page.locator("#tiles .tile:not(.self)").count(), 0);
  await shot(weber, "lobby-desktop");
  await shot(anna, "waiting-phone-messages");

  await weber.decides("Admit Anna Keller");
  await anna.inVisit();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
  }
  await weber.reads("#lobby-none", /Nobody is waiting/);
  assert.ok(await weber.page.isHidden("#knocks"));
  await anna.openChat();
  await anna.reads("#messages", /One moment, please/); // what was said before is not lost
  await weber.says("Good morning");
  await anna.hears("Dr. Weber", "Good morning");
}));

test("a declined patient reads the reason, and can ask again", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const ben = await stage.person("Ben", { token: patient("Benedikt von Hohenstein-Ludwigsburg") });
  await ben.knock();
  await weber.seesWaiting("Benedikt von Hohenstein-Ludwigsburg");
  await weber.openPeople();
  await weber.page.getByRole(
    "button", { name: "Decline Benedikt von Hohenstein-Ludwigsburg" },
  ).click();
  await shot(weber, "decline-desktop");
  await weber.page.fill("#ask-reason", "Your appointment is at 11:30.");
  await weber.page.press("#ask-reason", "Enter");
  await ben.reads("#notice", /could not let you in.*“Your appointment is at 11:30.”/);
  await weber.reads("#lobby-none", /Nobody/);
  await shot(ben, "declined-desktop");

  assert.equal(await ben.page.textContent("#join"), "Ask again");
  await ben.knock();
  await weber.seesWaiting("Benedikt von Hohenstein-Ludwigsburg");
}));

test("a patient who is sent back gets in again; a removed patient does not", { timeout: 90_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  const anna = await stage.person("Anna Keller", { token: patient() });
  await weber.join();
  await anna.knock();
  await weber.decides("Admit Anna Keller");
  await anna.sees(1);
  await weber.sees(1);

  const back = "Back to the waiting room: Anna Keller";
  await weber.decides(back, { answer: "Cancel" });
  await weber.decides(back, { answer: "Send to the waiting room" });
  await anna.inWaitingRoom();
  await anna.reads("#wait-title", /Back in the waiting room/);
  assert.ok(await anna.page.isHidden("#visit"));
  await weber.page.waitForFunction(
    () => document.querySelectorAll("#tiles .tile:not(.self)").length === 0,
  );
  await weber.decides("Admit Anna Keller");
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
  }

  await weber.decides("Remove: Anna Keller", { reason: "We have all we need.", answer: "Remove" });
  await anna.reads("#notice", /ended the visit for you.*“We have all we need.”/);
  assert.ok(await anna.page.isHidden("#join"), "there is nothing to try");
  await weber.seesPerson("Anna Keller", "left");
  await anna.page.reload();
  await anna.page.click("#join");
  await anna.reads("#prejoin-title", /no longer in the visit/);
  assert.ok(await weber.page.isVisible("#lobby-none"));
}));

test("a patient who was admitted and reloads is in the visit again", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  const anna = await stage.person("Anna Keller", { token: patient() });
  await weber.join();
  await anna.knock();
  await weber.decides("Admit Anna Keller");
  await anna.sees(1);
  await anna.page.reload();
  await anna.inVisit();
  await Promise.all([anna.sees(1), weber.sees(1)]);
  assert.doesNotMatch(await weber.page.textContent("#messages"), /left the visit/);
}));

test("a reload or a lost connection keeps the place in the waiting room", { timeout: 90_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  stage.allow(/WebSocket connection to|Failed to load resource: net::/);
  const cable = await startProxy(stage.server.port);
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const anna = await stage.person("Anna Keller", { token: patient(), port: cable.port });
  await anna.knock();
  const since = await waitingSince(anna);
  await weber.seesWaiting("Anna Keller");

  await anna.page.reload();
  await anna.inWaitingRoom();
  assert.equal(await waitingSince(anna), since);
  assert.doesNotMatch(await anna.page.evaluate(() => location.href), /token/);

  cable.cut();
  await anna.reads("#wait-banner", /reconnect/);
  await anna.page.fill("#wait-text", "written while offline");
  await anna.page.press("#wait-text", "Enter");
  await shot(anna, "waiting-desktop-offline");
  cable.heal();
  await anna.page.waitForSelector("#wait-banner", { state: "hidden" });
  assert.equal(await waitingSince(anna), since);
  await weber.openPeople();
  await weber.reads("#lobby-list .messages", /written while offline/);
  cable.stop();
}));

test("after a reload the doctor sees who waits; a half-typed line survives", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const anna = await stage.person("Anna Keller", { token: patient() });
  await anna.knock();
  await weber.seesWaiting("Anna Keller");
  await weber.page.reload();
  await weber.inVisit();
  await weber.seesWaiting("Anna Keller");

  await weber.openPeople();
  await weber.decides("Message Anna Keller");
  await weber.page.keyboard.type("Please have your ");
  const ben = await stage.person("Ben Okafor", { token: patient("Ben Okafor"), context: PHONE });
  await ben.knock();
  await weber.seesWaiting("Ben Okafor");
  await weber.page.keyboard.type("card ready.");
  await weber.page.keyboard.press("Enter");
  await anna.reads("#wait-messages", /Please have your card ready\./);
  assert.equal(await ben.page.locator("#wait-messages li").count(), 0, "only the one it is for");
  await weber.page.setViewportSize(PHONE.viewport);
  await shot(weber, "lobby-phone");
  await ben.page.click("#wait-leave");
  await ben.reads("#notice", /left the waiting room/);
  await weber.page.waitForFunction(
    () => document.querySelectorAll("#lobby-list > li").length === 1,
  );
}));

test("a visit ends for everybody, waiting patients included, for good", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  const anna = await stage.person("Anna", { token: patient() });
  const ben = await stage.person("Ben", { token: patient("Ben") });
  await weber.join();
  await anna.knock();
  await weber.decides("Admit Anna Keller");
  await anna.sees(1);
  await ben.knock();
  await weber.page.click("#end-visit");
  await weber.page.fill("#ask-reason", "Take good care.");
  await weber.page.click("#ask-yes");
  for (const guest of [anna, ben]) {
    await guest.reads("#notice", /practice ended the visit.*“Take good care.”/);
  }
  await weber.reads("#notice", /You ended the visit for everybody/);
  await shot(anna, "visit-ended-desktop");

  await anna.page.reload();
  await anna.page.click("#join");
  await anna.reads("#prejoin-title", /visit is over/);
}));

test("only a host has a host's controls; an observer cannot speak", { timeout: 60_000 },
  () => byInvitation(async (stage, { token, doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  const anna = await stage.person("Anna Keller", { token: patient() });
  const student = await stage.person(
    "Student", { token: token("student", "Sam Student", "--role", "observer") },
  );
  await weber.join();
  await anna.knock();
  await weber.decides("Admit Anna Keller");
  await anna.sees(1);
  await student.reads("#preview-note", /observer/);
  await student.join();
  await weber.seesPerson("Sam Student", "present");
  await student.seesPerson("Anna Keller", "present");

  for (const guest of [anna, student]) {
    await guest.openPeople();
    for (const control of [
      "#end-visit", "#lobby", "#knock-bar", ".person-buttons", "#copy-link-people",
    ]) {
      assert.equal(await guest.page.locator(control).filter({ visible: true }).count(), 0, control);
    }
  }
  await weber.says("Sam is a student and listens in.");
  await student.openChat();
  await student.hears("Dr. Weber", "Sam is a student and listens in.");
  for (const control of ["#mute", "#camera-off", "#chat-form", "#self"]) {
    assert.ok(await student.page.isHidden(control), control);
  }
  assert.equal(await student.page.evaluate(
    () => document.querySelector("#preview").srcObject?.getTracks().length ?? 0,
  ), 0);
  await shot(student, "observer-desktop");
  await weber.openPeople();
  await shot(weber, "hosts-people-desktop");
  await weber.receivesMedia();
  assert.equal(await weber.page.locator("#tiles .tile:not(.self)").count(), 1, "nobody to look at");
}));

test("a visit announces its end five minutes before, and then ends by itself", { timeout: 90_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor("--visit-end", "20s") });
  const anna = await stage.person(
    "Anna Keller", { token: patient(undefined, "--visit-end", "20s") },
  );
  await weber.join();
  await anna.knock();
  await anna.reads("#waiting [data-ending]", /This visit ends at .*in 1 minute/);
  await weber.reads("#visit [data-ending]", /ends at .*in 1 minute/);
  await shot(weber, "ending-desktop");
  for (const person of [weber, anna]) await person.reads("#notice", /time for this visit is up/);
}));

test("the page says in words why it refuses an invitation", { timeout: 60_000 },
  () => byInvitation(async (stage, { token, patient }) => {
  const words = async (name, options, pattern) => {
    const person = await stage.person(name, options);
    if (await person.page.inputValue("#name") === "") await person.page.fill("#name", name);
    await person.page.click("#join");
    await person.reads("#join-form", pattern);
    await shot(person, `invitation-${name}`);
    const address = await person.page.evaluate(() => location.href);
    assert.doesNotMatch(address, /token/, "not even an invalid one stays in the address");
    return person;
  };
  const [head, claims, signature] = patient().split(".");
  await words("bad", {
    token: `${head}.${claims}.${signature.split("").reverse().join("")}`,
  }, /link does not work.*ask the practice/s);
  await words("broken", { token: "not-a-token" }, /link does not work/);
  // Without an invitation there is no form to fill in for nothing.
  const none = await stage.person("none");
  await none.reads("#join-form", /needs an invitation.*open the link/s);
  assert.ok(await none.page.isHidden("#join"));
  assert.ok(await none.page.isHidden("#name"));
  const old = JSON.parse(Buffer.from(claims, "base64url"));
  const expired = Buffer.from(JSON.stringify({ ...old, exp: 1_700_000_000 })).toString("base64url");
  await words("expired", { token: `${head}.${expired}.${signature}` }, /expired.*valid until/s);
  const early = Buffer.from(
    JSON.stringify({ ...old, nbf: 4_000_000_000, exp: 4_000_009_000 }),
  ).toString("base64url");
  await words("early", { token: `${head}.${early}.${signature}` }, /works from/);
  // No line of the log holds the token either.
  const anna = await stage.person("Anna", { token: token("anna", "Anna") });
  await anna.join();
  await anna.page.evaluate(() => {
    for (const line of document.querySelectorAll("#log-lines details")) line.open = true;
  });
  await anna.reads("#log-lines", /left out/);
  assert.doesNotMatch(await anna.page.evaluate(() => document.documentElement.outerHTML), /eyJ/);
}));

test("a doctor admits patients by keyboard alone", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const { page } = weber;
  const anna = await stage.person("Anna", { token: patient() });
  const ben = await stage.person("Ben", { token: patient("Ben") });
  for (const guest of [anna, ben]) {
    await guest.page.waitForSelector("#join");
    await guest.page.focus("#name");
    await guest.page.keyboard.press("Enter");
    await guest.inWaitingRoom();
  }
  await weber.reads("#knocks", /^2/);
  const focused = () => page.evaluate(
    () => document.activeElement.ariaLabel || document.activeElement.id,
  );
  const tabTo = async (name) => {
    for (let presses = 0; presses < 25 && (await focused()) !== name; presses += 1) {
      await page.keyboard.press("Tab");
    }
    assert.equal(await focused(), name);
  };

  await page.focus("#visit-title");
  await tabTo("Show the waiting room");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "Admit Anna Keller", "the list opens at who came first");
  await page.keyboard.press("Enter");
  await anna.inVisit();
  // not lost with the line
  await page.waitForFunction(() => document.activeElement.ariaLabel === "Admit Ben");
  await page.keyboard.press("Enter");
  await ben.inVisit();
  await page.waitForFunction(() => document.activeElement.id === "lobby-title");

  await tabTo("Remove: Ben");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "ask-no", "a hasty Enter changes nothing");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "Remove: Ben");
  assert.ok(await page.isVisible("#people-panel"), "Escape closed the question and nothing else");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await ben.reads("#notice", /ended the visit for you/);
}));

test("a question asked again at once is a separate question", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const weber = await stage.person("Dr. Weber", { token: doctor() });
  await weber.join();
  const anna = await stage.person("Anna", { token: patient() });
  await anna.knock();
  await weber.decides("Admit Anna Keller");
  await anna.inVisit();
  await weber.decides("Remove: Anna Keller");
  // A browser reports the close of a dialog in a task of its own: here, while the next one is open.
  await weber.page.evaluate(() => {
    document.getElementById("ask").close("");
    document.querySelector('[aria-label="Remove: Anna Keller"]').click();
    return new Promise(
      (told) => document.getElementById("ask").addEventListener("close", told, { once: true }),
    );
  });
  await weber.page.click("#ask-yes");
  await anna.reads("#notice", /ended the visit for you/);
}));

test("the waiting room fits a small phone, with large and named controls", { timeout: 60_000 },
  () => byInvitation(async (stage, { doctor, patient }) => {
  const small = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
  const anna = await stage.person("Anna Keller", { token: patient(), context: small });
  await anna.page.waitForSelector("#level-row:not([hidden])");
  await anna.fits();
  await anna.knock();
  await anna.fits();
  const weber = await stage.person("Dr. Weber", { token: doctor(), context: small });
  await weber.join();
  await weber.fits();
  await weber.openPeople();
  await weber.decides("Message Anna Keller");
  await weber.fits();
  for (const person of [anna, weber]) assert.deepEqual(await person.nameless(), []);
  await weber.decides("Admit Anna Keller");
  await weber.sees(1);
  await weber.fits();
  await weber.page.click("#end-visit");
  await weber.fits();
}));
