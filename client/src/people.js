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

import { Calls } from "./calls.js";
import { Emitter } from "./events.js";
import { Contact } from "./person.js";
import { QualityWatch } from "./quality.js";
import { Timers } from "./timers.js";

/**
 * @import { ClientMessage, IceServers, Joined, Peer, PeerJoined } from "./messages.js"
 * @import { ServerMessage } from "./messages.js"
 * @import { Person } from "./person.js"
 * @import { RoomMessage } from "./signaling-events.js"
 */

/** How long we expect a person back whose signaling dropped, if their picture stops too. */
const RETURN_LIMIT_MS = 6_000;
/** API Gateway does not say when the time of an away person is over, unless somebody asks. */
const ASK_MS = 10_000;
/** Candidates kept for a call whose offer is not here yet. */
const EARLY_LIMIT = 100;

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
  #calls;
  #quality;
  #ownIceServers;
  #seatedAt = 0;
  #silent = false;
  #stop = new AbortController();

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
    this.#ownIceServers = configuration.iceServers !== undefined;
    this.#calls = new Calls({
      timers: this.#timers, local, configuration, send,
      changed: () => this.#changed(),
      connected: (contact) => this.#sendMedia(contact),
    });
    this.#quality = new QualityWatch(() => this.#all, () => this.#changed());
    const { signal } = this.#stop;
    local.on("track", ({ kind, track }) => this.#trackChanged(kind, track), { signal });
    local.on("change", () => this.#mediaChanged(), { signal });
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

  /**
   * Messages of this person did not come; a call that they were to set up would wait for ever.
   *
   * @param {string} peerId
   */
  missed(peerId) {
    const call = this.#contacts.get(peerId)?.call;
    if (call && call.state !== "connected") call.repair();
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
    for (const contact of this.#all) this.#calls.hangUp(contact);
    this.#contacts.clear();
    this.#changed();
  }

  close() {
    this.#stop.abort();
    this.#quality.stop();
    this.clear();
    this.#timers.clear();
  }

  // --- who is there ---

  /** @param {Joined} joined */
  #seated({ iceServers, iceTransportPolicy, role }) {
    this.#useIceServers(iceServers ?? []);
    if (iceTransportPolicy) this.#calls.restrict(iceTransportPolicy);
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
    this.#calls.hangUp(contact);
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
      if (contact.here && contact.renewed) this.#calls.retire(contact);
      if (!contact.call && !contact.quiet) this.#calls.hope(contact);
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
      this.#calls.hope(contact);
      this.#calls.dial(contact, this.#seatedAt);
    }
  }

  /**
   * They joined after us, so they will offer. Our state for their old page no longer counts.
   *
   * @param {PeerJoined} message
   */
  #welcome({ peerId, version }) {
    const contact = this.#contacts.get(peerId);
    if (!contact || contact.quiet) return;
    this.#calls.hope(contact);
    // Their offer may have come before this message; then the call is already the new one.
    if (contact.call && !(contact.since >= version)) this.#calls.retire(contact);
  }

  /** @param {Contact} contact @param {import("./messages.js").DescriptionFrom} message */
  #takeOffer(contact, message) {
    if (this.#silent) return;
    if (!contact.isOnCall(message.call)) {
      this.#calls.answer(contact, text(message.call));
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

  /** @param {IceServers} iceServers */
  #useIceServers(iceServers) {
    // The app's own stand, whatever the server says.
    if (!this.#ownIceServers) this.#calls.useIceServers(iceServers, this.#all);
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
