// The lines that people wrote to each other, in the visit and in its waiting room.

/**
 * @import { ServerMessage } from "./messages.js"
 * @import { ChatLine } from "./visit-state.js"
 */

/** Lines that are kept. */
const KEPT = 500;

export class ChatLog {
  /** @type {readonly ChatLine[]} */
  lines = Object.freeze([]);
  #last = 0;

  /** @param {Omit<ChatLine, "id">} line */
  add(line) {
    this.#last += 1;
    const kept = Object.freeze({ id: this.#last, ...line });
    this.lines = Object.freeze([...this.lines, kept].slice(-KEPT));
    return kept;
  }

  /**
   * What waited is sent, or will never be.
   * @param {"sent" | "unsent"} status
   */
  settle(status) {
    if (!this.lines.some((line) => line.status === "waiting")) return;
    this.lines = Object.freeze(this.lines.map(
      (line) => (line.status === "waiting" ? Object.freeze({ ...line, status }) : line),
    ));
  }
}

/**
 * What a message says, if it is one that a person wrote.
 *
 * @param {ServerMessage} message
 */
export function readChat(message) {
  if (message.type !== "chat" && message.type !== "private_message") return null;
  const { type, from, message: text, to, toAll, sentAt } = /** @type {any} */ (message);
  if (typeof text !== "string") return null;
  // What was said to all while we were away may come to us alone.
  const direct = type === "private_message" || (to !== undefined && !toAll);
  const at = !direct && typeof sentAt === "number" ? sentAt : Date.now();
  return { from: String(from), text, direct, at };
}
