// People: everybody else in the visit, each with their own Call.
//
// It follows the room (who is there) and the calls (who can be seen and heard), and says one thing:
// `people`, whenever anything about anybody changed.
//
// Observers neither send nor answer, so nobody calls them and they call nobody.
//
// A person who loses only the connection to the server is away: the call goes on, and what we have
// to say waits on the server. So nothing is negotiated when either side resumes its seat.
//
// When a person comes back on a new page, or too late to resume, a new call is made. The old call
// is kept, and shown, until the new one connects. If only a person's signaling is gone, their
// picture stays for as long as it moves.

import { Call } from "./call.js";
import { Emitter } from "./events.js";
import { withoutAbsent } from "./frames.js";
import { Contact } from "./person.js";
import { judge } from "./quality.js";
import { randomId } from "./random.js";
import { Timers } from "./timers.js";

/**
 * @import { ClientMessage, IceServers, Joined, Peer, PeerJoined, ServerMessage } from "./messages.js"
 * @import { Person } from "./person.js"
 * @import { RoomMessage } from "./signaling-events.js"
 */

/** A first connection that takes longer is retried, this many times. */
const DIAL_LIMIT_MS = 12_000;
const DIALS = 3;
/** How long we expect a person back whose signaling dropped, if their picture stops too. */
const RETURN_LIMIT_MS = 6_000;
/** API Gateway does not say when the time of an away person is over, unless somebody asks. */
const ASK_MS = 10_000;
/** Candidates kept for a call whose offer is not here yet. */
const EARLY_LIMIT = 100;
/** How often the quality of the calls is looked at. */
const QUALITY_MS = 2_500;

/**
 * @typedef {object} PeopleEvents
 * @property {readonly Person[]} people
 * @property {Person} arrived
 * @property {Person} left
 */

/** @extends {Emitter<PeopleEvents>} */
export class People extends Emitter {
  /** @type {Map<string, Contact>} */
  #contacts = new Map();
  #timers = new Timers();
  #send;
  #local;
  /** @type {RTCConfiguration} */
  #configuration;
  /** The app's own ICE servers stand, whatever the server says. */
  #ownIceServers;
  #seatedAt = 0;
  #silent = false;
  #stop = new AbortController();
  /** @type {Map<Call, import("./quality.js").Counted>} */
  #counted = new Map();

