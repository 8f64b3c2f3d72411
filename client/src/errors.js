// What can go wrong, as constants and as one class.

/** @import { Failure } from "./messages.js" */

/**
 * @typedef {import("./messages.js").ErrorCode | "denied" | "left" | "token" | "aborted"} KnownCode
 */

/**
 * Every code of the server, and after them those of this client.
 *
 * @satisfies {Record<string, KnownCode>}
 */
export const Code = Object.freeze(/** @type {const} */ ({
  InvalidJson: "invalid_json",
  InvalidMessage: "invalid_message",
  UnknownType: "unknown_type",
  NotJoined: "not_joined",
  AlreadyJoined: "already_joined",
  PeerNotFound: "peer_not_found",
  PeerAway: "peer_away",
  PeerGone: "peer_gone",
  RoomFull: "room_full",
  Unauthorized: "unauthorized",
  Forbidden: "forbidden",
  RateLimited: "rate_limited",
  JoinTimeout: "join_timeout",
  IdleTimeout: "idle_timeout",
  Replaced: "replaced",
  Removed: "removed",
  VisitEnded: "visit_ended",
  VisitExpired: "visit_expired",
  SlowConsumer: "slow_consumer",
  Internal: "internal",
  /** A host did not let this client in. */
  Denied: "denied",
  /** `leave` was called. */
  Left: "left",
  /** The `token` function failed. It is asked again. */
  Token: "token",
  /** The AbortSignal that was given was aborted. */
  Aborted: "aborted",
}));

/** @typedef {typeof Code[keyof typeof Code]} AnyCode */

/** A refusal by the server, or the reason why a visit is over. Act on `code`. */
export class VisioError extends Error {
  /** @type {AnyCode} */
  code;
  /** The peer that the refused message named. @type {string | undefined} */
  to;
  /** A host's own words. @type {string | undefined} */
  reason;
  /** How long to wait, where waiting helps. @type {number | undefined} */
  retryAfterMs;
  /** How many messages were dropped, with `peer_gone`. @type {number | undefined} */
  count;
  /** The `requestId` of the refused message. @type {string | undefined} */
  requestId;

  /**
   * @param {AnyCode} code
   * @param {string} message  for developers
   * @param {Partial<Omit<Failure, "type" | "code" | "message">>} [more]
   */
  constructor(code, message, more = {}) {
    super(message);
    this.name = "VisioError";
    this.code = code;
    this.to = more.to;
    this.reason = more.reason;
    this.retryAfterMs = more.retryAfterMs;
    this.count = more.count;
    this.requestId = more.requestId;
  }

  /** @param {Failure} failure */
  static from(failure) {
    return new VisioError(failure.code, failure.message, failure);
  }
}

/**
 * Codes after which a client must not come back by itself.
 * @type {ReadonlySet<AnyCode>}
 */
export const FINAL = new Set([
  Code.Replaced, Code.Removed, Code.Denied, Code.VisitEnded, Code.VisitExpired, Code.Unauthorized,
]);

/**
 * The code of a close, in case the error frame before it was lost.
 * @type {ReadonlyMap<number, AnyCode>}
 */
export const FINAL_CLOSES = new Map([
  [4001, Code.Unauthorized], [4003, Code.Denied], [4009, Code.Replaced],
  [4010, Code.Removed], [4011, Code.VisitEnded],
]);
