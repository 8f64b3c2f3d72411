// Who waits in the lobby, as a host knows it.
//
// News of the lobby can overtake each other, and each has the version of the room that it is of.
// The latest list counts, with those who have knocked since.

/** @import { Knock, Knocker } from "./messages.js" */

export class Lobby {
  #version = 0;
  /** @type {readonly Knocker[]} */
  #listed = [];
  /** @type {Map<string, Knock>} */
  #knocks = new Map();

  /** @param {{ version: number, waiting: readonly Knocker[] }} lobby */
  list({ version, waiting }) {
    if (version < this.#version) return;
    [this.#version, this.#listed] = [version, waiting];
    for (const [peerId, knock] of this.#knocks) {
      if (knock.version <= version) this.#knocks.delete(peerId);
    }
  }

  /** @param {Knock} knock */
  knock(knock) {
    if (knock.version > this.#version) this.#knocks.set(knock.peerId, knock);
  }

  /** All who wait. @returns {readonly Knocker[]} */
  get waiting() {
    const listed = this.#listed.filter(({ peerId }) => !this.#knocks.has(peerId));
    const knocked = [...this.#knocks.values()].map(({ peerId, displayName, since }) => (
      { peerId, since, ...(displayName !== undefined && { displayName }) }));
    return [...listed, ...knocked];
  }
}
