// Visit: one video visit, from the first "connecting" to its end. It puts the signaling, the calls
// and the media together, and shows one immutable `state`.

import { ChatLog, readChat } from "./chat.js";
import { Code, VisioError } from "./errors.js";
import { Emitter } from "./events.js";
import { LocalMedia } from "./media.js";
import { People } from "./people.js";
import { worst } from "./quality.js";
import { randomId } from "./random.js";
import { Signaling } from "./signaling.js";
import { watchWakeups } from "./wakeups.js";

/**
 * @import { ListenOptions } from "./events.js"
 * @import { ClientMessage, Joined, Knocker, ServerMessage, Waiting } from "./messages.js"
 * @import { RoomMessage, SignalingState } from "./signaling-events.js"
 * @import { ChatLine, VisitEvents, VisitOptions, VisitState } from "./visit-state.js"
 */

/** A camera that is about to start shall be part of the first offer. */
const MEDIA_LIMIT_MS = 1_500;

/** People who come back with their place kept are no news, if they are among as many. */
const KNOCKS_KEPT = 256;

/** By this the server's refusals of a host's decisions are known. */
export const HOST_REQUEST = "host";

/**
 * Joins a visit. The promise is kept once there is a place: a seat, or one in the waiting room. It
 * is broken with a `VisioError` if there will be none.
 *
 * @param {VisitOptions} options
 */
export async function joinVisit(options) {
  const visit = new Visit(options);
  await visit.join();
  return visit;
}

/** @extends {Emitter<VisitEvents>} */
export class Visit extends Emitter {
  /** Camera, microphone and screen. */
  media;
  /** Kept with the first seat; broken if the visit ends before. @type {Promise<VisitState>} */
  joined;

  #signaling;
  #people;
  #chat = new ChatLog();
  #ownsMedia;
  #silent;
  /** What to ask the browser for. @type {import("./media.js").Wanted | null} */
  #wanted;
  /** @type {VisitState} */
  #state;
  #stop = new AbortController();
  /** Who waited before, and since when. @type {Set<string>} */
  #known = new Set();

