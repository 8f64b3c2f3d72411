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

const KEY = "visio.baton";
/** After this long a restored tab asks again instead of joining the visit by itself. */
const FRESH_MS = 60_000;

export class Identity {
  #session;

  constructor() {
    this.#session = pickUp() ?? {};
    this.#session.peerId ??= `p-${randomId(16)}`;
    addEventListener("pagehide", () => this.#layDown());
    addEventListener("pageshow", (event) => { if (event.persisted) pickUp(); });
  }

  get peerId() {
    return this.#session.peerId;
  }

  /** The visit this tab was in when it was reloaded, or null. */
  get interruptedVisit() {
    const { visit, at } = this.#session;
    return visit && Date.now() - at < FRESH_MS ? visit : null;
  }

  /** Remembers `{roomId, displayName, mic, camera}` for a reload; null once the visit is left. */
  remember(visit) {
    this.#session.visit = visit;
  }

  #layDown() {
    const baton = { ...this.#session, at: Date.now() };
    ignoreRefusal(() => sessionStorage.setItem(KEY, JSON.stringify(baton)));
  }
}

/**
 * `length` characters that nobody can guess: in open mode, anybody who knows an id can take its
 * seat.
 */
export function randomId(length) {
  const alphabet = "abcdefghijkmnopqrstuvwxyz234567890"; // no l and 1, they look alike
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

function pickUp() {
  return ignoreRefusal(() => {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return JSON.parse(text);
  });
}

/** Storage may be blocked; then a reload is a new person, and nothing else breaks. */
function ignoreRefusal(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
