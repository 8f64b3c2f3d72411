// The identity of this tab, across reloads.
//
// The peer id survives a reload, so that the server and the others see the same person come back. A
// duplicated tab copies the session storage too, and must not take the seat from the first one. So
// a live page holds the id only in memory, and stores it in `pagehide`. The next page of this tab
// picks it up and removes it. A copy of a live tab finds nothing and is a new person. (A tab that
// was killed without `pagehide` is a new person as well; its old seat ends after the grace time.)
//
// The resume token of the seat is not stored. It says that everything is as it was, and a reloaded
// page has lost its calls. So that page joins under the same peer id, as a new page of the same
// person, and the calls are made anew.

import { randomId } from "./random.js";

const KEY = "visio.baton";
/** After this long a restored tab asks again instead of joining the visit by itself. */
const FRESH_MS = 60_000;

/**
 * What a page remembers of its visit for a reload.
 * @typedef {{ roomId: string, displayName: string, mic: boolean, camera: boolean }} Remembered
 */

export class TabIdentity {
  /** @type {{ peerId: string, visit?: Remembered | null, at?: number }} */
  #session;

  constructor() {
    const before = pickUp();
    this.#session = { ...before, peerId: before?.peerId ?? `p-${randomId(16)}` };
    addEventListener("pagehide", () => this.#layDown());
    addEventListener("pageshow", (event) => { if (event.persisted) pickUp(); });
  }

  get peerId() {
    return this.#session.peerId;
  }

  /** The visit this tab was in when it was reloaded, or null. */
  get interruptedVisit() {
    const { visit, at = 0 } = this.#session;
    return visit && Date.now() - at < FRESH_MS ? visit : null;
  }

  /** Remembers the visit for a reload; null once it is left. @param {Remembered | null} visit */
  remember(visit) {
    this.#session.visit = visit;
  }

  #layDown() {
    const baton = { ...this.#session, at: Date.now() };
    ignoreRefusal(() => sessionStorage.setItem(KEY, JSON.stringify(baton)));
  }
}

function pickUp() {
  return ignoreRefusal(() => {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return text === null ? null : JSON.parse(text);
  });
}

/**
 * Storage may be blocked; then a reload is a new person, and nothing else breaks.
 *
 * @template T
 * @param {() => T} action
 * @returns {T | null}
 */
function ignoreRefusal(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
