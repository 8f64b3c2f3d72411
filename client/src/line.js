// Line: the one socket in use, and the change to a fresh one before its time is over.

import { Code } from "./errors.js";
import { parse } from "./frames.js";
import { Handover } from "./handover.js";
import { closeOnceLeft } from "./leave.js";
import { Timers } from "./timers.js";

/**
 * @import { ClientMessage } from "./messages.js"
 * @import { Token } from "./token.js"
 */

/** A close without a word. */
const LOST = 1006;
const REPLACED = 4009;

/**
 * How long a join may be handled after its socket was given up. The server ends a connection that
 * has no seat after 30 seconds, and API Gateway a request after 29.
 */
const LATE_JOIN_MS = 30_000;

/** How long a socket that was left may still bring what was on its way. */
const LINGER_MS = 2_000;

/** Clients that came together move one by one: of 110 minutes, up to 5 minutes later. */
const LIFETIME_SPREAD = 1 / 22;
const MOVE_AGAIN_MS = 15_000;

/**
 * What a line tells its owner, and asks of it for a move.
 *
 * @typedef {object} Owner
 * @property {(still: () => boolean) => void} opened  `still`: whether this socket is in use
 * @property {(text: string) => void} heard
 * @property {(end: { code: number, reason: string }) => void} closed
 * @property {() => Promise<Token>} token
 * @property {(ping: ClientMessage) => boolean} ping  says this over the socket in use
 * @property {(token: Token) => string} join  the text of the join on a fresh socket
 * @property {(answer: string) => void} moved  to a fresh socket, on which this was heard
 * @property {(text: string) => void} late  heard on the socket before that
 * @property {(message: ClientMessage) => void} unsaid  waited for the end of a move
 */

export class Line {
  #dial;
  #lifetimeMs;
  #owner;
  #timers = new Timers();
  /** @type {WebSocket | null} */
  #socket = null;
  /** While a fresh socket is about to take its place. @type {Handover | null} */
  #handover = null;
  /** What the socket in use came to. @type {"silent" | "asked" | "placed"} */
  #stage = "silent";
  /**
   * Until when another socket of this same client may take the seat: a fresh one that has asked for
   * it, or one that was given up before an answer came. That is no reason to end.
   */
  #rivalUntil = 0;
  /** When something was last said, but for pings. */
  #saidAt = 0;

  /**
   * @param {() => WebSocket} dial
   * @param {number} lifetimeMs
   * @param {Owner} owner
   */
  constructor(dial, lifetimeMs, owner) {
    this.#dial = dial;
    this.#lifetimeMs = lifetimeMs;
    this.#owner = owner;
  }

  get isUsed() { return this.#socket !== null; }

  get isOpen() { return this.#socket?.readyState === 1; }

  open() {
    const socket = this.#dial();
    socket.onopen = () => this.#owner.opened(() => this.#socket === socket);
    this.#use(socket);
  }

  /**
   * Whether this message, which is about to be sent, waits for the fresh socket. A ping is about
   * the one in use.
   *
   * @param {ClientMessage} message
   */
  holds(message) {
    if (message.type === "ping") return false;
    this.#saidAt = Date.now();
    return this.#handover?.holds(message) ?? false;
  }

  /** @param {string} text */
  send(text) {
    if (this.#stage === "silent") this.#stage = "asked";
    this.#socket?.send(text);
  }

  /** A ping was answered. @param {string | undefined} requestId */
  ponged(requestId) {
    this.#handover?.ponged(requestId);
  }

  /** The server has given it a place, or another one. From the first on its time counts. */
  placed() {
    if (this.#stage === "placed") return;
    this.#stage = "placed";
    const lifetimeMs = this.#lifetimeMs * (1 + Math.random() * LIFETIME_SPREAD);
    this.#timers.after("lifetime", lifetimeMs, () => this.#move());
  }

  /** Lets go of every socket. @param {string} reason */
  drop(reason) {
    const [socket, handover] = [this.#socket, this.#handover];
    if (this.#stage === "asked") this.#expectRival();
    this.#timers.clear();
    this.#handover = null;
    this.#socket = null;
    socket?.close(1000, reason);
    if (handover) this.#sayAll(handover.cancel().unsaid);
  }

  /** A `leave` comes next: nothing is moved any more. */
  stay() {
    const handover = this.#handover;
    this.#handover = null;
    if (handover) this.#sayAll(handover.leave().unsaid);
  }

  /** After a `leave` on this socket. */
  closeOnceLeft() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) closeOnceLeft(socket);
  }

  /** @param {WebSocket} socket */
  #use(socket) {
    this.#socket = socket;
    this.#stage = "silent";
    this.#timers.clear();
    // A socket that was given up may still deliver messages; only the current one counts.
    socket.onmessage = ({ data }) => { if (this.#socket === socket) this.#hear(data); };
    socket.onclose = (end) => { if (this.#socket === socket) this.#closed(end); };
  }

  /** @param {string} text */
  #hear(text) {
    if (this.#handover?.keeps(text)) return;
    if (this.#hasRival && parse(text)?.code === Code.Replaced) this.#closed({ code: REPLACED });
    else this.#owner.heard(text);
  }

  #expectRival() {
    this.#rivalUntil = Date.now() + LATE_JOIN_MS;
  }

  get #hasRival() { return Date.now() < this.#rivalUntil; }

  /** @param {{ code: number, reason?: string }} end */
  #closed({ code, reason = "" }) {
    if (this.#hasRival && code === REPLACED) code = LOST;
    if (this.#handover && code < 4000) this.#handover.oldEnded();
    else this.#owner.closed({ code, reason });
  }

  // --- the change ---

  #move() {
    this.#handover = new Handover(this.#dial(), this.#saidAt, {
      token: () => this.#owner.token(),
      ping: (ping) => this.#owner.ping(ping),
      join: (token) => {
        this.#expectRival();
        return this.#owner.join(token);
      },
      done: (handover, answer) => this.#moved(handover, answer),
      failed: (handover) => this.#stayed(handover),
    });
  }

  /** @param {Handover} handover @param {string} answer */
  #moved(handover, answer) {
    const { fresh, unsaid, unheard, early } = handover.end();
    this.#handover = null;
    this.#rivalUntil = 0;
    // A server that counts frames says again what came after our count.
    const counts = parse(answer).received !== undefined;
    const late = counts ? () => {} : this.#owner.late;
    unheard.forEach(late);
    if (this.#socket) letGo(this.#socket, late);
    this.#use(fresh);
    this.#owner.moved(answer);
    for (const text of early) this.#owner.heard(text);
    this.#sayAll(unsaid);
  }

  /** @param {Handover} handover */
  #stayed(handover) {
    const { unsaid, unheard } = handover.cancel();
    this.#handover = null;
    this.#timers.after("lifetime", MOVE_AGAIN_MS, () => this.#move());
    for (const text of unheard) this.#hear(text);
    if (this.#socket && !this.isOpen) this.#owner.closed({ code: LOST, reason: "" });
    this.#sayAll(unsaid);
  }

  /** @param {readonly ClientMessage[]} messages */
  #sayAll(messages) {
    for (const message of messages) this.#owner.unsaid(message);
  }
}

/**
 * Closes a socket that has lost its seat to another one, unless the server does.
 *
 * @param {WebSocket} old
 * @param {(text: string) => void} late
 */
function letGo(old, late) {
  const timer = setTimeout(() => old.close(1000, "moved"), LINGER_MS);
  old.onmessage = ({ data }) => late(data);
  old.onclose = () => clearTimeout(timer);
}
