// Calls: makes, keeps and ends the calls to other people.

import { Call } from "./call.js";
import { withoutAbsent } from "./frames.js";
import { randomId } from "./random.js";

/**
 * @import { ClientMessage, IceServers } from "./messages.js"
 * @import { Contact } from "./person.js"
 */

/** A first connection that takes longer is retried, this many times. */
const DIAL_LIMIT_MS = 12_000;
const DIALS = 3;

export class Calls {
  #timers;
  #local;
  #send;
  #changed;
  #connected;
  /** @type {RTCConfiguration} */
  #configuration;

  /**
   * @param {object} options
   * @param {import("./timers.js").Timers} options.timers
   * @param {import("./media.js").LocalMedia} options.local
   * @param {RTCConfiguration} options.configuration
   * @param {(message: ClientMessage) => unknown} options.send
   * @param {() => void} options.changed
   * @param {(contact: Contact) => void} options.connected
   */
  constructor({ timers, local, configuration, send, changed, connected }) {
    this.#timers = timers;
    this.#local = local;
    this.#configuration = configuration;
    this.#send = send;
    this.#changed = changed;
    this.#connected = connected;
  }

  /**
   * Calls, and again if nothing comes of it.
   *
   * @param {Contact} contact
   * @param {number} since  the version of our seat
   */
  dial(contact, since) {
    contact.dials += 1;
    this.#make(contact, { id: randomId(8), caller: true, since });
    if (contact.dials < DIALS) {
      this.#timers.after(`dial ${contact.peerId}`, DIAL_LIMIT_MS, () => this.dial(contact, since));
    }
  }

  /**
   * A call that the other one has begun.
   *
   * @param {Contact} contact
   * @param {string | undefined} id
   */
  answer(contact, id) {
    this.#make(contact, { id, caller: false });
  }

  /**
   * Both sides say so if the connection fails, rather than spin forever.
   *
   * @param {Contact} contact
   */
  hope(contact) {
    contact.stuck = false;
    this.#timers.after(`hope ${contact.peerId}`, DIAL_LIMIT_MS * DIALS, () => {
      contact.stuck = true;
      this.#changed();
    });
  }

  /**
   * Keeps a call that still shows a picture until the next one connects.
   *
   * @param {Contact} contact
   */
  retire(contact) {
    this.#timers.cancel(`dial ${contact.peerId}`);
    const { call } = contact;
    contact.call = null;
    if (!call) return;
    if (!call.wasConnected) return call.close();
    contact.previous?.close();
    contact.previous = call;
  }

  /** @param {Contact} contact */
  hangUp(contact) {
    for (const name of ["dial", "hope", "return", "ask"]) {
      this.#timers.cancel(`${name} ${contact.peerId}`);
    }
    contact.previous?.close();
    contact.call?.close();
    contact.call = contact.previous = null;
    contact.early = [];
  }

  /**
   * From now on, and for the calls that there are.
   *
   * @param {IceServers} iceServers
   * @param {Contact[]} contacts
   */
  useIceServers(iceServers, contacts) {
    const servers = /** @type {RTCIceServer[]} */ ([...iceServers]);
    this.#configuration = { ...this.#configuration, iceServers: servers };
    for (const { call } of contacts) call?.useIceServers(servers);
  }

  /**
   * The server can demand a relay, and does not take it back from a page that wants one.
   *
   * @param {RTCIceTransportPolicy} iceTransportPolicy
   */
  restrict(iceTransportPolicy) {
    this.#configuration = { ...this.#configuration, iceTransportPolicy };
  }

  /**
   * @param {Contact} contact
   * @param {{ id: string | undefined, caller: boolean, since?: number }} how
   */
  #make(contact, { id, caller, since }) {
    this.retire(contact);
    const call = new Call({
      id,
      caller,
      local: this.#local.stream,
      configuration: this.#configuration,
      send: (message) => this.#send(/** @type {any} */ (
        withoutAbsent({ ...message, to: contact.peerId, since })
      )),
    });
    call.on("change", () => {
      if (call === contact.call && call.state === "connected") this.#settle(contact);
      this.#changed();
    });
    contact.call = call;
  }

  /** @param {Contact} contact */
  #settle(contact) {
    this.#timers.cancel(`dial ${contact.peerId}`);
    this.#timers.cancel(`hope ${contact.peerId}`);
    contact.stuck = false;
    contact.previous?.close();
    contact.previous = null;
    this.#connected(contact);
  }
}