  /** @param {VisitOptions} options */
  constructor(options) {
    super();
    const { media = {}, room, name, peerId = `p-${randomId(16)}`, metadata } = options;
    this.#silent = media === false;
    this.#ownsMedia = !(media instanceof LocalMedia);
    this.media = media instanceof LocalMedia ? media : new LocalMedia(media || {});
    this.#wanted = media && !(media instanceof LocalMedia) ? media : null;
    const identity = options.token ? {} : { peerId };
    this.#signaling = new Signaling({
      url: socketUrl(options.url),
      join: { roomId: room, displayName: name, metadata, ...identity },
      token: options.token,
    });
    this.#people = new People({
      send: (message) => this.#signaling.send(message),
      local: this.media,
      configuration: configurationOf(options),
    });
    this.#state = firstState(room ?? null, name ?? null);
    this.joined = this.#once((state) => state.phase === "joined");
    this.joined.catch(() => {}); // whoever asks for it hears of it
    this.#listen(options.signal);
  }

  get state() { return this.#state; }

  /**
   * Calls `listener` after every change of `state`. Returns the function that stops it.
   *
   * @param {(state: VisitState) => void} listener
   * @param {ListenOptions} [options]
   */
  subscribe(listener, options) {
    return this.on("state", listener, options);
  }

  /** Starts camera and microphone, connects and joins. See `joinVisit`. */
  async join() {
    const placed = this.#once(({ phase }) => phase === "joined" || phase === "waiting");
    placed.catch(() => {});
    if (this.media.stopped && !this.#silent) {
      void this.media.start(this.#wanted ?? this.media.wanted);
    }
    // An unanswered permission prompt keeps nobody out.
    const limit = new Promise((resolve) => { setTimeout(resolve, MEDIA_LIMIT_MS); });
    await Promise.race([this.media.started, limit]);
    if (this.#state.phase === "connecting") this.#signaling.connect();
    return placed;
  }

  /** Leaves the visit, or the waiting room. The others are told at once. */
  leave() {
    if (this.#state.phase === "ended") return;
    this.#signaling.leave();
    this.#end(new VisioError(Code.Left, "you left"));
  }

  // --- what you send ---

  mute(muted = true) { return this.media.setMic(!muted); }

  camera(on = true) { return this.media.setCamera(on); }

  /** Other devices, by `deviceId`. @param {import("./media.js").DeviceChoice} choice */
  switchDevice(choice) {
    return this.media.switchTo(choice);
  }

  /** Shows the screen in place of the camera. False: the person or the browser said no. */
  shareScreen() {
    return this.media.shareScreen();
  }

  stopSharing() {
    return this.media.stopSharing();
  }

  /**
   * Writes to everybody, or `to` one person. From the waiting room it reaches the hosts. Without a
   * connection the line waits for it.
   *
   * @param {string} text
   * @param {{ to?: string | undefined }} [options]
   */
  chat(text, { to } = {}) {
    const result = this.send({ type: "chat", message: text, ...(to !== undefined && { to }) });
    const lobby = this.#state.phase === "waiting"
      || (to !== undefined && this.#state.waiting.some(({ peerId }) => peerId === to));
    const status = result === "dropped" ? "unsent" : result;
    const line = this.#chat.add(
      { from: null, name: null, to: to ?? null, text, at: Date.now(), lobby, status },
    );
    this.#set({ chat: this.#chat.lines });
    return line;
  }

  /**
   * Sends a message of your own. "waiting": it goes out with the next seat.
   *
   * @param {ClientMessage} message
   */
  send(message) {
    return this.#signaling.send(message);
  }

  // --- what a host decides; false: there is no connection right now ---

  /** Lets somebody in who waits. @param {string} peerId */
  admit(peerId) {
    return this.#decide({ type: "admit", peerId });
  }

  /** Turns somebody away who waits. @param {string} peerId @param {string} [reason] */
  deny(peerId, reason) {
    return this.#decide({ type: "deny", peerId, ...(reason && { reason }) });
  }

  /**
   * Tells somebody who waits that they were seen.
   *
   * @param {string} peerId
   * @param {string} [message]
   */
  hold(peerId, message) {
    return this.#decide({ type: "hold", peerId, ...(message && { message }) });
  }

  /** Sends somebody back to the waiting room. @param {string} peerId */
  toLobby(peerId) {
    return this.#decide({ type: "to_lobby", peerId });
  }

  /** Removes somebody for good. @param {string} peerId @param {string} [reason] */
  remove(peerId, reason) {
    return this.#decide({ type: "remove", peerId, ...(reason && { reason }) });
  }

  /** Ends the visit for everybody. @param {string} [reason] */
  end(reason) {
    return this.#decide({ type: "end_visit", ...(reason && { reason }) });
  }

  /** @param {ClientMessage} message */
  #decide(message) {
    return this.#signaling.send({ ...message, requestId: HOST_REQUEST }) === "sent";
  }

  // --- what happens ---

  /** @param {AbortSignal | undefined} signal */
  #listen(signal) {
    const signaling = this.#signaling;
    const people = this.#people;
    const options = { signal: this.#stop.signal };
    signaling.on("state", (change) => this.#connection(change), options);
    signaling.on("room", (message) => this.#room(message), options);
    signaling.on("waiting", (message) => this.#waits(message), options);
    signaling.on("lobby", ({ waiting }) => this.#lobby(waiting), options);
    signaling.on("message", (message) => this.#heard(message), options);
    signaling.on("gap", ({ from }) => people.missed(from), options);
    signaling.on("ending", ({ endsAt }) => this.#ending(endsAt), options);
    signaling.on("failure", (error) => this.emit("failure", error), options);
    signaling.on("ended", (error) => this.#end(error), options);
    signaling.on("frame", (frame) => this.emit("frame", frame), options);
    people.on("people", (list) => this.#peopleChanged(list), options);
    people.on("arrived", (person) => this.emit("arrived", person), options);
    people.on("left", (person) => this.emit("left", person), options);
    this.media.on("change", () => this.#showMedia(), options);
    watchWakeups({
      awake: () => this.#awake(),
      offline: () => signaling.probe(),
      // The browser would keep the connection of a frozen page, and answer the server's pings.
      frozen: () => signaling.suspend(),
      closing: () => people.sayClosing(),
    }, this.#stop.signal);
    if (signal?.aborted) this.#abort();
    signal?.addEventListener("abort", () => this.#abort(), options);
  }

  #abort() {
    this.#signaling.leave();
    this.#end(new VisioError(Code.Aborted, "the signal was aborted"));
  }

  /** The network or the page is back, or it is another network: does everything still work? */
  #awake() {
    this.#signaling.retryNow();
    this.#signaling.probe();
    this.#people.checkRoutes();
    if (!this.media.stopped) void this.media.revive();
  }

  /** @param {{ state: SignalingState, attempt: number }} change */
  #connection({ state, attempt }) {
    const connected = state === "joined" || state === "waiting";
    if (connected) this.#chat.settle("sent");
    this.#set({ connected, attempt, chat: this.#chat.lines });
  }

  /** @param {RoomMessage} message */
  #room(message) {
    if (message.type === "joined") this.#seated(message);
    this.#people.follow(message);
  }

  /** @param {Joined} joined */
  #seated({ roomId, peerId, role, expiresAt }) {
    if (role === "observer") this.media.stop();
    const me = { ...this.#state.me, roomId, peerId, role };
    const own = expiresAt === undefined ? null : { at: expiresAt, everybody: false };
    const ends = this.#state.ends?.everybody ? this.#state.ends : own;
    this.#set({ phase: "joined", lobby: null, me, ends });
  }

  /**
   * Not in the visit yet, or no longer: this person sees nobody, and nobody sees them.
   *
   * @param {Waiting} message
   */
  #waits({ roomId, peerId, hostPresent, since, message }) {
    if (this.#state.phase === "joined") this.#people.clear();
    const known = this.#state.lobby?.since === since ? this.#state.lobby.message : null;
    const note = message ?? (hostPresent ? known : null);
    const lobby = Object.freeze({ hostPresent, since, message: note });
    const me = { ...this.#state.me, roomId, peerId };
    this.#set({ phase: "waiting", waiting: Object.freeze([]), lobby, me });
  }

  /** @param {readonly Knocker[]} waiting */
  #lobby(waiting) {
    const key = (/** @type {Knocker} */ { peerId, since }) => `${peerId} ${since}`;
    // A person who comes back after a moment has kept their place, and is not news.
    const news = waiting.filter((one) => !this.#known.has(key(one)));
    for (const one of news) this.#known.add(key(one));
    for (const old of this.#known) if (this.#known.size > KNOCKS_KEPT) this.#known.delete(old);
    this.#set({ waiting: Object.freeze([...waiting]) });
    for (const knocker of news) this.emit("knock", knocker);
  }

  /** @param {ServerMessage} message */
  #heard(message) {
    this.#people.receive(message);
    this.emit("message", message);
    const said = readChat(message);
    if (!said) return;
    const { from, text, direct, at } = said;
    const knocker = this.#state.waiting.find(({ peerId }) => peerId === from);
    const lobby = knocker !== undefined || this.#state.phase === "waiting";
    const name = this.#people.has(from)
      ? this.#people.nameOf(from) : knocker?.displayName ?? null;
    const to = direct ? this.#state.me.peerId : null;
    const line = this.#chat.add({ from, name, to, text, at, lobby, status: "sent" });
    this.#set({ chat: this.#chat.lines });
    this.emit("chat", line);
  }

  /** @param {number} at */
  #ending(at) {
    this.#set({ ends: Object.freeze({ at, everybody: true }) });
  }

  /** @param {VisitState["people"]} people */
  #peopleChanged(people) {
    this.#set({ people, quality: worst(people.map(({ quality }) => quality)) });
  }

  #showMedia() {
    this.#set({ me: { ...this.#state.me } });
  }

  /** @param {VisioError} reason */
  #end(reason) {
    if (this.#state.phase === "ended") return;
    this.#stop.abort();
    this.#people.close();
    this.#chat.settle("unsent");
    if (this.#ownsMedia) this.media.stop();
    this.#set({
      phase: "ended", reason, connected: false, people: Object.freeze([]), lobby: null,
      waiting: Object.freeze([]), quality: null, chat: this.#chat.lines,
    });
    this.emit("ended", reason);
  }

  /** @param {Partial<VisitState>} changes */
  #set(changes) {
    const next = { ...this.#state, ...changes };
    const { mic, camera, screen, stream, problem } = this.media;
    const me = Object.freeze({ ...next.me, mic, camera, screen, stream, problem });
    this.#state = Object.freeze({ ...next, me });
    this.emit("state", this.#state);
  }

  /** @param {(state: VisitState) => boolean} wanted @returns {Promise<VisitState>} */
  #once(wanted) {
    return new Promise((resolve, reject) => {
      const look = (/** @type {VisitState} */ state) => {
        if (!wanted(state) && state.phase !== "ended") return;
        stop();
        if (state.phase === "ended") reject(state.reason);
        else resolve(state);
      };
      const stop = this.on("state", look);
      if (this.#state) look(this.#state);
    });
  }
}

/** @param {string | null} roomId @param {string | null} name @returns {VisitState} */
function firstState(roomId, name) {
  return Object.freeze({
    phase: "connecting", reason: null, connected: false, attempt: 0,
    me: Object.freeze({
      roomId, peerId: null, name, role: "guest", mic: false, camera: false, screen: false,
      stream: null, problem: null,
    }),
    people: Object.freeze([]), waiting: Object.freeze([]), lobby: null, chat: Object.freeze([]),
    quality: null, ends: null,
  });
}

/** The state of no visit. */
export const IDLE = firstState(null, null);

/** `https://` is `wss://`, and a path is one of the page's own server. @param {string | URL} url */
function socketUrl(url) {
  const whole = new URL(url, globalThis.location?.href);
  if (whole.protocol === "http:") whole.protocol = "ws:";
  if (whole.protocol === "https:") whole.protocol = "wss:";
  return whole.href;
}

/** @param {VisitOptions} options @returns {RTCConfiguration} */
function configurationOf({ iceServers, iceTransportPolicy }) {
  return { ...(iceServers && { iceServers }), ...(iceTransportPolicy && { iceTransportPolicy }) };
}
