// What a Signaling takes and tells, as types.

/**
 * @import { Joined, Knocker, PeerAway, PeerBack, PeerJoined, PeerLeft } from "./messages.js"
 * @import { Roster, ServerMessage, VisitEnding, Waiting } from "./messages.js"
 * @import { VisioError } from "./errors.js"
 */

/** @typedef {"connecting" | "waiting" | "joined" | "reconnecting" | "closed"} SignalingState */

/** @typedef {Joined | PeerJoined | PeerLeft | PeerAway | PeerBack | Roster} RoomMessage */

/**
 * What `join` says about this client. A visit token decides the first three.
 *
 * @typedef {object} JoinFields
 * @property {string | undefined} [roomId]
 * @property {string | undefined} [peerId]
 * @property {string | undefined} [displayName]
 * @property {{ readonly [field: string]: unknown } | undefined} [metadata]
 */

/**
 * @typedef {object} SignalingOptions
 * @property {string} url  the `ws://` or `wss://` address of the server
 * @property {JoinFields | (() => JoinFields)} [join]  asked again for every connection
 * @property {import("./token.js").TokenSource} [token]  or a function that gets one
 * @property {AbortSignal | undefined} [signal]  leaves when aborted
 * @property {typeof globalThis.WebSocket} [WebSocket]  for a runtime that has none
 * @property {number} [lifetimeMs]  after this time a fresh connection takes the place of the one in
 * use; 110 minutes, because API Gateway ends one after 2 hours
 */

/**
 * @typedef {object} SignalingEvents
 * @property {{ state: SignalingState, attempt: number, pauseMs?: number }} state
 * @property {RoomMessage} room  what changed the room
 * @property {Waiting} waiting  in the lobby; again when a host comes, the last one goes, or one
 * writes a note
 * @property {{ waiting: readonly Knocker[] }} lobby  for a host: all who wait
 * @property {VisitEnding} ending  the visit ends by itself then
 * @property {ServerMessage} message  what another peer sent, and every other message
 * @property {{ from: string, missing: readonly number[] }} gap  what did not come
 * @property {VisioError} failure  a refusal that changes nothing about the connection
 * @property {VisioError} ended  over, and not to be retried by itself
 * @property {import("./frames.js").Frame} frame  every frame, for a log; tokens are left out
 */

export {};
