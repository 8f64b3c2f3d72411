// Handover: a fresh connection takes the place of the one in use before that ends, so that this
// client is never without one.
//
// 1. The fresh connection opens, while everything goes over the old one.
// 2. Nothing is said for a moment, and the old one answers a last ping. So everything that was said
//    on it has been handled, also where messages are handled in parallel, as on API Gateway.
// 3. The fresh one joins with the resume token. What the old one says after that is kept, because a
//    server that counts frames says it again on the fresh one.
// 4. The server answers on the fresh one, and closes the old one, which has lost its seat to it.
//
// If anything of this fails, the old connection stays in use.

import { closeOnceLeft } from "./leave.js";
import { parse } from "./frames.js";
import { Timers } from "./timers.js";

/**
 * @import { ClientMessage } from "./messages.js"
 * @import { Token } from "./token.js"
 */

const LIMIT_MS = 10_000;
const PONG_LIMIT_MS = 2_000;
/** On API Gateway a message may need this long, if a function has to start for it. */
const QUIET_MS = 1_000;

/** The last ping on the old connection. API Gateway itself answers one without a `requestId`. */
const LAST_PING = Object.freeze({ type: "ping", requestId: "handover" });

const PLACES = new Set(["joined", "waiting"]);

export class Handover {
  #fresh;
  #steps;
  #timers = new Timers();
  /** @type {"opening" | "pinging" | "joining" | "over"} */
  #stage = "opening";
  #oldEnded = false;
  /** @type {Token} */
  #token;
  #saidAt;
  /** What was said since the last ping. @type {ClientMessage[]} */
  #unsaid = [];
  /** What the old connection said since the join. @type {string[]} */
  #unheard = [];
  /** What the fresh one said before its answer. @type {string[]} */
  #early = [];

  /**
   * @param {WebSocket} fresh  about to open
   * @param {number} saidAt  when something was last said on the old connection
   * @param {object} steps
   * @param {() => Promise<Token>} steps.token
   * @param {(ping: ClientMessage) => boolean} steps.ping  on the old connection
   * @param {(token: Token) => string} steps.join  the text of the join
   * @param {(handover: Handover, answer: string) => void} steps.done  it has the place
   * @param {(handover: Handover) => void} steps.failed
   */
  constructor(fresh, saidAt, steps) {
    this.#fresh = fresh;
    this.#saidAt = saidAt;
    this.#steps = steps;
    fresh.onopen = () => this.#opened();
    fresh.onmessage = ({ data }) => this.#answered(data);
    fresh.onclose = () => this.#fail();
    this.#timers.after("limit", LIMIT_MS, () => this.#fail());
  }

  /** Whether this message waits for the fresh connection. @param {ClientMessage} message */
  holds(message) {
    if (this.#stage === "opening") this.#saidAt = Date.now();
    else this.#unsaid.push(message);
    return this.#stage !== "opening";
  }

  /** Whether a frame of the old connection is not to be handled now. @param {string} text */
  keeps(text) {
    const kept = this.#stage === "joining";
    if (kept) this.#unheard.push(text);
    return kept;
  }

  /** The old connection has answered a ping. @param {string | undefined} requestId */
  ponged(requestId) {
    if (this.#stage === "pinging" && requestId === LAST_PING.requestId) this.#join();
  }

  /** The old connection ended too soon. */
  oldEnded() {
    this.#oldEnded = true;
    if (this.#stage === "pinging") this.#join();
  }

  /** It is over. Returns the fresh connection, and what waits on both sides. */
  end() {
    this.#stage = "over";
    this.#timers.clear();
    const [unsaid, unheard, early] = [this.#unsaid, this.#unheard, this.#early];
    return { fresh: this.#fresh, unsaid, unheard, early };
  }

  /** The old connection stays. Returns what waits on both sides. */
  cancel() {
    const rest = this.end();
    rest.fresh.close(1000, "stay");
    return rest;
  }

  /** The person leaves. Nobody can tell whether the fresh connection has the seat by now. */
  leave() {
    if (this.#stage !== "joining") return this.cancel();
    this.#fresh.send(JSON.stringify({ type: "leave" }));
    closeOnceLeft(this.#fresh);
    return this.end();
  }

  async #opened() {
    try {
      this.#token = await this.#steps.token();
    } catch {
      return this.#fail();
    }
    if (this.#stage !== "opening") return;
    this.#stage = "pinging";
    const quietIn = this.#saidAt + QUIET_MS - Date.now();
    if (quietIn > 0 && !this.#oldEnded) this.#timers.after("quiet", quietIn, () => this.#ping());
    else this.#ping();
  }

  #ping() {
    this.#timers.after("pong", PONG_LIMIT_MS, () => this.#join());
    if (this.#oldEnded || !this.#steps.ping(LAST_PING)) this.#join();
  }

  #join() {
    this.#timers.cancel("quiet");
    this.#timers.cancel("pong");
    this.#stage = "joining";
    this.#fresh.send(this.#steps.join(this.#token));
  }

  /** @param {string} text */
  #answered(text) {
    const { type } = parse(text) ?? {};
    if (PLACES.has(type)) this.#steps.done(this, text);
    else if (type === "error") this.#fail();
    // On API Gateway, what others do next may overtake the answer.
    else this.#early.push(text);
  }

  #fail() {
    if (this.#stage !== "over") this.#steps.failed(this);
  }
}
