// Renewal: gets a newer token before the seat's time is over.

import { Code, VisioError } from "./errors.js";
import { LONGEST_TIMER_MS, Timers } from "./timers.js";

/** A pause after a token could not be got. */
const AGAIN_MS = 15_000;

export class Renewal {
  #timers = new Timers();
  #tokens;
  #send;
  #failed;

  /**
   * @param {object} options
   * @param {import("./token.js").Tokens} options.tokens
   * @param {(message: import("./messages.js").Renew) => void} options.send
   * @param {(error: VisioError) => void} options.failed
   */
  constructor({ tokens, send, failed }) {
    this.#tokens = tokens;
    this.#send = send;
    this.#failed = failed;
  }

  /** At four fifths of the time that is left. @param {number | undefined} expiresAt */
  plan(expiresAt) {
    if (expiresAt === undefined || !this.#tokens.renewable) return;
    const left = expiresAt - Date.now();
    if (left > 0 && left < LONGEST_TIMER_MS) {
      this.#timers.after("renew", left * 0.8, () => this.#renew());
    }
  }

  stop() {
    this.#timers.clear();
  }

  async #renew() {
    // Runs out if nothing comes of this, and is stopped with everything else.
    this.#timers.after("renew", AGAIN_MS, () => this.#renew());
    try {
      const token = await this.#tokens.fresh("renew");
      if (!this.#timers.runs("renew")) return;
      this.#timers.clear();
      if (token) this.#send({ type: "renew", token, requestId: "renew" });
    } catch (error) {
      if (!this.#timers.runs("renew")) return;
      this.#failed(new VisioError(Code.Token, `no token: ${error}`));
    }
  }
}
