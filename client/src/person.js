// One other person in the visit: what is known about them, and what an app gets to see of it.

/**
 * @import { Call } from "./call.js"
 * @import { Metadata, Role } from "./messages.js"
 * @import { Quality } from "./quality.js"
 */

/**
 * - connecting, connected, reconnecting: their picture and sound
 * - trouble: no route through the network was found
 * - present: there, but not to be called: they or you are an observer
 * - left
 *
 * @typedef {"connecting" | "connected" | "reconnecting" | "trouble" | "present" | "left"}
 *   PersonState
 */

/**
 * What a person sends; undefined until they said.
 *
 * @typedef {{ readonly mic?: boolean, readonly camera?: boolean, readonly screen?: boolean }}
 *   Sends
 */

/**
 * @typedef {object} PersonFields  never changes; the next state has another one
 * @property {string} peerId
 * @property {string} name
 * @property {Role} role
 * @property {PersonState} state
 * @property {MediaStream | null} stream
 * @property {boolean} moves  false: `stream` shows the last picture of a call that is interrupted
 * @property {Sends} media
 * @property {Quality | null} quality
 * @property {Metadata | undefined} metadata
 */

/** @typedef {Readonly<PersonFields>} Person */

/** The record behind a `Person`. */
export class Contact {
  peerId;
  name = "";
  /** @type {Role} */
  role = "guest";
  /** @type {Metadata | undefined} */
  metadata;
  /** Neither calls nor is called. */
  quiet = false;
  /**
   * Whether they have a seat; null: an offer came before the news of them.
   *
   * @type {boolean | null}
   */
  here = null;
  away = false;
  /** Lost their seat, and may be back at once. */
  expected = false;
  /** @type {number | undefined} */
  joinedAt;
  /** The last roster shows another page than the one before. */
  renewed = false;
  /** @type {Call | null} */
  call = null;
  /** The call before, shown until the new one connects. @type {Call | null} */
  previous = null;
  stuck = false;
  dials = 0;
  /** The version with which the caller of this call joined. */
  since = 0;
  /** Candidates whose offer is not here yet. @type {import("./call.js").CallMessage[]} */
  early = [];
  /** @type {Sends} */
  media = {};
  /** @type {Quality | null} */
  quality = null;

  /** @param {string} peerId */
  constructor(peerId) {
    this.peerId = peerId;
  }

  /** @returns {PersonState} */
  get state() {
    if (!this.here && !this.expected) return this.here === null ? "connecting" : "left";
    if (this.quiet) return this.away ? "reconnecting" : "present";
    if (this.stuck) return "trouble";
    if (this.away || this.expected || this.previous) return "reconnecting";
    const state = this.call?.state ?? "connecting";
    return state === "closed" ? "reconnecting" : state;
  }

  /** The new call once it is connected; until then the one before it, if there was one. */
  get shownCall() {
    return this.previous !== null && this.call?.state !== "connected" ? this.previous : this.call;
  }

  /**
   * Whether a message of the call with this id, or of any, is for our current call.
   *
   * @param {unknown} id
   */
  isOnCall(id) {
    return this.call !== null && (id === undefined || id === this.call.id);
  }

  /** @returns {Person} */
  snapshot() {
    const { peerId, name, role, state, media, metadata } = this;
    const call = this.shownCall;
    const moves = call?.state === "connected";
    const quality = moves ? this.quality : null;
    const stream = call?.stream ?? null;
    return Object.freeze(
      { peerId, name, role, state, stream, moves, media, quality, metadata },
    );
  }
}
