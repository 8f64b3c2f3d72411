// Somebody goes to another page and back.
//
// Chromium keeps no page with a live camera or call in its back/forward cache
// (`notRestoredReasons` says "mediastream" and "rtc"), nor one whose request for the camera was
// refused ("video-capture"). Such a page is loaded anew. It does keep one with an open WebSocket.
// So the people here who come from the cache have no camera and no call: they are the first in the
// visit, or they wait.

import assert from "node:assert/strict";
import test from "node:test";
import { invitations } from "./invitations.js";
import { onStage } from "./stage.js";

const NO_DEVICES = { cameras: 0 };

test("who goes back to a visit with a call is in it again", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const [anna, weber] = [await stage.person("Anna"), await stage.person("Weber")];
  await weber.join();
  await anna.join();
  await weber.sees(1);
  const peerId = await anna.peerId();
  await goAway(anna);
  await goBack(anna);
  await anna.inVisit();
  assert.equal(await anna.peerId(), peerId);
  for (const person of [anna, weber]) await person.sees(1);
  for (const person of [anna, weber]) await person.receivesMedia();
  assert.deepEqual(await names(weber), ["Weber (you)", "Anna"]);
}));

test("a page from the back/forward cache is in its visit again, by itself", { timeout: 60_000 },
  () => onStage(NO_DEVICES, async (stage) => {
  const anna = await cachedPerson(stage, "Anna");
  await anna.join();
  const peerId = await anna.peerId();
  await goAway(anna);
  const weber = await stage.person("Weber"); // he comes while she is away
  await weber.join();
  await weber.seesPerson("Anna", "reconnecting");
  await goBack(anna, { fromCache: true });
  for (const [one, other] of [[anna, weber], [weber, anna]]) {
    await one.seesPerson(other.name, "connected");
    assert.equal(await one.page.locator("#tiles .tile:not(.self)").count(), 1);
  }
  assert.equal(await anna.peerId(), peerId);
  assert.ok(await anna.page.isHidden("#banner"));
  assert.deepEqual(await names(anna), ["Anna (you)", "Weber"]);
  assert.deepEqual(await names(weber), ["Weber (you)", "Anna"]);
  await anna.says("Here I am again.");
  await weber.hears("Anna", "Here I am again.");
}));

test("a page from the back/forward cache whose seat has ended joins again", { timeout: 60_000 },
  () => onStage({ ...NO_DEVICES, flags: ["--grace-seconds", "0"] }, async (stage) => {
  const anna = await cachedPerson(stage, "Anna");
  await anna.join();
  await goAway(anna);
  const weber = await stage.person("Weber");
  await weber.join();
  await weber.page.waitForFunction(() => {
    const here = document.querySelectorAll('#people li:not([data-state="left"])');
    return here.length === 1; // her seat is no more
  });
  await goBack(anna, { fromCache: true });
  for (const [one, other] of [[anna, weber], [weber, anna]]) {
    await one.seesPerson(other.name, "connected");
    assert.equal(await one.page.locator("#tiles .tile:not(.self)").count(), 1);
  }
}));

test("a page from the back/forward cache waits again where it waited", { timeout: 60_000 }, () => {
  const { flags, doctor, patient } = invitations();
  return onStage({ ...NO_DEVICES, flags }, async (stage) => {
    const weber = await stage.person("Dr. Weber", { token: doctor() });
    await weber.join();
    const anna = await cachedPerson(stage, "Anna Keller", { token: patient() });
    await anna.knock();
    await weber.seesWaiting("Anna Keller");
    await goAway(anna);
    await goBack(anna, { fromCache: true });
    await anna.page.fill("#wait-text", "I am back.");
    await anna.page.press("#wait-text", "Enter");
    await weber.openPeople();
    await weber.reads("#lobby-list", /I am back\./);
    assert.equal(await weber.page.locator("#lobby-list .person-name").count(), 1);
    await weber.decides("Admit Anna Keller");
    await anna.inVisit();
    await weber.seesPerson("Anna Keller", "connected");
    assert.deepEqual(await names(weber), ["Dr. Weber (you)", "Anna Keller"]);
  });
});

test("two pages of one visit in the history of a tab do not fight for the seat",
  { timeout: 60_000 }, () => onStage(NO_DEVICES, async (stage) => {
  const weber = await stage.person("Weber");
  const anna = await cachedPerson(stage, "Anna");
  await anna.join();
  const peerId = await anna.peerId();
  const visit = new URL(anna.page.url());
  visit.searchParams.set("lang", "fr");
  await anna.page.goto(visit.href); // the second page takes the first one's place
  await anna.inVisit();
  assert.equal(await anna.peerId(), peerId);
  await goBack(anna, { fromCache: true });
  await anna.inVisit();
  await weber.join();
  for (const [one, other] of [[anna, weber], [weber, anna]]) {
    await one.seesPerson(other.name, "connected");
    assert.equal(await one.page.locator("#tiles .tile:not(.self)").count(), 1);
  }
  assert.equal(await anna.page.getAttribute("html", "lang"), "en");
}));

// --- the tab ---

/** A person whose page counts how often it came from the cache. */
function cachedPerson(stage, name, options = {}) {
  const prepare = (page) => page.addInitScript(() => {
    window.timesRestored = 0;
    addEventListener("pageshow", ({ persisted }) => { if (persisted) window.timesRestored += 1; });
  });
  return stage.person(name, { ...options, prepare });
}

/** To another page of the same server. */
async function goAway({ page }) {
  await page.goto(new URL("check", page.url()).href);
}

/** A page that was restored is not loaded, so there is no event "load" to wait for. */
async function goBack({ page }, { fromCache = false } = {}) {
  await page.goBack({ waitUntil: "commit" });
  if (!fromCache) return;
  const refused = await page.evaluate(() => {
    const [{ notRestoredReasons }] = performance.getEntriesByType("navigation");
    return window.timesRestored === 1 ? null : JSON.stringify(notRestoredReasons);
  });
  assert.equal(refused, null, "the browser loaded the page anew");
}

function names({ page }) {
  return page.locator("#people .person-name").allTextContents();
}
