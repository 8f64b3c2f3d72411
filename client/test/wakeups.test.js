// Moments at which a connection may have died without a word.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { watchWakeups } from "../src/wakeups.js";

const names = ["document", "navigator", "addEventListener"];
const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
let page;
let told;
let stop;

beforeEach(() => {
  const [window, document, connection] = [new EventTarget(), new EventTarget(), new EventTarget()];
  document.hidden = false;
  page = { window, document, connection, navigator: { onLine: true, connection } };
  const values = {
    document, navigator: page.navigator, addEventListener: window.addEventListener.bind(window),
  };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  told = [];
  stop = new AbortController();
  const tell = Object.fromEntries(
    ["awake", "offline", "frozen", "closing"].map((name) => [name, () => told.push(name)]),
  );
  watchWakeups(tell, stop.signal);
});
afterEach(() => {
  for (const [name, was] of before) {
    if (was) Object.defineProperty(globalThis, name, was);
    else delete globalThis[name];
  }
});

const happen = (target, type, more = {}) => (
  target.dispatchEvent(Object.assign(new Event(type), more)));

test("every way to come back is noticed", () => {
  happen(page.window, "online");
  happen(page.document, "visibilitychange");
  happen(page.window, "pageshow", { persisted: true }); // alone, from the back/forward cache
  happen(page.connection, "change");
  assert.deepEqual(told, ["awake", "awake", "awake", "awake"]);
});

test("a page that is loaded, hidden or offline is not awake", () => {
  happen(page.window, "pageshow", { persisted: false });
  page.document.hidden = true;
  happen(page.document, "visibilitychange");
  page.document.hidden = false;
  page.navigator.onLine = false;
  happen(page.connection, "change");
  happen(page.window, "offline");
  assert.deepEqual(told, ["offline"]);
});

test("a page that goes says good-bye, and is frozen if the browser wants to keep it", () => {
  happen(page.window, "pagehide", { persisted: false });
  assert.deepEqual(told, ["closing"]);
  happen(page.window, "pagehide", { persisted: true });
  assert.deepEqual(told, ["closing", "closing", "frozen"]);
});

test("it stops with its signal", () => {
  stop.abort();
  happen(page.window, "online");
  happen(page.document, "visibilitychange");
  assert.deepEqual(told, []);
});
