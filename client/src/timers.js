/** Timers cannot run for longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Timers with names; one that is set again starts over. */
export class Timers {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #running = new Map();

  /** @param {string} name @param {number} ms @param {() => void} act */
  after(name, ms, act) {
    this.cancel(name);
    this.#running.set(name, setTimeout(() => {
      this.#running.delete(name);
      act();
    }, Math.min(ms, LONGEST_TIMER_MS)));
  }

  /** @param {string} name */
  runs(name) {
    return this.#running.has(name);
  }

  /** @param {string} name */
  cancel(name) {
    clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  clear() {
    for (const timer of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }
}
