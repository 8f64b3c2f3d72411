// SignalingClient: one visit's connection to the signaling server. It uses no page and no media, so
// you can copy it into any app, with resumption.js (README.md next to this file shows how).
//
// It keeps four promises to the code above it:
// - it replaces a lost socket by itself, with growing, jittered pauses, under the same peer id;
// - it resumes its seat if it comes back in time: `joined` says `resumed: true`, nothing that was
//   sent either way is lost or comes twice, and every call can go on as it is;
// - if reconnecting would be wrong (another window took over, the visit is over), it stops and says
//   why, once, as `ended`;
// - room changes arrive in order: `room` fires only for a version newer than all seen before.
//
// If the visit's token says so, a host has to admit this client first. Then the state is "waiting"
// until `joined` comes, and again if a host sends the client back.
//
// After `resumed: false` the others see a new page. Their old calls with this client are useless
// then, and it offers to everybody in `joined.peers`, as a newcomer does.
//
// It asks for `join` and `token` again on every connection, so you can give a fresh token there.
// They go out together with the resume token, so that a seat that is gone is taken anew.

import { FrameCount, Refused } from "./resumption.js";

/** Errors after which this client must not reconnect by itself. */
const FINAL_CODES = new Set(
  ["replaced", "removed", "denied", "visit_ended", "visit_expired", "unauthorized"],
);

/** The same by close code, in case the error frame before it was lost. */
const FINAL_CLOSES = new Map([
  [4001, "unauthorized"], [4003, "denied"], [4009, "replaced"],
  [4010, "removed"], [4011, "visit_ended"],
]);

/** Refusals of `join` that are worth another try; every other one is for a human to read. */
const RETRY_JOIN = new Set(["internal", "rate_limited", "join_timeout"]);

const ROOM_TYPES = new Set(
  ["joined", "peer_joined", "peer_left", "peer_away", "peer_back", "roster"],
);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const OPEN_OR_JOIN_LIMIT_MS = 10_000;
const PROBE_LIMIT_MS = 5_000;
/** How long the connection stays open after `leave` at most. */
const LEAVE_LIMIT_MS = 2000;
/** API Gateway drops a connection that is silent for ten minutes. */
const KEEP_ALIVE_MS = 9 * 60_000;

/** The states in which this client has a place: a seat, or one in the lobby. */
const PLACED = new Set(["joined", "waiting"]);

/**
 * After `visit_ended` an `error` says why. If it is lost, it is enough to know that the visit is
 * over.
 */
const LAST_WORD_LIMIT_MS = 1_000;

/**
 * Events (`event.detail`):
 * - `state`   {state: "connecting" | "waiting" | "joined" | "reconnecting" | "closed", attempt,
 *   pauseMs}
 * - `room`    the server's message that changed the room: `joined`, `peer_joined`, `peer_away` (its
 *   connection is lost, and its seat waits for it), `peer_back`, `peer_left`, `roster`
 * - `waiting` {roomId, peerId, hostPresent, since}: in the lobby; again when a host comes or the
 *   last one goes
 * - `lobby`   {waiting: [{peerId, displayName, since}]}: for a host, all who wait, whenever that
 *   changed
 * - `ending`  {endsAt}: the visit ends by itself then
 * - `message` what another peer sent: relayed messages, chat, and all other types
 * - `failure` an `error` of the server that changes nothing about the connection
 * - `ended`   {code, message, reason}: over, and not to be retried by itself; `reason` is a host's
 *   own words
 * - `frame`   {direction: "in" | "out", message, bytes}: every frame, for a log; tokens are left
 *   out
 */
export class SignalingClient extends EventTarget {
  #url;
  #join;
  #token;
  #socket = null;
  #state = "closed";
  #attempt = 0;
  #notBefore = 0;
  #version = 0;
  #lobby = [];
  #reason;
  #timers = {};
  /** The frames of this connection. */
  #count = new FrameCount();
  /**
   * The seat to resume: its token, and the frames of the connection that the token came from. Both
   * stay until the next `joined`, because the answer to a resume may be lost as well.
   */
  #seat = null;
  #refused = new Refused();

  /**
   * @param {object} options
   * @param {string} options.url  `ws://` or `wss://` address of the server
   * @param {object | (() => object)} options.join  the fields of `join`: roomId, peerId,
   * displayName, ...
   * @param {string | (() => string)} [options.token]  the visit token, if the server needs
   * one
   */
  constructor({ url, join, token }) {
    super();
    this.#url = url;
    this.#join = typeof join === "function" ? join : () => join;
    this.#token = typeof token === "function" ? token : () => token;
  }

