// Order. API Gateway may deliver what one peer sends in another order, or twice, and does not say
// what was lost. So every message to other peers has a number, `seq`, in a series that the sender
// names, `run`. What comes too early is kept until the messages before it are here. If they do not
// come in time, the rest goes on without them, and the gap is named.
//
// Messages without these fields come from other clients, and pass as they come.

import { randomId } from "./random.js";

/** How long a message waits for the ones before it. */
const PATIENCE_MS = 2_000;
/** Messages kept of one series while others are missing. */
const KEPT = 128;
/** Numbers of one series that were given up, and may still come. */
const LOST_KEPT = 256;
/** Series that are known at once. Every page of a peer has two at least. */
const SERIES = 256;

/** @typedef {{ readonly [field: string]: any }} Message */

/** Numbers what this client sends: one series for each page of a peer, and one for all. */
export class Outgoing {
  /** @type {Map<string | null, { run: string, seq: number, page: number | undefined }>} */
  #series = new Map();

  /**
   * `message` with its number. `page` changes when the receiver is another page.
   *
   * @template {Message} M
   * @param {M} message
   * @param {number | undefined} page
   * @returns {M}
   */
  number(message, page) {
    if (message.seq !== undefined) return message;
    const to = message.to ?? message.targetUserId ?? null;
    const series = this.#of(to, page);
    series.seq += 1;
    return { ...message, run: series.run, seq: series.seq };
  }

  /** This client is a new page to everybody. */
  clear() {
    this.#series.clear();
  }

  /** @param {string | null} to @param {number | undefined} page */
  #of(to, page) {
    const known = this.#series.get(to);
    if (known && known.page === page) return known;
    const fresh = { run: randomId(6), seq: 0, page };
    this.#series.set(to, fresh);
    return fresh;
  }
}

/** Puts what others send in order. */
export class Incoming {
  /** @type {Map<string, Series>} */
  #series = new Map();
  #deliver;
  #gap;

  /**
   * @param {object} options
   * @param {(message: any) => void} options.deliver
   * @param {(gap: { from: string, missing: readonly number[] }) => void} options.gap
   */
  constructor({ deliver, gap }) {
    this.#deliver = deliver;
    this.#gap = gap;
  }

  /** @param {Message} message */
  take(message) {
    const { from, run, seq } = message;
    if (typeof run !== "string" || !Number.isSafeInteger(seq)) return this.#deliver(message);
    this.#of(from, run, message).take(seq, message);
  }

  /** Nothing that waits is delivered any more. */
  clear() {
    for (const series of this.#series.values()) series.clear();
    this.#series.clear();
  }

  /** @param {string} from @param {string} run @param {Message} message */
  #of(from, run, message) {
    const key = `${from} ${run}`;
    const known = this.#series.get(key);
    if (known) return known;
    // A series for all was begun before we came. One for us begins with its first message.
    const first = message.to === undefined || message.toAll ? message.seq : 1;
    const gap = (/** @type {number[]} */ missing) => this.#gap({ from, missing });
    const series = new Series(first, this.#deliver, gap);
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > SERIES && oldest !== undefined) {
      this.#series.get(oldest)?.clear();
      this.#series.delete(oldest);
    }
    return series;
  }
}

/** One series of one sender. */
class Series {
  /** The number that comes next. */
  #next;
  #deliver;
  #gap;
  /** What came too early. @type {Map<number, Message>} */
  #early = new Map();
  /** What was given up. @type {Set<number>} */
  #lost = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {number} first
   * @param {(message: Message) => void} deliver
   * @param {(missing: number[]) => void} gap
   */
  constructor(first, deliver, gap) {
    this.#next = first;
    // What was said before we came does not come. But the first two we get may have changed places.
    for (let seq = Math.max(1, first - LOST_KEPT); seq < first; seq += 1) this.#lost.add(seq);
    this.#deliver = deliver;
    this.#gap = gap;
  }

  /** @param {number} seq @param {Message} message */
  take(seq, message) {
    if (seq < this.#next) {
      if (this.#lost.delete(seq)) this.#deliver(message); // late, and better than never
      return;
    }
    this.#early.set(seq, message);
    if (this.#early.size > KEPT) this.#skip();
    this.#pass();
  }

  clear() {
    clearTimeout(this.#timer);
    this.#early.clear();
  }

  /** Delivers what is in order now. */
  #pass() {
    clearTimeout(this.#timer);
    for (let due = this.#early.get(this.#next); due; due = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#deliver(due);
    }
    if (this.#early.size > 0) this.#timer = setTimeout(() => this.#giveUp(), PATIENCE_MS);
  }

  #giveUp() {
    this.#skip();
    this.#pass();
  }

  /** Goes on with the earliest message that is here. */
  #skip() {
    const here = Math.min(...this.#early.keys());
    const missing = [];
    // A number far ahead is a sender's mistake, and not worth a list.
    for (let seq = Math.max(this.#next, here - LOST_KEPT); seq < here; seq += 1) missing.push(seq);
    for (const seq of missing) this.#lost.add(seq);
    for (const seq of this.#lost) if (this.#lost.size > LOST_KEPT) this.#lost.delete(seq);
    this.#next = here;
    if (missing.length > 0) this.#gap(missing);
  }
}
