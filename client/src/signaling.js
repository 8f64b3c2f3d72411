// Signaling: one visit's connection to the server. It uses no page and no media.
//
// It keeps these promises to the code above it:
// - it replaces a lost socket by itself, with growing, jittered pauses, under the same peer id, and
//   one that API Gateway is about to end before that;
// - it resumes its seat if it comes back in time: `joined` says `resumed: true`, nothing that was
//   sent either way is lost or comes twice, and every call can go on as it is;
// - what is sent without a seat waits for the next one;
// - messages of one peer arrive in the order in which it sent them, and a gap is named;
// - if reconnecting would be wrong (another window took over, the visit is over), it stops and says
//   why, once, as `ended`;
// - room changes arrive in order: `room` fires only for a version newer than all seen before.
//
// If the visit's token says so, a host has to admit this client first: the state is "waiting".
//
// After `resumed: false` the others see a new page. Their old calls with this client are useless
// then, and it offers to everybody in `joined.peers`, as a newcomer does.

import { pause } from "./backoff.js";
import { Code, FINAL, FINAL_CLOSES, VisioError } from "./errors.js";
import { Emitter } from "./events.js";
import { frameOf, parse, withoutAbsent } from "./frames.js";
import { Line } from "./line.js";
import { Lobby } from "./lobby.js";
import { Post } from "./post.js";
import { Pulse } from "./pulse.js";
import { Renewal } from "./renewal.js";
import { RoomNews } from "./room-news.js";
import { Incoming } from "./sequence.js";
import { Timers } from "./timers.js";
import { Tokens } from "./token.js";

/**
 * @import { ClientMessage, Failure, Joined, Waiting } from "./messages.js"
 * @import { RoomMessage, SignalingEvents, SignalingOptions } from "./signaling-events.js"
 * @import { SignalingState } from "./signaling-events.js"
 */

/** Refusals of `join` that are worth another try; every other one is for a human to read. */
const RETRY_JOIN = new Set(["internal", "rate_limited", "join_timeout"]);

const ROOM = new Set(["joined", "peer_joined", "peer_left", "peer_away", "peer_back", "roster"]);

const OPEN_OR_JOIN_LIMIT_MS = 10_000;
/** API Gateway ends every connection after 2 hours. */
const LIFETIME_MS = 110 * 60_000;

/** The states in which this client has a place: a seat, or one in the lobby. */
const PLACED = new Set(["joined", "waiting"]);

/** After `visit_ended` an `error` says why. If it is lost, what is known is enough. */
const LAST_WORD_LIMIT_MS = 1_000;

