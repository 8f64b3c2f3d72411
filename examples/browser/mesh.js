// Mesh: everybody else in the visit, each with their own PeerCall.
//
// It follows the room (who is there) and the calls (who can be seen and heard), and tells the
// page one thing: `people`, the whole list, whenever anything about it changed.
//
// Observers neither send nor answer, so nobody calls them and they call nobody.
//
// A person who loses only the connection to the server is away: the call goes on, and what we have
// to say waits on the server. So nothing is negotiated when either side resumes its seat.
//
// When a person comes back on a new page, or too late to resume, a new call is made. The old call
// is kept, and shown, until the new one connects. If only a person's signaling is gone, their
// picture stays for as long as it moves.

import { PeerCall } from "./call.js";
import { randomId } from "./identity.js";

/** A first connection that takes longer is retried, this many times. */
const DIAL_LIMIT_MS = 12_000;
const DIALS = 3;
/** How long we expect a person back whose signaling dropped, if their picture stops too. */
const RETURN_LIMIT_MS = 6_000;
/** API Gateway does not say when the time of an away person is over, unless somebody asks. */
const ASK_MS = 10_000;
/** Messages that wait for our own seat to be resumed. */
const UNSENT_LIMIT = 256;
/** Reasons of `peer_left` that do not say whether the person meant to leave. */
const DROPPED = new Set(["disconnected", undefined]);
/** Candidates kept for a call whose offer is not here yet. */
const EARLY_LIMIT = 100;

/**
 * Events: `people`; `arrived` and `left` {name} for announcements.
 *
 * A person: `{peerId, name, role, state, stream, moves, media}` with the states "connecting",
 * "connected", "reconnecting", "trouble" (no route through the network was found), "present"
 * (there, but not to be called) and "left".
 */
export class Mesh extends EventTarget {
  #people = new Map();
  #transmit;
  #unsent = [];
  #local;
  #iceServers = [];
  #seatedAt = 0;
  #silent = false;

  /**
   * @param {(message: object) => boolean} send  sends a message that names its `to`
   * @param {LocalMedia} local
   */
  constructor({ send, local }) {
    super();
    this.#transmit = send;
    this.#local = local;
    local.addEventListener("track", this.#trackChanged);
    local.addEventListener("change", this.#mediaChanged);
  }

  get people() {
    return [...this.#people.values()];
  }

  nameOf(peerId) {
    return this.#people.get(peerId)?.name || peerId;
  }

  has(peerId) {
    return this.#people.get(peerId)?.here === true;
  }

  /** A `room` event of the signaling client. */
  follow(message) {
    if (message.type === "joined") {
      this.#iceServers = message.iceServers ?? [];
      this.#silent = message.role === "observer";
    }
    this.#matchRoster(message);
    if (message.type === "joined") message.resumed ? this.#carryOn() : this.#dialAll(message);
    if (message.type === "peer_joined") this.#welcome(message);
    this.#changed();
  }

  /** A `message` event of the signaling client. */
  receive(message) {
    if (message.type === "ice_servers") this.#useIceServers(message.iceServers);
    const person = this.#people.get(message.from) ?? this.#early(message);
    if (!person) return;
    if (message.type === "offer") this.#takeOffer(person, message);
    if (message.type === "answer") this.#pass(person, message);
    if (message.type === "candidate" || message.type === "ice-candidate") {
      this.#takeCandidates(person, message);
    }
    if (message.type === "renegotiate") person.call?.restart();
    if (message.type === "signal" && message.media) this.#takeMedia(person, message.media);
    if (message.type === "signal" && message.closing) this.#awaitReturn(person);
  }

  /** Finds a new route through the network for every call on which nothing arrives any more. */
  checkRoutes() {
    for (const { call } of this.people) call?.checkRoute();
  }

  /**
   * This page is being closed or reloaded; nobody can know which. `leave` would be wrong for a
   * reload: it gives up a seat that a host may have to grant again. So the others are told that it
   * is not worth it to wait for the whole grace time.
   */
  sayClosing() {
    for (const { peerId, here } of this.people) {
      if (here) this.#transmit({ type: "signal", to: peerId, closing: true });
    }
  }

  /** Out of the room, but perhaps not for good: every call ends, and the list is empty. */
  clear() {
    for (const person of this.people) this.#hangUp(person);
    this.#people.clear();
    this.#unsent = [];
    this.#changed();
  }

  close() {
    this.#local.removeEventListener("track", this.#trackChanged);
    this.#local.removeEventListener("change", this.#mediaChanged);
    this.clear();
  }

  // --- who is there ---

  #matchRoster(message) {
    const present = new Map(message.peers.map((peer) => [peer.peerId, peer]));
    for (const [peerId, peer] of present) this.#present(peerId, peer);
    for (const person of this.people) {
      if (present.has(person.peerId)) continue;
      const reason = message.peerId === person.peerId ? message.reason : undefined;
      this.#absent(person, reason);
    }
  }

  #present(peerId, { displayName, away, role, joinedAt }) {
    const person = this.#people.get(peerId) ?? this.#newPerson(peerId);
    person.renewed = person.joinedAt !== joinedAt;
    person.joinedAt = joinedAt;
    // The seat of a person who closed the page is kept for a while.
    if (away && person.here === false) return;
    const back = person.here !== true;
    person.here = true;
    this.#noteAway(person, away === true);
    person.name = displayName || person.name || "Guest";
    person.role = role;
    person.quiet = this.#silent || role === "observer";
    if (!away) clearTimeout(person.returnTimer);
    if (back && !person.expected) this.#emit("arrived", { name: person.name, role });
    person.expected = false;
  }

  #noteAway(person, away) {
    if (person.away === away) return;
    person.away = away;
    clearInterval(person.askTimer);
    if (away) person.askTimer = setInterval(() => this.#transmit({ type: "peers" }), ASK_MS);
  }

  #absent(person, reason) {
    if (!person.here) return;
    person.here = false;
    this.#noteAway(person, false);
    if (!mayReturn(person, reason)) return this.#depart(person);
    person.expected = true;
    this.#awaitReturn(person);
  }

