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
 * Each goes out again once that peer is back. A peer that joined anew is another page, and what was
 * meant for the one before would only confuse it.
 */
export class Refused {
  /** When each peer of the last roster joined. */
  #joinedAt = new Map();
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

  /** Takes the roster. Returns the messages for those who are back. */
  due(peers) {
    const due = [];
    for (const [peerId, messages] of this.#waiting) {
      const peer = peers.find((one) => one.peerId === peerId);
      const same = this.hasReceiver({ to: peerId }, peers);
      if (same && peer.away) continue;
      if (same) due.push(...messages);
      this.#waiting.delete(peerId);
    }
    this.#joinedAt = new Map(peers.map(({ peerId, joinedAt }) => [peerId, joinedAt]));
    return due;
  }

  /** Whether the page that this message was meant for is on this roster, the next one. */
  hasReceiver({ to }, peers) {
    if (to === undefined) return true;
    const peer = peers.find(({ peerId }) => peerId === to);
    return peer !== undefined && peer.joinedAt === this.#joinedAt.get(to);
  }

  /** The server dropped what waited for this peer, so what came after it is of no use either. */
  forget(peerId) {
    this.#waiting.delete(peerId);
  }

  clear() {
    this.#joinedAt.clear();
    this.#recent.clear();
    this.#waiting.clear();
  }
}

/** Adds to a list that drops its oldest. */
function keep(list, item, limit) {
  list.push(item);
  if (list.length > limit) list.shift();
}
