// SignalingClient: one visit's connection to the signaling server. It knows no page and no media,
// so it can be copied into any app (README.md beside this file shows how).
//
// It keeps three promises to the code above it:
// - a lost socket comes back by itself, with growing, jittered pauses, under the same peer id;
// - where coming back would be wrong (another window took over, the visit is over), it stops and
//   says why, once, as `ended`;
// - room changes arrive in order: `room` fires only for a version newer than all seen before.
//
// What it leaves out: resuming a seat. `join` is asked for again on every connection, so a later
// `resumeToken` can be given there.

/** Errors after which this client must not come back by itself. */
const FINAL_CODES = new Set(["replaced", "removed", "denied", "visit_ended", "visit_expired", "unauthorized"]);

/** The same by close code, for the case that the error frame before it was lost. */
const FINAL_CLOSES = new Map([
  [4001, "unauthorized"], [4003, "denied"], [4009, "replaced"], [4010, "removed"], [4011, "visit_ended"],
]);

/** Answers to `join` worth another try; every other one is for a human to read. */
const RETRY_JOIN = new Set(["internal", "rate_limited", "join_timeout"]);

const ROOM_TYPES = new Set(["joined", "peer_joined", "peer_left", "peer_away", "peer_back", "roster"]);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const OPEN_OR_JOIN_LIMIT_MS = 10_000;
const PROBE_LIMIT_MS = 5_000;
/** API Gateway drops a connection that is silent for ten minutes. */
const KEEP_ALIVE_MS = 9 * 60_000;

/**
 * Events (`event.detail`):
 * - `state`   {state: "connecting" | "joined" | "reconnecting" | "closed", attempt, pauseMs}
 * - `room`    the server's message that changed the room, `joined` included
 * - `message` what another peer sent: relayed messages, chat, and all other types
 * - `failure` an `error` of the server that changes nothing about the connection
 * - `ended`   {code, message}: over, and not to be retried by itself
 * - `frame`   {direction: "in" | "out", message, bytes}: every frame, for a log
 */
export class SignalingClient extends EventTarget {
  #url;
  #join;
  #socket = null;
  #state = "closed";
  #attempt = 0;
  #notBefore = 0;
  #version = 0;
  #timers = {};

  /**
   * @param {object} options
   * @param {string} options.url  `ws://` or `wss://` address of the server
   * @param {object | (() => object)} options.join  the fields of `join`: roomId, peerId, displayName, ...
   */
  constructor({ url, join }) {
    super();
    this.#url = url;
    this.#join = typeof join === "function" ? join : () => join;
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

  /** Sends one message. False: there is no seat right now, and nothing was sent. */
  send(message) {
    if (this.#state !== "joined") return false;
    return this.#write(message);
  }

  /** Gives up the seat and closes. The others are told at once. */
  leave() {
    this.send({ type: "leave" });
    this.#stop("leave");
  }

  /** Skips the current pause, for example when the network is back. */
  retryNow() {
    if (this.#state === "closed" || this.#socket) return;
    clearTimeout(this.#timers.retry);
    this.#open();
  }

  /** Asks the server for a sign of life, and reconnects if there is none. For doubtful moments. */
  probe() {
    if (this.#state !== "joined" || this.#timers.probe) return;
    this.#write({ type: "ping" });
    this.#timers.probe = setTimeout(() => this.#lost(), PROBE_LIMIT_MS);
  }

  // --- the connection ---

  #open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#version = 0;
    // A socket that was given up may still speak; only the current one is heard.
    const whenCurrent = (handle) => (event) => { if (this.#socket === socket) handle(event); };
    socket.onopen = whenCurrent(() => this.#write({ ...this.#join(), type: "join", requestId: "join" }));
    socket.onmessage = whenCurrent((event) => this.#receive(event.data));
    socket.onclose = whenCurrent((event) => this.#closed(event));
    this.#timers.open = setTimeout(() => this.#lost(), OPEN_OR_JOIN_LIMIT_MS);
  }

  #closed({ code, reason }) {
    const final = FINAL_CLOSES.get(code);
    if (final) this.#end({ code: final, message: reason });
    else this.#lost();
  }

  /** The connection is of no use any more; comes back after a pause. */
  #lost() {
    this.#drop();
    const pauseMs = Math.max(pause(this.#attempt), this.#notBefore - Date.now());
    this.#attempt += 1;
    this.#enter("reconnecting", { pauseMs });
    this.#timers.retry = setTimeout(() => this.#open(), pauseMs);
  }

  #end({ code, message }) {
    this.#stop(code);
    this.#emit("ended", { code, message });
  }

  #stop(reason) {
    this.#drop(reason);
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

  #write(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    const text = JSON.stringify(message);
    this.#socket.send(text);
    this.#emit("frame", { direction: "out", message, bytes: byteLength(text) });
    this.#stayAlive();
    return true;
  }

  #receive(text) {
    const message = parse(text);
    // API Gateway's own errors, {message, connectionId, requestId}, have no type: not for us.
    if (typeof message?.type !== "string") return;
    this.#emit("frame", { direction: "in", message, bytes: byteLength(text) });
    this.#stayAlive();
    clearTimeout(this.#timers.probe);
    delete this.#timers.probe;
    this.#dispatch(message);
  }

  #dispatch(message) {
    if (message.type === "error") this.#failed(message);
    else if (message.type === "visit_ended") this.#end({ code: "visit_ended", message: message.reason });
    else if (message.type === "denied") this.#end({ code: "denied", message: message.reason });
    else if (message.type === "going_away") this.#moveAfter(message.reconnectAfterMs);
    else if (ROOM_TYPES.has(message.type)) this.#roomChanged(message);
    else if (message.type !== "pong") this.#emit("message", message);
  }

  #roomChanged(message) {
    const joined = message.type === "joined";
    if (joined) this.#seated();
    // `joined` is news whatever its version: a restarted server counts from one again.
    if (!joined && message.version <= this.#version) return;
    this.#version = Math.max(this.#version, message.version);
    this.#emit("room", message);
  }

  #seated() {
    clearTimeout(this.#timers.open);
    this.#attempt = 0;
    this.#notBefore = 0;
    this.#enter("joined");
  }

  #failed(error) {
    if (error.retryAfterMs) this.#notBefore = Date.now() + error.retryAfterMs;
    const joining = this.#state !== "joined";
    const hopeless = FINAL_CODES.has(error.code) || (joining && !RETRY_JOIN.has(error.code));
    if (hopeless) this.#end(error);
    else if (joining) this.#lost();
    else this.#emit("failure", error);
  }

  /** A draining server says when to come back; until then this connection stays in use. */
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

/** Full jitter over a growing range, so that a thousand clients do not come back at one moment. */
export function pause(attempt, random = Math.random) {
  const range = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return range / 4 + random() * range * 0.75;
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
