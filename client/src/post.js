// Post: everything that this client says to other people, until it is certain that it left: numbers
// for order and for refusals, what has to go out again after a resume, and what waits for a seat.

import { FrameCount, Pages, Refused, Unsent } from "./resumption.js";
import { Outgoing } from "./sequence.js";

/**
 * @import { ClientMessage, Joined, Peers } from "./messages.js"
 * @import { Message } from "./resumption.js"
 */

export class Post {
  /** The frames of this connection. */
  #count = new FrameCount();
  /** The frames of the connection whose seat can be resumed. @type {FrameCount | null} */
  #seated = null;
  #pages = new Pages();
  #refused = new Refused(this.#pages);
  #unsent = new Unsent();
  #outgoing = new Outgoing();

  /** Another connection: both sides count from zero. */
  connected() {
    this.#count = new FrameCount();
  }

  received() {
    this.#count.received += 1;
  }

  /** How many frames came after the `joined` of the seat. */
  get receivedInSeat() {
    return this.#seated?.received;
  }

  /** Keeps a message until there is a seat. @param {ClientMessage} message */
  keep(message) {
    return isForPeople(message) && this.#unsent.add(/** @type {Message} */ (message));
  }

  /** `message` as it goes out. @param {ClientMessage} message @returns {Message} */
  stamp(message) {
    const own = /** @type {Message} */ (message);
    if (!isForPeople(own)) return own;
    return this.#refused.number(this.#outgoing.number(own, this.#pages.of(own.to)));
  }

  /** @param {Message} message */
  sent(message) {
    if (message.type !== "join") this.#count.sent(message);
  }

  /** A seat. Returns what has to be sent now. @param {Joined} joined */
  seated(joined) {
    const { resumed, received, peers } = joined;
    const again = resumed ? this.#seated?.notTaken(received) ?? [] : [];
    this.#seated = this.#count;
    this.#count.received = 0;
    const due = [
      ...again.filter((one) => this.#pages.hasReceiver(one, peers)),
      ...this.#unsent.due(joined, this.#pages),
    ];
    if (!resumed) this.#anew();
    return due;
  }

  /** A place in the lobby. Returns what has to be sent now. */
  waits() {
    this.#seated = null;
    this.#anew();
    return this.#unsent.due({ resumed: false, peers: [] }, this.#pages);
  }

  /** A roster. Returns what has to be sent now. @param {Peers} peers */
  roster(peers) {
    return this.#refused.due(peers);
  }

  /**
   * True: this refusal is about a message that will be sent again.
   * @param {{ readonly to?: string | undefined, readonly requestId?: string | undefined }} error
   */
  refused(error) {
    return this.#refused.take(error);
  }

  /** What waited for this peer is dropped. @param {string} peerId */
  forget(peerId) {
    this.#refused.forget(peerId);
  }

  /** It is over. */
  clear() {
    this.#seated = null;
    this.#unsent.clear();
    this.#anew();
  }

  /** To the others this is another page now. */
  #anew() {
    this.#refused.clear();
    this.#outgoing.clear();
  }
}

/**
 * Whether the server passes this message on.
 *
 * @param {{ readonly to?: unknown, readonly type: string }} message
 */
function isForPeople(message) {
  return message.to !== undefined || message.type === "chat";
}
