// The texts that people read. Error codes of the protocol on the left, plain words on the right:
// what happened, and what to do about it.

/**
 * Why a person could not join a visit, or why it is over. `action` is the label of the join button;
 * it is null if trying again is of no use, and then `title` says so.
 */
const ENDINGS = {
  left: { text: "You left the visit.", action: "Rejoin", kind: "info" },
  left_waiting: {
    text: "You left the waiting room.",
    action: "Go back to the waiting room",
    kind: "info",
  },
  replaced: {
    text: "This visit was opened in another window or on another device, so it was closed here.",
    action: "Use it here instead",
    kind: "info",
  },
  room_full: {
    text: "This visit is full right now. Please try again when somebody has left.",
    action: "Try again",
  },
  denied: { text: "The practice could not let you in just now.", action: "Ask again" },
  removed: {
    title: "You are no longer in the visit",
    text: "The practice ended the visit for you. Your link no longer works for it. "
      + "If you think this is a mistake, please call the practice.",
    action: null,
  },
  ended_here: {
    title: "The visit is over",
    text: "You ended the visit for everybody. You can close this page.",
    action: null,
    kind: "info",
  },
  visit_ended: {
    title: "The visit is over",
    text: "The practice ended the visit. You can close this page.",
    action: null,
    kind: "info",
  },
  visit_expired: {
    title: "The visit is over",
    text: "The time for this visit is up. You can close this page.",
    action: null,
    kind: "info",
  },
  forbidden: { text: "This link is for another visit. Please check it, or ask for a new one." },
  rate_limited: {
    text: "There were too many attempts. Please wait a moment.",
    action: "Try again",
  },
};

export function ending({ code, message, reason }, invitation) {
  const known = code === "unauthorized" ? notInvited(invitation)
    : ENDINGS[code]
      ?? { text: `You could not join the visit: ${message || code}.`, action: "Try again" };
  const text = reason ? `${known.text} They wrote: “${reason}”` : known.text;
  return {
    title: "Join your video visit",
    action: "Join visit",
    kind: "warning",
    ...known,
    text,
  };
}

/** The server says only that it refuses the token; the token itself may say why. */
function notInvited(invitation, now = Date.now()) {
  if (!invitation) {
    return {
      title: "This visit needs an invitation",
      text: "Please open the link in your invitation again. A copied address does not include it.",
      action: null,
    };
  }
  const { notBefore, expiresAt } = invitation;
  if (notBefore > now) {
    return {
      text: `Your link works from ${dateAndTime(notBefore)}. Please come back then.`,
      action: "Try again",
      kind: "info",
    };
  }
  if (expiresAt <= now) {
    return {
      title: "This link has expired",
      text: `It was valid until ${dateAndTime(expiresAt)}. Please ask the practice for a new one.`,
      action: null,
    };
  }
  return {
    title: "This link does not work",
    text: "Part of it may be missing. Please open it again, or ask the practice for a new one.",
    action: null,
  };
}

/** The server's error about a message, in words; null if it does not concern the person. */
export function failure({ code, requestId, retryAfterMs }) {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000));
  if (code === "rate_limited") return `That was a little fast. Please wait ${seconds} s.`;
  if (code === "room_full") {
    return "The visit is full. Somebody has to leave before you can let anybody else in.";
  }
  if (requestId === "host") {
    if (code === "peer_not_found") return "This person is no longer here.";
    if (code === "forbidden") return "Your invitation does not allow you to do this.";
  }
  if (code === "internal") return "Something went wrong on the server. Please try again.";
  return null;
}

const PROBLEMS = {
  denied: "Your browser does not let this page use your camera or microphone. "
    + "You can join anyway, to see and hear the others. "
    + "To be seen, allow both in the address bar and reload.",
  missing: "No camera or microphone was found. "
    + "You can join anyway, to see and hear the others.",
  busy: "Another program is using your camera or microphone. "
    + "Close it and try again, or join anyway.",
  insecure: "Browsers allow the camera and microphone only on secure pages (https). "
    + "You can join anyway, to see and hear the others.",
  failed: "Your camera or microphone could not be started. "
    + "You can join anyway, to see and hear the others.",
};

/** What is missing on this side, or null. */
export function deviceNote({ problem, hasMic, camera }) {
  if (problem === null) return null;
  if (hasMic && !camera) {
    return "Your camera is not available. The others can hear you, but not see you.";
  }
  if (!hasMic && camera) {
    return "Your microphone is not available. The others can see you, but not hear you.";
  }
  return PROBLEMS[problem];
}

const OFFLINE = "You are offline. We will reconnect as soon as your network is back.";

/** The calm line over the picture while the server cannot be reached. */
export function reconnecting(attempt) {
  if (!navigator.onLine) return OFFLINE;
  if (attempt > 3) {
    return "The visit server cannot be reached. We will keep trying. "
      + "If you can see each other, just keep talking.";
  }
  return "Reconnecting… If you can see each other, just keep talking.";
}

export const PERSON_STATES = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  trouble: "No picture or sound came through. A firewall may be in the way.",
  present: "In the visit",
  left: "Left",
};

/** The state of a person, as the list shows it. */
export function personState({ role, state }) {
  return role === "observer" && state === "present" ? "Observer" : PERSON_STATES[state];
}

// --- the waiting room ---

/** The questions that a host is asked before the action. */
export const QUESTIONS = {
  decline: (name) => ({
    title: `Decline ${name}?`,
    text: `${name} will see that it is not possible now, and can ask again.`,
    reason: `A message to ${name} (optional)`,
    startsWithReason: true,
    action: "Decline",
  }),
  to_lobby: (name) => ({
    title: `Send ${name} back to the waiting room?`,
    text: `You and ${name} will not see or hear each other until you let ${name} in again.`,
    action: "Send to the waiting room",
  }),
  remove: (name) => ({
    title: `Remove ${name}?`,
    text: `${name} will leave the visit at once and cannot come back with the same invitation.`,
    reason: `A message to ${name} (optional)`,
    action: "Remove",
  }),
  end_visit: () => ({
    title: "End the visit for everybody?",
    text: "Everybody will leave, including you. Nobody can join this visit again.",
    reason: "A message to everybody (optional)",
    action: "End visit",
  }),
};

/** The status that a waiting guest sees. */
export function waitingStatus(hostPresent) {
  return hostPresent
    ? "The practice knows that you are here, and will let you in when they are ready."
    : "You are checked in. Your doctor is not here yet, and will see that you are waiting.";
}

export function waitingReconnecting() {
  return navigator.onLine
    ? "The connection was interrupted. We are reconnecting; please stay on this page."
    : OFFLINE;
}

/** "10:42 (3 minutes)" */
export function sinceWhen(since, now = Date.now()) {
  return `${timeOfDay(since)} (${span(now - since)})`;
}

export function waitingCount(names) {
  if (names.length === 0) return "";
  return names.length === 1 ? `Waiting: ${names[0]}` : `${names.length} people are waiting`;
}

/** `everybody`: the visit ends; otherwise only this invitation ends. */
export function endingSoon(endsAt, everybody, now = Date.now()) {
  const left = endsAt - now > 0 ? `in ${span(Math.max(60_000, endsAt - now))}` : "any moment now";
  const what = everybody ? "This visit ends" : "Your time in this visit ends";
  return `${what} at ${timeOfDay(endsAt)}, ${left}.`;
}

function span(ms) {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return `${hours} h ${rest} min`;
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
