// Which words when: the codes of the protocol on the left, and what happened and what to do about
// it on the right. The words themselves are in strings/.

import { strings as say } from "./strings/index.js";

/**
 * Why a person could not join a visit, or why it is over. `action` is the label of the join button;
 * it is null if trying again is of no use, and then `title` says so.
 */
const ENDINGS = {
  left: { text: say.left, action: say.rejoin, kind: "info" },
  left_waiting: { text: say.leftWaiting, action: say.backToWaiting, kind: "info" },
  replaced: { text: say.replaced, action: say.useHere, kind: "info" },
  room_full: { text: say.full, action: say.tryAgain },
  denied: { text: say.denied, action: say.askAgain },
  removed: { title: say.removedTitle, text: say.removed, action: null },
  ended_here: { title: say.overTitle, text: say.endedHere, action: null, kind: "info" },
  visit_ended: { title: say.overTitle, text: say.ended, action: null, kind: "info" },
  visit_expired: { title: say.overTitle, text: say.expired, action: null, kind: "info" },
  forbidden: { text: say.otherVisit },
  rate_limited: { text: say.tooFast, action: say.tryAgain },
};

export function ending({ code, message, reason }, invitation) {
  const known = code === "unauthorized" ? notInvited(invitation)
    : ENDINGS[code] ?? { text: say.notJoined(message || code), action: say.tryAgain };
  return {
    title: say.joinTitle,
    action: say.join,
    kind: "warning",
    ...known,
    text: reason ? say.theyWrote(known.text, reason) : known.text,
  };
}

/** The server says only that it refuses the token; the token itself may say why. */
export function notInvited(invitation, now = Date.now()) {
  if (!invitation) {
    return { title: say.noInvitationTitle, text: say.noInvitation, action: null };
  }
  const { notBefore, expiresAt } = invitation;
  if (notBefore > now) {
    return { text: say.early(dateAndTime(notBefore)), action: say.tryAgain, kind: "info" };
  }
  if (expiresAt <= now) {
    return { title: say.expiredTitle, text: say.expiredLink(dateAndTime(expiresAt)), action: null };
  }
  return { title: say.brokenTitle, text: say.broken, action: null };
}

/** The server's error about a message, in words; null if it does not concern the person. */
export function failure({ code, requestId, retryAfterMs }, hostRequest) {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000));
  if (code === "rate_limited") return say.slowDown(seconds);
  if (code === "room_full") return say.noRoom;
  if (requestId === hostRequest) {
    if (code === "peer_not_found") return say.notThere;
    if (code === "forbidden") return say.notAllowed;
  }
  return code === "internal" ? say.wentWrong : null;
}

const PROBLEMS = {
  denied: say.problemDenied,
  missing: say.problemMissing,
  busy: say.problemBusy,
  insecure: say.problemInsecure,
  failed: say.problemFailed,
};

/** What is missing on this side, or null. */
export function deviceNote({ problem, hasMic, camera }) {
  if (problem === null) return null;
  if (hasMic && !camera) return say.cameraMissing;
  if (!hasMic && camera) return say.micMissing;
  return PROBLEMS[problem];
}

/** The calm line over the picture while the server cannot be reached. */
export function reconnecting(attempt) {
  if (!navigator.onLine) return say.offline;
  return attempt > 3 ? say.unreachable : say.reconnecting;
}

export const PERSON_STATES = {
  connecting: say.stateConnecting,
  connected: say.stateConnected,
  reconnecting: say.stateReconnecting,
  trouble: say.stateTrouble,
  present: say.statePresent,
  left: say.stateLeft,
};

const WEAK = { fair: say.qualityFair, poor: say.qualityPoor };

/** A connection that is not good, in words; or "". */
export function weakness(quality) {
  return WEAK[quality?.level] ?? "";
}

/** The state of a person, as the list shows it. */
export function personState({ role, state, quality }) {
  if (role === "observer" && state === "present") return say.stateObserver;
  if (weakness(quality)) return weakness(quality);
  if (state === "connected" && quality) return quality.relayed ? say.stateRelayed : say.stateDirect;
  return PERSON_STATES[state];
}

// --- the waiting room ---

/** The questions that a host is asked before the action. */
export const QUESTIONS = {
  decline: (name) => ({
    title: say.declineTitle(name),
    text: say.declineText(name),
    reason: say.messageOptional(name),
    startsWithReason: true,
    action: say.decline,
  }),
  hold: (name) => ({
    title: say.holdTitle(name),
    text: say.holdText(name),
    reason: say.holdMessage,
    suggestion: say.holdDefault,
    startsWithReason: true,
    action: say.hold,
    harmless: true,
  }),
  to_lobby: (name) => ({
    title: say.toLobbyTitle(name),
    text: say.toLobbyText(name),
    action: say.toLobbyAction,
  }),
  remove: (name) => ({
    title: say.removeTitle(name),
    text: say.removeText(name),
    reason: say.messageOptional(name),
    action: say.remove,
  }),
  end_visit: () => ({
    title: say.endTitle,
    text: say.endText,
    reason: say.messageEverybody,
    action: say.end,
  }),
};

/** The status that a waiting guest sees. */
export function waitingStatus({ hostPresent, message }) {
  if (!hostPresent) return say.waitNoHost;
  return message ? say.waitHeld(message) : say.waitHost;
}

export function waitingReconnecting() {
  return navigator.onLine ? say.waitReconnecting : say.offline;
}

/** "10:42 (3 minutes)" */
export function sinceWhen(since, now = Date.now()) {
  return `${timeOfDay(since)} (${span(now - since)})`;
}

export function waitingCount(names) {
  if (names.length === 0) return "";
  return names.length === 1 ? say.oneWaits(names[0]) : say.someWait(names.length);
}

/** `everybody`: the visit ends; otherwise only this invitation ends. */
export function endingSoon(endsAt, everybody, now = Date.now()) {
  const left = endsAt - now > 0
    ? say.inTime(span(Math.max(60_000, endsAt - now))) : say.anyMoment;
  return (everybody ? say.endsVisit : say.endsMine)(timeOfDay(endsAt), left);
}

function span(ms) {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 1) return say.justNow;
  if (minutes < 60) return say.minutes(minutes);
  return say.hours(Math.floor(minutes / 60), minutes % 60);
}

export function timeOfDay(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function dateAndTime(at) {
  return new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** A visit name that is easy to say on the phone, one of about 1.3 million. */
export function friendlyVisitName() {
  const first = [
    "calm", "bright", "gentle", "green", "kind", "quiet",
    "sunny", "warm", "clear", "merry", "soft", "fresh",
  ];
  const second = [
    "river", "meadow", "harbor", "garden", "maple", "willow",
    "lantern", "pebble", "robin", "orchard", "valley", "cedar",
  ];
  const number = crypto.getRandomValues(new Uint16Array(1))[0] % 9000 + 1000;
  return `${pick(first)}-${pick(second)}-${number}`;
}

/** Any text as a room id: `A-Z a-z 0-9 . _ ~ : @ + -`, at most 128. */
export function roomIdOf(text) {
  const plain = text.trim().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  return plain.replace(/\s+/g, "-").replace(/[^A-Za-z0-9._~:@+-]/g, "").slice(0, 128);
}

function pick(list) {
  return list[crypto.getRandomValues(new Uint8Array(1))[0] % list.length];
}