  get state() {
    return this.#state;
  }

  /** Opens the connection and joins. Does nothing if that is already under way. */
  connect() {
    if (this.#state !== "closed") return;
    this.#attempt = 0;
    this.#notBefore = 0;
    this.#enter("connecting");
    this.#open();
  }

  /**
   * Sends one message. False: there is no place right now, and nothing was sent. From the lobby
   * the server takes nothing but `chat`, which reaches the hosts.
   */
  send(message) {
    if (!PLACED.has(this.#state)) return false;
    return this.#write(message);
  }

  /** Gives up the seat, or the place in the lobby, and closes. The others are told at once. */
  leave() {
    if (this.send({ type: "leave" })) {
      closeOnceLeft(this.#socket);
      this.#socket = null;
    }
    this.#stop("leave");
  }

  /** Skips the current pause, for example when the network is back. */
  retryNow() {
    if (this.#state === "closed" || this.#socket) return;
    clearTimeout(this.#timers.retry);
    this.#open();
  }

  /** Asks the server for a sign of life, and reconnects if there is none. Use it when in doubt. */
  probe() {
    if (!PLACED.has(this.#state) || this.#timers.probe) return;
    this.#write({ type: "ping" });
    this.#timers.probe = setTimeout(() => this.#lost(), PROBE_LIMIT_MS);
  }

  // --- the connection ---

  #open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#version = 0;
    this.#lobby = [];
    this.#reason = undefined;
    this.#count = new FrameCount();
    // A socket that was given up may still deliver messages; only the current one counts.
    const whenCurrent = (handle) => (event) => { if (this.#socket === socket) handle(event); };
    socket.onopen = whenCurrent(() => this.#write(this.#request()));
    socket.onmessage = whenCurrent((event) => this.#receive(event.data));
    socket.onclose = whenCurrent((event) => this.#closed(event));
    this.#timers.open = setTimeout(() => this.#lost(), OPEN_OR_JOIN_LIMIT_MS);
  }

  #request() {
    const token = this.#token();
    const resume = this.#seat
      && { resumeToken: this.#seat.token, received: this.#seat.count.received };
    return { ...this.#join(), ...(token && { token }), ...resume, type: "join", requestId: "join" };
  }

  #closed({ code, reason }) {
    const final = FINAL_CLOSES.get(code) ?? (this.#timers.lastWord && "visit_ended");
    if (final) this.#end({ code: final, message: reason });
    else this.#lost();
  }

  /** The connection is useless now; reconnects after a pause. */
  #lost() {
    this.#drop();
    const pauseMs = Math.max(pause(this.#attempt), this.#notBefore - Date.now());
    this.#attempt += 1;
    this.#enter("reconnecting", { pauseMs });
    this.#timers.retry = setTimeout(() => this.#open(), pauseMs);
  }

  #end({ code, message, reason = this.#reason }) {
    this.#stop(code);
    this.#emit("ended", { code, message, reason });
  }

  #stop(reason) {
    this.#drop(reason);
    this.#forgetSeat();
    if (this.#state !== "closed") this.#enter("closed");
  }

  #drop(reason = "lost") {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000, reason);
  }

  #enter(state, more = {}) {
    this.#state = state;
    this.#emit("state", { state, attempt: this.#attempt, ...more });
  }

  // --- frames ---

  #write(said) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    const message = this.#refused.number(said);
    const text = JSON.stringify(message);
    this.#socket.send(text);
    if (message.type !== "join") this.#count.sent(message);
    this.#emitFrame("out", message, text);
    this.#stayAlive();
    return true;
  }

  #emitFrame(direction, message, text) {
    this.#emit("frame", { direction, message: withoutTokens(message), bytes: byteLength(text) });
  }

  #receive(text) {
    this.#count.received += 1;
    const message = parse(text);
    // API Gateway's own errors, {message, connectionId, requestId}, have no type; we ignore them.
    if (typeof message?.type !== "string") return;
    this.#emitFrame("in", message, text);
    this.#stayAlive();
    clearTimeout(this.#timers.probe);
    delete this.#timers.probe;
    this.#dispatch(message);
  }

  #dispatch(message) {
    if (message.type === "error") this.#failed(message);
    else if (message.type === "visit_ended") this.#over(message);
    else if (message.type === "denied") this.#denied(message);
    else if (message.type === "going_away") this.#moveAfter(message.reconnectAfterMs);
    else if (message.type === "waiting") this.#wait(message);
    else if (message.type === "knock") this.#knocked(message);
    else if (message.type === "lobby") this.#lobbyChanged(message.waiting);
    else if (message.type === "visit_ending") this.#emit("ending", message);
    else if (ROOM_TYPES.has(message.type)) this.#roomChanged(message);
    else if (message.type !== "pong") this.#emit("message", message);
  }

  #roomChanged(message) {
    const joined = message.type === "joined";
    if (joined) this.#seated(message);
    // A client in the lobby has no room; this is late news of the room it was in.
    if (this.#state === "waiting") return;
    // `joined` always counts, whatever its version: a restarted server counts from one again.
    if (!joined && message.version <= this.#version) return;
    this.#version = Math.max(this.#version, message.version);
    for (const due of this.#refused.due(message.peers)) this.#write(due);
    this.#emit("room", message);
  }

  #seated({ resumeToken, resumed, received, peers }) {
    const before = this.#seat?.count;
    this.#seat = { token: resumeToken, count: this.#count };
    this.#count.received = 0;
    if (resumed) this.#sendAgain(before?.notTaken(received) ?? [], peers);
    else this.#refused.clear();
    this.#placed("joined");
  }

  #sendAgain(messages, peers) {
    for (const one of messages) if (this.#refused.hasReceiver(one, peers)) this.#write(one);
  }

  #forgetSeat() {
    this.#seat = null;
    this.#refused.clear();
  }

  #placed(state) {
    clearTimeout(this.#timers.open);
    this.#attempt = 0;
    this.#notBefore = 0;
    if (this.#state !== state) this.#enter(state);
  }

  #wait(message) {
    this.#lobby = [];
    this.#forgetSeat();
    this.#placed("waiting");
    this.#emit("waiting", message);
  }

  #knocked({ peerId, displayName, since }) {
    const others = this.#lobby.filter((one) => one.peerId !== peerId);
    this.#lobbyChanged([...others, { peerId, displayName, since }]);
  }

  #lobbyChanged(waiting) {
    this.#lobby = waiting;
    this.#emit("lobby", { waiting });
  }

  #denied({ reason }) {
    this.#reason = reason;
    this.#end({ code: "denied" });
  }

  #over({ reason }) {
    this.#reason = reason;
    this.#timers.lastWord = setTimeout(
      () => this.#end({ code: "visit_ended" }), LAST_WORD_LIMIT_MS,
    );
  }

  #failed(error) {
    if (error.code === "peer_away") return this.#notKept(error);
    if (error.code === "peer_gone") this.#refused.forget(error.to);
    if (error.retryAfterMs) this.#notBefore = Date.now() + error.retryAfterMs;
    const joining = !PLACED.has(this.#state);
    const hopeless = FINAL_CODES.has(error.code) || (joining && !RETRY_JOIN.has(error.code));
    if (hopeless) this.#end(error);
    else if (joining) this.#lost();
    else this.#emit("failure", error);
  }

  /** The pause that this error asks for is about its message, not about this connection. */
  #notKept(error) {
    if (!this.#refused.take(error)) this.#emit("failure", error);
  }

  /** A draining server says when to reconnect; until then this connection stays in use. */
  #moveAfter(delayMs = 0) {
    this.#notBefore = Date.now() + delayMs;
    this.#timers.move = setTimeout(() => this.#lost(), delayMs);
  }

  #stayAlive() {
    clearTimeout(this.#timers.alive);
    this.#timers.alive = setTimeout(() => this.#write({ type: "ping" }), KEEP_ALIVE_MS);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Full jitter over a growing range, so that a thousand clients do not all reconnect at once. */
export function pause(attempt, random = Math.random) {
  const range = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return range / 4 + random() * range * 0.75;
}

/**
 * On API Gateway every message is handled by itself, and so is the end of the connection. If the
 * end were handled before `leave`, the others would wait for this peer until its grace time is
 * over. So the connection stays open until the server says that it has no seat any more.
 */
function closeOnceLeft(socket) {
  const close = () => socket.close(1000, "leave");
  const timer = setTimeout(close, LEAVE_LIMIT_MS);
  const ask = () => socket.send(JSON.stringify({ type: "peers" }));
  socket.onmessage = ({ data }) => {
    const { type, code } = parse(data) ?? {};
    if (code === "not_joined") close();
    else if (type === "roster") ask();
  };
  socket.onclose = () => clearTimeout(timer);
  ask();
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

/** Anybody who holds a token can act for its owner, so it must not be logged. */
function withoutTokens(message) {
  const logged = { ...message };
  for (const key of ["token", "resumeToken"]) if (key in logged) logged[key] = "(left out)";
  return logged;
}
