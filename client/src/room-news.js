// News of the room. Every message holds the whole room and its version, so the newest one counts.
//
// On API Gateway, news of what others do next may overtake the answer to a `join`. Such news waits
// for the answer: otherwise somebody who has just left would be here again.

/** @import { RoomMessage } from "./signaling-events.js" */

export class RoomNews {
  version = 0;
  /** The newest that came before there was a place. @type {RoomMessage | null} */
  #early = null;

  /**
   * What counts now, in order. `placed`: whether there was a place when it came.
   *
   * @param {RoomMessage} message
   * @param {boolean} placed
   * @returns {RoomMessage[]}
   */
  take(message, placed) {
    const joined = message.type === "joined";
    if (!joined && !placed) {
      if (message.version > (this.#early?.version ?? 0)) this.#early = message;
      return [];
    }
    // `joined` always counts, whatever its version: a restarted server counts from one again.
    if (!joined && message.version <= this.version) return [];
    this.version = Math.max(this.version, message.version);
    const early = this.#early;
    this.#early = null;
    return early ? [message, ...this.take(early, true)] : [message];
  }
}
