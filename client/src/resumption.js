// What a client keeps so that nothing it sends is lost with its connection.
//
// Both sides count the text frames of a connection. So when the seat is resumed, each side knows
// which of its frames the other never took, and sends exactly those again.

/** @import { ClientMessage, Peers } from "./messages.js" */

/** Frames kept for that. A browser holds a dead socket for much less than this. */
const KEPT = 256;
/** Messages kept for each peer that is away. */
const KEPT_FOR_PEER = 64;
/** Messages that wait for a seat. */
const UNSENT = 256;

/** What people wrote is of use to another page of the receiver. Everything else is about a call. */
const WRITTEN = new Set(["chat", "private_message"]);

/** @typedef {ClientMessage & { readonly to?: string, readonly [field: string]: any }} Message */

/** The frames of one connection. The `join` is not counted on either side. */
export class FrameCount {
  /** How many frames came since the last `joined`. */
  received = 0;
  #sent = 0;
  /** @type {Message[]} */
  #kept = [];

  /** @param {Message} message */
  sent(message) {
    this.#sent += 1;
    keep(this.#kept, message, KEPT);
  }

  /**
   * The messages after the first `taken`, which is how many the server took. A server that does
   * not count, as on API Gateway, says nothing; then there are none. A `ping` is left out: it only
   * asked about the connection that was lost.
   */
  notTaken(taken = this.#sent) {
    const missing = this.#sent - taken;
    const frames = missing > 0 ? this.#kept.slice(-missing) : [];
    return frames.filter(({ type }) => type !== "ping");
  }
}

/** Which page of each peer was on the last roster: when it took its seat. */
export class Pages {
  /** @type {Map<string, number>} */
  #joinedAt = new Map();

  /** @param {string | undefined} peerId */
  of(peerId) {
    return peerId === undefined ? undefined : this.#joinedAt.get(peerId);
  }

  /** @param {Peers} peers */
  follow(peers) {
    this.#joinedAt = new Map(peers.map(({ peerId, joinedAt }) => [peerId, joinedAt]));
  }

  /**
   * Whether the page that this message was meant for is on this roster, the next one.
   *
   * @param {{ readonly to?: string }} message
   * @param {Peers} peers
   */
  hasReceiver({ to }, peers) {
    if (to === undefined) return true;
    const peer = peers.find(({ peerId }) => peerId === to);
    return peer !== undefined && peer.joinedAt === this.#joinedAt.get(to);
  }

  clear() {
    this.#joinedAt.clear();
  }
}

/** Messages from the time without a seat. They go out with the next one. */
export class Unsent {
  /** @type {Message[]} */
  #messages = [];

  get size() {
    return this.#messages.length;
  }

  /** False: there are too many already. @param {Message} message */
  add(message) {
    if (this.#messages.length >= UNSENT) return false;
    this.#messages.push(message);
    return true;
  }

  /**
   * The messages that are still of use in this seat, or in this place in the lobby. `pages` are
   * those of before.
   *
   * @param {{ resumed: boolean, peers: Peers }} seat
   * @param {Pages} pages
   */
  due({ resumed, peers }, pages) {
    return this.#messages.splice(0).filter(
      (message) => WRITTEN.has(message.type) || (resumed && pages.hasReceiver(message, peers)),
    );
  }

  clear() {
    this.#messages = [];
  }
}

/**
 * Messages that the server refused because their receiver is away, and no more could wait for it.
 * Each goes out again once that peer is back. A peer that joined anew is another page, and what was
 * meant for the one before would only confuse it.
 */
export class Refused {
  #pages;
  /** @type {Map<string, Message>} */
  #recent = new Map();
  /** @type {Map<string, Message[]>} */
  #waiting = new Map();
  #number = 0;

  constructor(pages = new Pages()) {
    this.#pages = pages;
  }

  /**
   * `message` with a `requestId`, by which a refusal names it.
   *
   * @template {Message} M
   * @param {M} message
   * @returns {M}
   */
  number(message) {
    const relayed = message.to !== undefined || message.type === "chat";
    if (!relayed || message.requestId !== undefined) return message;
    this.#number += 1;
    const requestId = `m${this.#number}`;
    this.#recent.set(requestId, message);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > KEPT && oldest !== undefined) this.#recent.delete(oldest);
    return { ...message, requestId };
  }

  /**
   * Takes a `peer_away` error. False: it is not about a message that was numbered here.
   *
   * @param {{ readonly to?: string | undefined, readonly requestId?: string | undefined }} error
   */
  take({ to, requestId }) {
    const message = requestId === undefined ? undefined : this.#recent.get(requestId);
    if (!message || to === undefined) return false;
    const waiting = this.#waiting.get(to) ?? [];
    this.#waiting.set(to, waiting);
    // What was said to all has reached the others already.
    const again = message.to === undefined ? { ...message, to, toAll: true } : message;
    keep(waiting, /** @type {Message} */ (again), KEPT_FOR_PEER);
    return true;
  }

  /** Takes the roster. Returns the messages for those who are back. @param {Peers} peers */
  due(peers) {
    /** @type {Message[]} */
    const due = [];
    for (const [peerId, messages] of this.#waiting) {
      const peer = peers.find((one) => one.peerId === peerId);
      const same = this.#pages.hasReceiver({ to: peerId }, peers);
      if (same && peer?.away) continue;
      if (same) due.push(...messages);
      this.#waiting.delete(peerId);
    }
    this.#pages.follow(peers);
    return due;
  }

  /**
   * The server dropped what waited for this peer, so what came after it is of no use either.
   * @param {string} peerId
   */
  forget(peerId) {
    this.#waiting.delete(peerId);
  }

  clear() {
    this.#pages.clear();
    this.#recent.clear();
    this.#waiting.clear();
  }
}

/**
 * Adds to a list that drops its oldest.
 *
 * @template T
 * @param {T[]} list @param {T} item @param {number} limit
 */
function keep(list, item, limit) {
  list.push(item);
  if (list.length > limit) list.shift();
}
