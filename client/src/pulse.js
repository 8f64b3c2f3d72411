// Pulse: signs of life, as often as the runtime needs them.

import { Timers } from "./timers.js";

const PROBE_LIMIT_MS = 5_000;
/** API Gateway ends a silent connection after 10 minutes. */
const LONGEST_SILENCE_MS = 9 * 60_000;
const SHORTEST_SILENCE_MS = 60_000;

export class Pulse {
  #timers = new Timers();
  #silenceMs = LONGEST_SILENCE_MS;
  #ping;
  #lost;

  /** @param {{ ping: () => void, lost: () => void }} act */
  constructor({ ping, lost }) {
    this.#ping = ping;
    this.#lost = lost;
  }

  /** @param {number} heartbeatSeconds */
  beatsEvery(heartbeatSeconds) {
    const wanted = Math.max(SHORTEST_SILENCE_MS, heartbeatSeconds * 1000);
    this.#silenceMs = Math.min(LONGEST_SILENCE_MS, wanted);
    this.spoke();
  }

  /** This client said something. */
  spoke() {
    this.#timers.after("silence", this.#silenceMs, () => this.probe());
  }

  /** The server said something. */
  heard() {
    this.#timers.cancel("probe");
    this.spoke();
  }

  /** Asks for a sign of life. Without one the connection is lost. */
  probe() {
    if (this.#timers.runs("probe")) return;
    this.#timers.after("probe", PROBE_LIMIT_MS, () => this.#lost());
    this.#ping();
  }

  stop() {
    this.#timers.clear();
  }
}
