// What a Visit shows, as types.

/**
 * @import { VisioError } from "./errors.js"
 * @import { MediaProblem } from "./media.js"
 * @import { Knocker, Role, ServerMessage } from "./messages.js"
 * @import { Person } from "./person.js"
 * @import { Quality } from "./quality.js"
 */

/**
 * - connecting: not there yet
 * - waiting: in the waiting room; a host decides
 * - joined: in the visit
 * - ended: over; `reason` says why
 *
 * @typedef {"connecting" | "waiting" | "joined" | "ended"} Phase
 */

/**
 * @typedef {object} MeFields
 * @property {string | null} roomId
 * @property {string | null} peerId
 * @property {string | null} name
 * @property {Role} role  `guest` until the server said otherwise
 * @property {boolean} mic
 * @property {boolean} camera
 * @property {boolean} screen
 * @property {MediaStream | null} stream
 * @property {MediaProblem | null} problem  why something is missing
 */

/**
 * @typedef {object} ChatLineFields
 * @property {number} id
 * @property {string | null} from  a peer id; null: you
 * @property {string | null} name  null: you, or a person whose name is not known here
 * @property {string | null} to  for this person alone; null: for all
 * @property {string} text
 * @property {number} at
 * @property {boolean} lobby  written in the waiting room, or to it
 * @property {"sent" | "waiting" | "unsent"} status  waiting: goes out when the connection is back
 */

/** @typedef {Readonly<MeFields>} Me */
/** @typedef {Readonly<ChatLineFields>} ChatLine */
/** @typedef {Readonly<VisitStateFields>} VisitState */

/**
 * The waiting room, for the person in it.
 *
 * @typedef {Readonly<{ hostPresent: boolean, since: number, message: string | null }>} LobbyState
 */

/**
 * @typedef {object} VisitStateFields  never changes; `subscribe` tells of the next one
 * @property {Phase} phase
 * @property {VisioError | null} reason  why it ended
 * @property {boolean} connected  false: the connection to the server is lost, or not there yet
 * @property {number} attempt  how often it was tried since
 * @property {Me} me
 * @property {readonly Person[]} people
 * @property {readonly Knocker[]} waiting  for a host: who waits to be let in
 * @property {LobbyState | null} lobby
 * @property {readonly ChatLine[]} chat  the last 500 lines
 * @property {Quality["level"] | null} quality  the worst of all calls
 * @property {{ readonly at: number, readonly everybody: boolean } | null} ends  when the visit ends
 * by itself; not `everybody`: when your own invitation does
 */

/**
 * @typedef {object} VisitEvents
 * @property {VisitState} state  on every change
 * @property {Person} arrived
 * @property {Person} left
 * @property {Knocker} knock  for a host: somebody new waits
 * @property {ChatLine} chat  somebody else wrote
 * @property {ServerMessage} message  every message of other people, for your own types
 * @property {VisioError} failure  a refusal that ends nothing
 * @property {VisioError} ended  once
 * @property {import("./frames.js").Frame} frame  every frame, for a log
 */

/**
 * @typedef {object} VisitOptions
 * @property {string | URL} url  the server: `wss://HOST/ws`, or the page's own as `/ws`
 * @property {import("./token.js").TokenSource} [token]  the visit token, or a function that gets
 * one from your backend; it is asked whenever a new one is needed
 * @property {string | undefined} [room]  without a token
 * @property {string | undefined} [name]  without a token, or where the token names nobody
 * @property {string | undefined} [peerId]  without a token; random if absent
 * @property {{ readonly [field: string]: unknown } | undefined} [metadata]  at most 1 KiB, for all
 * to see
 * @property {import("./media.js").LocalMedia | MediaOptions | false} [media]  camera and
 * microphone; false: neither
 * @property {RTCIceServer[] | undefined} [iceServers]  in place of those that the server names
 * @property {RTCIceTransportPolicy | undefined} [iceTransportPolicy]  `relay`: only through TURN
 * @property {AbortSignal | undefined} [signal]  leaves when aborted
 */

/**
 * @typedef {{ mic?: boolean, camera?: boolean, quality?: "low" | "standard" | "high" }}
 *   MediaOptions
 */

export {};
