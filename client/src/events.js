// Emitter: typed events. `on` returns the function that stops listening, and takes an AbortSignal.

/**
 * @typedef {{ readonly signal?: AbortSignal | undefined }} ListenOptions
 */

/** @template {object} Events  from the name of an event to what comes with it */
export class Emitter {
  /** @type {Map<keyof Events, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} Type
   * @param {Type} type
   * @param {(detail: Events[Type]) => void} listener
   * @param {ListenOptions} [options]
   * @returns {() => void} stops listening
   */
  on(type, listener, { signal } = {}) {
    if (signal?.aborted) return () => {};
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    // One function that listens twice is two listeners.
    const own = (/** @type {Events[Type]} */ detail) => listener(detail);
    listeners.add(own);
    const stop = () => {
      listeners.delete(own);
      signal?.removeEventListener("abort", stop);
    };
    signal?.addEventListener("abort", stop, { once: true });
    return stop;
  }

  /**
   * @template {keyof Events} Type
   * @param {Type} type
   * @param {Events[Type]} detail
   */
  emit(type, detail) {
    for (const listener of [...this.#listeners.get(type) ?? []]) {
      try {
        listener(detail);
      } catch (error) {
        reportLater(error);
      }
    }
  }
}

/**
 * A listener that fails is its owner's problem, and no other listener's.
 * @param {unknown} error
 */
function reportLater(error) {
  queueMicrotask(() => { throw error; });
}
