// What a client keeps so that it can resume its seat after its connection was lost.
//
// Both sides count the text frames of a connection. So when the seat is resumed, each side knows
// which of its frames the other never took, and sends exactly those again.

/** Frames kept for that. A browser holds a dead socket for much less than this. */
const KEPT = 256;
/** Messages kept for each peer that is away. */
const KEPT_FOR_PEER = 64;

/** The frames of one connection. The `join` is not counted on either side. */
export class FrameCount {
  /** How many frames came since the last `joined`. */
  received = 0;
  #sent = 0;
  #kept = [];

  sent(message) {
    this.#sent += 1;
    keep(this.#kept, message, KEPT);
  }

  /**
   * The messages after the first `taken`, which is how many the server took. A server that does
   * not count, as on API Gateway, says nothing; then there are none. A `ping` is left out: it only
   * asked about the connection that was lost.
   */
  notTaken(taken = this.#sent) {
    const missing = this.#sent - taken;
    const frames = missing > 0 ? this.#kept.slice(-missing) : [];
    return frames.filter(({ type }) => type !== "ping");
  }
}

/**
 * Messages that the server refused because their receiver is away, and no more could wait for it.
 * Each goes out again once that peer is back.
 */
export class Refused {
  #recent = new Map();
  #waiting = new Map();
  #number = 0;

  /** `message` with a `requestId`, by which a refusal names it. */
  number(message) {
    const relayed = message.to !== undefined || message.type === "chat";
    if (!relayed || message.requestId !== undefined) return message;
    this.#number += 1;
    const numbered = { ...message, requestId: `m${this.#number}` };
    this.#recent.set(numbered.requestId, message);
    if (this.#recent.size > KEPT) this.#recent.delete(this.#recent.keys().next().value);
    return numbered;
  }

  /** Takes a `peer_away` error. False: it is not about a message that was numbered here. */
  take({ to, requestId }) {
    const message = this.#recent.get(requestId);
    if (!message) return false;
    if (!this.#waiting.has(to)) this.#waiting.set(to, []);
    // What was said to all has reached the others already.
    const again = message.to === undefined ? { ...message, to, toAll: true } : message;
    keep(this.#waiting.get(to), again, KEPT_FOR_PEER);
    return true;
  }

  /** The messages for those who are back by this roster. Who is not on it gets no more. */
  due(peers) {
    const present = new Map(peers.map((peer) => [peer.peerId, peer]));
    const due = [];
    for (const [peerId, messages] of this.#waiting) {
      const peer = present.get(peerId);
      if (peer?.away) continue;
      if (peer) due.push(...messages);
      this.#waiting.delete(peerId);
    }
    return due;
  }

  /** This peer left, or its next page knows nothing of what was said. */
  forget(peerId) {
    this.#waiting.delete(peerId);
  }

  clear() {
    this.#recent.clear();
    this.#waiting.clear();
  }
}

/** Adds to a list that drops its oldest. */
function keep(list, item, limit) {
  list.push(item);
  if (list.length > limit) list.shift();
}