/** @extends {Emitter<SignalingEvents>} */
export class Signaling extends Emitter {
  #join;
  #tokens;
  #renewal;
  #line;
  /** @type {SignalingState} */
  #state = "closed";
  #attempt = 0;
  #notBefore = 0;
  #news = new RoomNews();
  #lobby = new Lobby();
  /** @type {string | undefined} */
  #reason;
  #timers = new Timers();
  #pulse = new Pulse({ ping: () => this.#write({ type: "ping" }), lost: () => this.#lost() });
  #post = new Post();
  /**
   * What resumes the seat. It stays until the next `joined`, because the answer to a resume may be
   * lost as well.
   *
   * @type {string | null}
   */
  #resumeToken = null;
  #incoming = new Incoming({
    deliver: (message) => this.emit("message", message),
    gap: (gap) => this.emit("gap", gap),
  });

  /** @param {SignalingOptions} options */
  constructor({
    url, join = {}, token, signal, WebSocket = globalThis.WebSocket, lifetimeMs = LIFETIME_MS,
  }) {
    super();
    this.#join = typeof join === "function" ? join : () => join;
    this.#tokens = new Tokens(token);
    this.#line = new Line(() => new WebSocket(url), lifetimeMs, {
      opened: (still) => this.#greet(still),
      heard: (text) => this.#receive(text),
      closed: (end) => this.#closed(end),
      token: () => this.#tokens.current(),
      ping: (ping) => this.#write(ping),
      join: (token) => this.#textOf(this.#request(token)),
      moved: (answer) => { this.#begin(); this.#receive(answer); },
      late: (text) => this.#receiveLate(text),
      unsaid: (message) => this.send(message),
    });
    this.#renewal = new Renewal({
      tokens: this.#tokens,
      send: (message) => this.#write(message),
      failed: (error) => this.emit("failure", error),
    });
    signal?.addEventListener("abort", () => this.leave(), { once: true });
  }

  get state() { return this.#state; }

  /** Opens the connection and joins. Does nothing if that is already under way. */
  connect() {
    if (this.#state !== "closed") return;
    this.#attempt = 0;
    this.#notBefore = 0;
    this.#tokens.accepted();
    this.#enter("connecting");
    this.#open();
  }

  /**
   * Sends one message. Without a place right now, what is for other people waits for it, and
   * everything else is "dropped". From the lobby the server takes nothing but `chat`, which reaches
   * the hosts.
   *
   * @param {ClientMessage} message
   * @returns {"sent" | "waiting" | "dropped"}
   */
  send(message) {
    if (PLACED.has(this.#state) && this.#write(message)) return "sent";
    return this.#state !== "closed" && this.#post.keep(message) ? "waiting" : "dropped";
  }

  /** Gives up the seat, or the place in the lobby, and closes. The others are told at once. */
  leave() {
    this.#line.stay();
    if (PLACED.has(this.#state) && this.#write({ type: "leave" })) this.#line.closeOnceLeft();
    this.#stop("leave");
  }

  /** Lets go of the connection and keeps the place, before a page goes into the browser's cache. */
  suspend() {
    if (this.#state !== "closed") this.#lost();
  }

  /** Skips the current pause, for example when the network is back. */
  retryNow() {
    if (this.#state === "closed" || this.#line.isUsed) return;
    this.#timers.cancel("retry");
    this.#open();
  }

  /** Asks the server for a sign of life, and reconnects if there is none. Use it when in doubt. */
  probe() {
    if (PLACED.has(this.#state)) this.#pulse.probe();
  }

  // --- the connection ---

  #open() {
    this.#begin();
    this.#line.open();
    this.#timers.after("open", OPEN_OR_JOIN_LIMIT_MS, () => this.#lost());
  }

  /** Another connection. */
  #begin() {
    this.#news = new RoomNews();
    this.#lobby = new Lobby();
    this.#reason = undefined;
    this.#post.connected();
  }

  /** @param {() => boolean} still */
  async #greet(still) {
    try {
      const token = await this.#tokens.current();
      if (still()) this.#write(this.#request(token));
    } catch (error) {
      if (!still()) return;
      this.emit("failure", new VisioError(Code.Token, `no token: ${error}`));
      this.#lost();
    }
  }

  /**
   * @param {import("./token.js").Token} token
   * @returns {ClientMessage}
   */
  #request(token) {
    const resumeToken = this.#resumeToken;
    const received = this.#post.receivedInSeat;
    const resume = resumeToken && withoutAbsent({ resumeToken, received });
    return {
      ...withoutAbsent(this.#join()), ...(token && { token }), ...resume, type: "join",
      requestId: "join",
    };
  }

  /** @param {{ code: number, reason: string }} end */
  #closed({ code, reason }) {
    const over = this.#timers.runs("lastWord") ? Code.VisitEnded : undefined;
    const final = FINAL_CLOSES.get(code) ?? over;
    if (final) this.#refuse(new VisioError(final, reason || final));
    else this.#lost();
  }

  /** The connection is useless now; reconnects after a pause. */
  #lost() {
    this.#drop();
    const pauseMs = Math.max(pause(this.#attempt), this.#notBefore - Date.now());
    this.#attempt += 1;
    this.#enter("reconnecting", pauseMs);
    this.#timers.after("retry", pauseMs, () => this.#open());
  }

  /** A token that was refused is asked for once more, if it can be another one. */
  #refuse(/** @type {VisioError} */ error) {
    if (error.code === Code.Unauthorized && this.#tokens.refused()) this.#lost();
    else this.#end(error);
  }

  /** @param {VisioError} error */
  #end(error) {
    error.reason ??= this.#reason;
    this.#stop(error.code);
    this.emit("ended", error);
  }

  /** @param {string} reason */
  #stop(reason) {
    this.#drop(reason);
    this.#resumeToken = null;
    this.#post.clear();
    this.#incoming.clear();
    if (this.#state !== "closed") this.#enter("closed");
  }

  #drop(reason = "lost") {
    this.#timers.clear();
    this.#pulse.stop();
    this.#renewal.stop();
    this.#line.drop(reason);
  }

  /** @param {SignalingState} state @param {number} [pauseMs] */
  #enter(state, pauseMs) {
    this.#state = state;
    const wait = pauseMs === undefined ? {} : { pauseMs };
    this.emit("state", { state, attempt: this.#attempt, ...wait });
  }

  // --- frames ---

  /** @param {ClientMessage} said */
  #write(said) {
    if (this.#line.holds(said)) return true;
    if (!this.#line.isOpen) return false;
    const message = this.#post.stamp(said);
    this.#line.send(this.#textOf(message));
    this.#post.sent(message);
    this.#pulse.spoke();
    return true;
  }

  /** @param {object} message */
  #textOf(message) {
    const text = JSON.stringify(message);
    this.emit("frame", frameOf("out", message, text));
    return text;
  }

  /** @param {string} text */
  #receive(text) {
    this.#post.received();
    const message = parse(text);
    // API Gateway's own errors, {message, connectionId, requestId}, have no type; we ignore them.
    if (typeof message?.type !== "string") return;
    this.emit("frame", frameOf("in", message, text));
    this.#pulse.heard();
    this.#dispatch(message);
  }

  /** Of the room, the fresh connection tells everything itself. @param {string} text */
  #receiveLate(text) {
    const message = parse(text);
    this.emit("frame", frameOf("in", message, text));
    if (message?.from !== undefined) this.#incoming.take(message);
    else if (message?.code === Code.PeerAway) this.#post.refused(message);
  }

  /** @param {any} message */
  #dispatch(message) {
    switch (message.type) {
      case "error": return this.#failed(message);
      case "visit_ended": return this.#over(message);
      case "denied": return this.#denied(message);
      case "going_away": return this.#goAfter(message.reconnectAfterMs);
      case "waiting": return this.#wait(message);
      case "knock": this.#lobby.knock(message); return this.#lobbyChanged();
      case "lobby": this.#lobby.list(message); return this.#lobbyChanged();
      case "visit_ending": return this.emit("ending", message);
      case "renewed": return this.#renewal.plan(message.expiresAt);
      case "pong": return this.#line.ponged(message.requestId);
      default:
    }
    if (ROOM.has(message.type)) this.#roomChanged(message);
    else if (message.from !== undefined) this.#incoming.take(message);
    else this.emit("message", message);
  }

  /** @param {RoomMessage} message */
  #roomChanged(message) {
    const joined = message.type === "joined";
    const placed = PLACED.has(this.#state);
    if (joined && this.#state === "waiting" && message.version < this.#news.version) return;
    if (joined) this.#seated(message);
    // A client in the lobby has no room; this is late news of the room it was in.
    if (this.#state === "waiting") return;
    for (const news of this.#news.take(message, placed)) {
      for (const due of this.#post.roster(news.peers)) this.#write(due);
      this.emit("room", news);
    }
  }

  /** @param {Joined} joined */
  #seated(joined) {
    const { resumeToken, heartbeatSeconds, expiresAt, peers } = joined;
    this.#resumeToken = resumeToken;
    const due = this.#post.seated(joined);
    due.push(...this.#post.roster(peers));
    for (const message of due) this.#write(message);
    this.#pulse.beatsEvery(heartbeatSeconds);
    this.#renewal.plan(expiresAt);
    this.#placed("joined");
  }

  /** @param {"joined" | "waiting"} state */
  #placed(state) {
    this.#line.placed();
    this.#timers.cancel("open");
    this.#attempt = 0;
    this.#notBefore = 0;
    this.#tokens.accepted();
    if (this.#state !== state) this.#enter(state);
  }

  /** @param {Waiting} message */
  #wait(message) {
    if (PLACED.has(this.#state) && message.version < this.#news.version) return;
    this.#news.version = message.version;
    this.#lobby = new Lobby();
    this.#resumeToken = null;
    this.#placed("waiting");
    for (const due of this.#post.waits()) this.#write(due);
    this.emit("waiting", message);
  }

  #lobbyChanged() {
    this.emit("lobby", { waiting: this.#lobby.waiting });
  }

  /** @param {{ reason?: string }} denied */
  #denied({ reason }) {
    if (reason !== undefined) this.#reason = reason;
    this.#end(new VisioError(Code.Denied, "a host did not let this client in"));
  }

  /** @param {{ reason?: string }} ended */
  #over({ reason }) {
    this.#reason = reason;
    const over = () => this.#end(new VisioError(Code.VisitEnded, "the visit is over"));
    this.#timers.after("lastWord", LAST_WORD_LIMIT_MS, over);
  }

  /** @param {Failure} failure */
  #failed(failure) {
    const error = VisioError.from(failure);
    // What this asks for is about its message, not about this connection.
    if (error.code === Code.PeerAway && this.#post.refused(error)) return;
    if (error.code === Code.PeerAway) return this.emit("failure", error);
    if (error.code === Code.PeerGone && error.to !== undefined) this.#post.forget(error.to);
    if (error.retryAfterMs) this.#notBefore = Date.now() + error.retryAfterMs;
    const joining = !PLACED.has(this.#state);
    const hopeless = FINAL.has(error.code) || (joining && !RETRY_JOIN.has(error.code));
    if (hopeless) this.#refuse(error);
    else if (joining) this.#lost();
    else this.emit("failure", error);
  }

  // --- time ---

  /** A draining server says when to reconnect; until then this connection stays in use. */
  #goAfter(delayMs = 0) {
    this.#notBefore = Date.now() + delayMs;
    this.#timers.after("move", delayMs, () => this.#lost());
  }
}
