// visio-client: what an app imports.

export { Call } from "./call.js";
export { checkConnection } from "./check.js";
export { Code, VisioError } from "./errors.js";
export { TabIdentity } from "./identity.js";
export { watchLevel } from "./level.js";
export { LocalMedia } from "./media.js";
export { randomId } from "./random.js";
export { Signaling } from "./signaling.js";
export { claimsOf } from "./token.js";
export { HOST_REQUEST, Visit, joinVisit } from "./visit.js";

/** @typedef {import("./call.js").CallOptions} CallOptions */
/** @typedef {import("./check.js").Step} Step */
/** @typedef {import("./errors.js").AnyCode} AnyCode */
/** @typedef {import("./media.js").DeviceChoice} DeviceChoice */
/** @typedef {import("./media.js").MediaProblem} MediaProblem */
/** @typedef {import("./messages.js").ClientMessage} ClientMessage */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {import("./messages.js").Knocker} Knocker */
/** @typedef {import("./messages.js").Role} Role */
/** @typedef {import("./person.js").Person} Person */
/** @typedef {import("./person.js").PersonState} PersonState */
/** @typedef {import("./quality.js").Quality} Quality */
/** @typedef {import("./signaling-events.js").SignalingEvents} SignalingEvents */
/** @typedef {import("./signaling-events.js").SignalingOptions} SignalingOptions */
/** @typedef {import("./token.js").TokenReason} TokenReason */
/** @typedef {import("./token.js").TokenSource} TokenSource */
/** @typedef {import("./visit-state.js").ChatLine} ChatLine */
/** @typedef {import("./visit-state.js").Me} Me */
/** @typedef {import("./visit-state.js").Phase} Phase */
/** @typedef {import("./visit-state.js").VisitEvents} VisitEvents */
/** @typedef {import("./visit-state.js").VisitOptions} VisitOptions */
/** @typedef {import("./visit-state.js").VisitState} VisitState */