  #awaitReturn(person) {
    clearTimeout(person.returnTimer);
    person.returnTimer = setTimeout(() => {
      if (person.call?.state === "connected") this.#awaitReturn(person);
      else this.#depart(person);
    }, RETURN_LIMIT_MS);
  }

  #depart(person) {
    person.expected = false;
    person.here = false;
    this.#hangUp(person);
    this.#emit("left", { name: person.name });
    this.#changed();
  }

  #newPerson(peerId) {
    const person = {
      peerId, name: "", role: undefined, quiet: false,
      here: null, away: false, joinedAt: undefined, renewed: false,
      call: null, previous: null, stuck: false, dials: 0, early: [], media: {},
      get state() { return stateOf(person); },
      get stream() { return shownCall(person)?.stream ?? null; },
      get moves() { return shownCall(person)?.state === "connected"; },
    };
    this.#people.set(peerId, person);
    return person;
  }

  /**
   * An offer may overtake the news of its sender (API Gateway); the offer itself is news enough.
   */
  #early({ type, from }) {
    return from && (type === "offer" || type === "candidate") ? this.#newPerson(from) : null;
  }

  // --- calls ---

  /**
   * Our seat is resumed, and calls that live are left alone. Who joined meanwhile, perhaps on a new
   * page, offers to us, and knows nothing of an older call.
   */
  #carryOn() {
    for (const person of this.people) if (person.here && person.renewed) this.#retire(person);
    for (const message of this.#unsent.splice(0)) {
      const person = this.#people.get(message.to);
      if (person?.here && !person.renewed) this.#send(message);
    }
    for (const person of this.people) if (!person.call && !person.quiet) this.#hope(person);
    this.checkRoutes();
  }

  /** We joined later than everybody who was there, so we offer. */
  #dialAll({ peers, version }) {
    this.#seatedAt = version;
    this.#unsent = [];
    for (const person of this.people) person.since = 0;
    for (const { peerId } of peers) {
      const person = this.#people.get(peerId);
      if (person.quiet) continue;
      person.dials = 0;
      this.#hope(person);
      this.#dial(person);
    }
  }

  #dial(person) {
    person.dials += 1;
    this.#newCall(person, { id: randomId(8), caller: true });
    if (person.dials < DIALS) {
      person.dialTimer = setTimeout(() => this.#dial(person), DIAL_LIMIT_MS);
    }
  }

  /** Both sides say so if the connection fails, rather than spin forever. */
  #hope(person) {
    person.stuck = false;
    clearTimeout(person.hopeTimer);
    person.hopeTimer = setTimeout(() => {
      person.stuck = true;
      this.#changed();
    }, DIAL_LIMIT_MS * DIALS);
  }

  /** They joined after us, so they will offer. Our state for their old page no longer counts. */
  #welcome({ peerId, version }) {
    const person = this.#people.get(peerId);
    if (person.quiet) return;
    this.#hope(person);
    // Their offer may have come before this message; then the call is already the new one.
    if (person.call && !(person.since >= version)) this.#retire(person);
  }

  #takeOffer(person, message) {
    if (this.#silent) return;
    const known = person.call && (message.call === undefined || message.call === person.call.id);
    if (!known) {
      this.#newCall(person, { id: message.call, caller: false });
      person.since = message.since ?? 0;
    }
    person.call.receive(message);
    for (const early of person.early.splice(0)) this.#takeCandidates(person, early);
    this.#changed();
  }

  #takeCandidates(person, message) {
    const mine = person.call && (message.call === undefined || message.call === person.call.id);
    if (mine) person.call.receive({ ...message, type: "candidate" });
    else if (message.call !== person.previous?.id && person.early.length < EARLY_LIMIT) {
      person.early.push(message);
    }
  }

  #pass(person, message) {
    const mine = message.call === undefined || message.call === person.call?.id;
    if (mine) person.call?.receive(message);
  }

  #newCall(person, { id, caller }) {
    this.#retire(person);
    const send = (message) => this.#send(
      { ...message, to: person.peerId, since: caller ? this.#seatedAt : undefined },
    );
    const call = new PeerCall(
      { id, caller, local: this.#local.stream, iceServers: this.#iceServers, send },
    );
    call.addEventListener("change", () => this.#callChanged(person, call));
    person.call = call;
  }

  /** Keeps a call that still shows a picture until the next one connects. */
  #retire(person) {
    clearTimeout(person.dialTimer);
    const { call } = person;
    person.call = null;
    if (!call) return;
    if (!call.wasConnected) return call.close();
    person.previous?.close();
    person.previous = call;
  }

  #callChanged(person, call) {
    if (call === person.call && call.state === "connected") {
      this.#connected(person);
    }
    this.#changed();
  }

  #connected(person) {
    clearTimeout(person.dialTimer);
    clearTimeout(person.hopeTimer);
    person.stuck = false;
    person.previous?.close();
    person.previous = null;
    this.#sendMedia(person);
  }

  #hangUp(person) {
    for (const timer of [person.dialTimer, person.hopeTimer, person.returnTimer]) {
      clearTimeout(timer);
    }
    this.#noteAway(person, false);
    person.previous?.close();
    person.call?.close();
    person.call = person.previous = null;
    person.early = [];
  }

  #useIceServers(iceServers) {
    this.#iceServers = iceServers;
    for (const { call } of this.people) call?.useIceServers(iceServers);
  }

  // --- what we and they send ---

  /** Without a place right now, a message waits until our seat is resumed. */
  #send(message) {
    if (this.#transmit(message)) return;
    this.#unsent.push(message);
    if (this.#unsent.length > UNSENT_LIMIT) this.#unsent.shift();
  }

  #trackChanged = ({ detail: { kind, track } }) => {
    for (const { call } of this.people) call?.replaceTrack(kind, track);
  };

  #mediaChanged = () => {
    for (const person of this.people) {
      if (person.here && person.call?.state === "connected") this.#sendMedia(person);
    }
  };

  #sendMedia({ peerId }) {
    const { mic, camera } = this.#local;
    this.#send({ type: "signal", to: peerId, media: { mic, camera } });
  }

  #takeMedia(person, { mic, camera }) {
    person.media = { mic, camera };
    this.#changed();
  }

  #changed() {
    this.#emit("people");
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Whether to keep the picture of a person who lost the seat. After `timeout` the server has waited
 * long enough for a person whose picture has stopped.
 */
function mayReturn({ call }, reason) {
  if (reason === "timeout") return call?.state === "connected";
  return DROPPED.has(reason) && call?.wasConnected === true;
}

/** The new call once it is connected; until then the one before it, if there was one. */
function shownCall({ call, previous }) {
  return previous !== null && call?.state !== "connected" ? previous : call;
}

function stateOf(person) {
  if (!person.here && !person.expected) return person.here === null ? "connecting" : "left";
  if (person.quiet) return person.away ? "reconnecting" : "present";
  if (person.stuck) return "trouble";
  if (person.away || person.expected || person.previous) return "reconnecting";
  return person.call?.state ?? "connecting";
}