  /**
   * @param {object} options
   * @param {(message: ClientMessage) => unknown} options.send  a message with a `to`; it waits if
   * there is no seat
   * @param {import("./media.js").LocalMedia} options.local
   * @param {RTCConfiguration | undefined} [options.configuration]
   */
  constructor({ send, local, configuration = {} }) {
    super();
    this.#send = send;
    this.#local = local;
    this.#configuration = configuration;
    this.#ownIceServers = configuration.iceServers !== undefined;
    const { signal } = this.#stop;
    local.on("track", ({ kind, track }) => this.#trackChanged(kind, track), { signal });
    local.on("change", () => this.#mediaChanged(), { signal });
    this.#watchQuality();
  }

  /** @returns {readonly Person[]} */
  get list() {
    return Object.freeze(this.#all.map((contact) => contact.snapshot()));
  }

  get #all() {
    return [...this.#contacts.values()];
  }

  /** @param {string} peerId */
  nameOf(peerId) {
    return this.#contacts.get(peerId)?.name || peerId;
  }

  /** @param {string} peerId */
  has(peerId) {
    return this.#contacts.get(peerId)?.here === true;
  }

  /** A `room` event of the signaling. @param {RoomMessage} message */
  follow(message) {
    if (message.type === "joined") this.#seated(message);
    this.#matchRoster(message);
    if (message.type === "joined") message.resumed ? this.#carryOn() : this.#dialAll(message);
    if (message.type === "peer_joined") this.#welcome(message);
    this.#changed();
  }

  /** A `message` event of the signaling. @param {ServerMessage} message */
  receive(message) {
    if (message.type === "ice_servers") return this.#useIceServers(message.iceServers);
    if (!("from" in message)) return;
    const contact = this.#contacts.get(message.from) ?? this.#early(message);
    if (!contact) return;
    if (message.type === "offer") this.#takeOffer(contact, message);
    if (message.type === "answer" && contact.isOnCall(message.call)) contact.call?.receive(message);
    if (message.type === "candidate" || message.type === "ice-candidate") {
      this.#takeCandidates(contact, message);
    }
    if (message.type === "renegotiate") contact.call?.restart();
    if (message.type === "signal" && message.media) this.#takeMedia(contact, message.media);
    if (message.type === "signal" && message.closing) this.#awaitReturn(contact);
  }

  /** Messages of this person did not come; a call that they were to set up would wait for ever. @param {string} peerId */
  missed(peerId) {
    const call = this.#contacts.get(peerId)?.call;
    if (call && call.state !== "connected") call.restart();
  }

  /** Finds a new route through the network for every call on which nothing arrives any more. */
  checkRoutes() {
    for (const { call } of this.#all) call?.checkRoute();
  }

  /**
   * This page is being closed or reloaded; nobody can know which. `leave` would be wrong for a
   * reload: it gives up a seat that a host may have to grant again. So the others are told that it
   * is not worth it to wait for the whole grace time.
   */
  sayClosing() {
    for (const { peerId, here } of this.#all) {
      if (here) this.#send({ type: "signal", to: peerId, closing: true });
    }
  }

  /** Out of the room, but perhaps not for good: every call ends, and the list is empty. */
  clear() {
    for (const contact of this.#all) this.#hangUp(contact);
    this.#contacts.clear();
    this.#changed();
  }

  close() {
    this.#stop.abort();
    this.clear();
    this.#timers.clear();
  }

  // --- who is there ---

  /** @param {Joined} joined */
  #seated({ iceServers, iceTransportPolicy, role }) {
    if (!this.#ownIceServers) this.#setIceServers(iceServers ?? []);
    // The server can demand a relay, and does not take it back from a page that wants one.
    if (iceTransportPolicy) this.#configuration = { ...this.#configuration, iceTransportPolicy };
    this.#silent = role === "observer";
  }

  /** @param {RoomMessage} message */
  #matchRoster(message) {
    const present = new Set(message.peers.map(({ peerId }) => peerId));
    for (const peer of message.peers) this.#present(peer);
    for (const contact of this.#all) {
      if (present.has(contact.peerId)) continue;
      const named = message.type === "peer_left" && message.peerId === contact.peerId;
      this.#absent(contact, named ? message.reason : undefined);
    }
  }

  /** @param {Peer} peer */
  #present({ peerId, displayName, away, role, joinedAt, metadata }) {
    const contact = this.#contacts.get(peerId) ?? this.#newContact(peerId);
    contact.renewed = contact.joinedAt !== joinedAt;
    contact.joinedAt = joinedAt;
    // The seat of a person who closed the page is kept for a while.
    if (away && contact.here === false) return;
    const back = contact.here !== true;
    contact.here = true;
    contact.name = displayName || contact.name || "Guest";
    contact.role = role;
    contact.metadata = metadata;
    contact.quiet = this.#silent || role === "observer";
    this.#noteAway(contact, away === true);
    if (!away) this.#timers.cancel(`return ${peerId}`);
    const isNews = back && !contact.expected;
    contact.expected = false;
    if (isNews) this.emit("arrived", contact.snapshot());
  }

  /** @param {Contact} contact @param {boolean} away */
  #noteAway(contact, away) {
    if (contact.away === away) return;
    contact.away = away;
    if (away) this.#askAgain(contact);
    else this.#timers.cancel(`ask ${contact.peerId}`);
  }

  /** @param {Contact} contact */
  #askAgain(contact) {
    this.#timers.after(`ask ${contact.peerId}`, ASK_MS, () => {
      this.#send({ type: "peers" });
      this.#askAgain(contact);
    });
  }

  /** @param {Contact} contact @param {string | undefined} reason */
  #absent(contact, reason) {
    if (!contact.here) return;
    contact.here = false;
    this.#noteAway(contact, false);
    if (!mayReturn(contact, reason)) return this.#depart(contact);
    contact.expected = true;
    this.#awaitReturn(contact);
  }

  /** @param {Contact} contact */
  #awaitReturn(contact) {
    this.#timers.after(`return ${contact.peerId}`, RETURN_LIMIT_MS, () => {
      if (contact.call?.state === "connected") this.#awaitReturn(contact);
      else this.#depart(contact);
    });
  }

  /** @param {Contact} contact */
  #depart(contact) {
    contact.expected = false;
    contact.here = false;
    this.#hangUp(contact);
    this.emit("left", contact.snapshot());
    this.#changed();
  }

  /** @param {string} peerId */
  #newContact(peerId) {
    const contact = new Contact(peerId);
    this.#contacts.set(peerId, contact);
    return contact;
  }

  /**
   * An offer may overtake the news of its sender (API Gateway); the offer itself is news enough.
   *
   * @param {{ readonly type: string, readonly from: string }} message
   */
  #early({ type, from }) {
    return type === "offer" || type === "candidate" ? this.#newContact(from) : null;
  }

  // --- calls ---

  /**
   * Our seat is resumed, and calls that live are left alone. Who joined meanwhile, perhaps on a new
   * page, offers to us, and knows nothing of an older call.
   */
  #carryOn() {
    for (const contact of this.#all) {
      if (contact.here && contact.renewed) this.#retire(contact);
      if (!contact.call && !contact.quiet) this.#hope(contact);
    }
    this.checkRoutes();
  }

  /** We joined later than everybody who was there, so we offer. @param {Joined} joined */
  #dialAll({ peers, version }) {
    this.#seatedAt = version;
    for (const contact of this.#all) contact.since = 0;
    for (const { peerId } of peers) {
      const contact = this.#contacts.get(peerId);
      if (!contact || contact.quiet) continue;
      contact.dials = 0;
      this.#hope(contact);
      this.#dial(contact);
    }
  }

  /** @param {Contact} contact */
  #dial(contact) {
    contact.dials += 1;
    this.#newCall(contact, randomId(8), true);
    if (contact.dials < DIALS) {
      this.#timers.after(`dial ${contact.peerId}`, DIAL_LIMIT_MS, () => this.#dial(contact));
    }
  }

  /** Both sides say so if the connection fails, rather than spin forever. @param {Contact} contact */
  #hope(contact) {
    contact.stuck = false;
    this.#timers.after(`hope ${contact.peerId}`, DIAL_LIMIT_MS * DIALS, () => {
      contact.stuck = true;
      this.#changed();
    });
  }

  /** They joined after us, so they will offer. Our state for their old page no longer counts. @param {PeerJoined} message */
  #welcome({ peerId, version }) {
    const contact = this.#contacts.get(peerId);
    if (!contact || contact.quiet) return;
    this.#hope(contact);
    // Their offer may have come before this message; then the call is already the new one.
    if (contact.call && !(contact.since >= version)) this.#retire(contact);
  }

  /** @param {Contact} contact @param {import("./messages.js").DescriptionFrom} message */
  #takeOffer(contact, message) {
    if (this.#silent) return;
    if (!contact.isOnCall(message.call)) {
      this.#newCall(contact, text(message.call), false);
      contact.since = Number(message.since ?? 0);
    }
    contact.call?.receive(message);
    for (const early of contact.early.splice(0)) this.#takeCandidates(contact, early);
    this.#changed();
  }

  /** @param {Contact} contact @param {import("./call.js").CallMessage} message */
  #takeCandidates(contact, message) {
    if (contact.isOnCall(message.call)) contact.call?.receive({ ...message, type: "candidate" });
    else if (message.call !== contact.previous?.id && contact.early.length < EARLY_LIMIT) {
      contact.early.push(message);
    }
  }

  /** @param {Contact} contact @param {string | undefined} id @param {boolean} caller */
  #newCall(contact, id, caller) {
    this.#retire(contact);
    const call = new Call({
      id,
      caller,
      local: this.#local.stream,
      configuration: this.#configuration,
      send: (message) => this.#send(/** @type {any} */ (withoutAbsent({
        ...message, to: contact.peerId, since: caller ? this.#seatedAt : undefined,
      }))),
    });
    call.on("change", () => this.#callChanged(contact, call));
    contact.call = call;
  }

  /** Keeps a call that still shows a picture until the next one connects. @param {Contact} contact */
  #retire(contact) {
    this.#timers.cancel(`dial ${contact.peerId}`);
    const { call } = contact;
    contact.call = null;
    if (!call) return;
    if (!call.wasConnected) return call.close();
    contact.previous?.close();
    contact.previous = call;
  }

  /** @param {Contact} contact @param {Call} call */
  #callChanged(contact, call) {
    if (call === contact.call && call.state === "connected") this.#connected(contact);
    this.#changed();
  }

  /** @param {Contact} contact */
  #connected(contact) {
    this.#timers.cancel(`dial ${contact.peerId}`);
    this.#timers.cancel(`hope ${contact.peerId}`);
    contact.stuck = false;
    contact.previous?.close();
    contact.previous = null;
    this.#sendMedia(contact);
  }

  /** @param {Contact} contact */
  #hangUp(contact) {
    for (const name of ["dial", "hope", "return"]) {
      this.#timers.cancel(`${name} ${contact.peerId}`);
    }
    this.#noteAway(contact, false);
    contact.previous?.close();
    contact.call?.close();
    contact.call = contact.previous = null;
    contact.early = [];
  }

  /** @param {IceServers} iceServers */
  #useIceServers(iceServers) {
    if (this.#ownIceServers) return;
    this.#setIceServers(iceServers);
    for (const { call } of this.#all) call?.useIceServers(this.#configuration.iceServers ?? []);
  }

  /** @param {IceServers} iceServers */
  #setIceServers(iceServers) {
    const servers = /** @type {RTCIceServer[]} */ ([...iceServers]);
    this.#configuration = { ...this.#configuration, iceServers: servers };
  }

  // --- what we and they send ---

  /** @param {"audio" | "video"} kind @param {MediaStreamTrack | null} track */
  #trackChanged(kind, track) {
    for (const { call } of this.#all) void call?.replaceTrack(kind, track);
  }

  #mediaChanged() {
    for (const contact of this.#all) {
      if (contact.here && contact.call?.state === "connected") this.#sendMedia(contact);
    }
  }

  /** @param {Contact} contact */
  #sendMedia({ peerId }) {
    const { mic, camera, screen } = this.#local;
    // Clients that know no screens show the picture that they get.
    const media = { mic, camera: camera || screen, screen };
    this.#send({ type: "signal", to: peerId, media });
  }

  /** @param {Contact} contact @param {any} media */
  #takeMedia(contact, { mic, camera, screen }) {
    contact.media = Object.freeze({ mic, camera, screen: screen === true });
    this.#changed();
  }

  #watchQuality() {
    this.#timers.after("quality", QUALITY_MS, async () => {
      await Promise.all(this.#all.map((contact) => this.#judge(contact)));
      if (!this.#stop.signal.aborted) this.#watchQuality();
    });
  }

  /** @param {Contact} contact */
  async #judge(contact) {
    const { call } = contact;
    if (call?.state !== "connected") return;
    const { quality, counted } = judge((await call.getStats()).values(), this.#counted.get(call));
    this.#counted.set(call, counted);
    for (const known of this.#counted.keys()) if (known.state === "closed") this.#counted.delete(known);
    const before = contact.quality;
    contact.quality = quality;
    if (before?.level !== quality.level || before.relayed !== quality.relayed) this.#changed();
  }

  #changed() {
    this.emit("people", this.list);
  }
}

/**
 * Whether to keep the picture of a person who lost the seat. After `timeout` the server has waited
 * long enough for a person whose picture has stopped.
 *
 * @param {Contact} contact @param {string | undefined} reason
 */
function mayReturn({ call }, reason) {
  if (reason === "timeout") return call?.state === "connected";
  return (reason === "disconnected" || reason === undefined) && call?.wasConnected === true;
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : undefined;
}
