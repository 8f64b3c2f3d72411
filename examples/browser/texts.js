// What people read. Error codes of the protocol on the left, plain words on the right: what
// happened, and what to do about it.

/** Why a visit could not be joined, or is over. `action` is the label of the join button. */
const ENDINGS = {
  left: { text: "You left the visit.", action: "Rejoin", kind: "info" },
  replaced: {
    text: "This visit was opened in another window or on another device, so it was closed here.",
    action: "Use it here instead",
    kind: "info",
  },
  room_full: { text: "This visit is full right now. Please try again when somebody has left.", action: "Try again" },
  removed: { text: "You were removed from the visit." },
  denied: { text: "You were not let into the visit." },
  visit_ended: { text: "The visit has ended. You can close this page.", kind: "info" },
  visit_expired: { text: "The time of this visit is over.", kind: "info" },
  unauthorized: { text: "This link is not valid, or not any more. Please ask for a new one." },
  forbidden: { text: "This link is for another visit. Please check it, or ask for a new one." },
  rate_limited: { text: "There were too many attempts. Please wait a moment.", action: "Try again" },
};

export function ending(code, message) {
  const known = ENDINGS[code] ?? { text: `The visit could not be joined: ${message || code}.`, action: "Try again" };
  return { action: "Join visit", kind: "warning", ...known };
}

/** What the server minded about a message, where it concerns a person at all. */
export function failure({ code, retryAfterMs }) {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000));
  if (code === "rate_limited") return `That was a little fast. Please wait ${seconds} s.`;
  if (code === "internal") return "Something went wrong on the server. Please try again.";
  return null;
}

const PROBLEMS = {
  denied: "Your browser does not let this page use your camera or microphone. You can join anyway, to see and hear the others. To be seen, allow both in the address bar and reload.",
  missing: "No camera or microphone was found for part of this. You can join anyway, to see and hear the others.",
  busy: "Another program is using your camera or microphone. Close it and try again, or join anyway.",
  insecure: "Browsers give camera and microphone only to secure pages (https). You can join anyway, to see and hear the others.",
  failed: "Your camera or microphone could not be started. You can join anyway, to see and hear the others.",
};

/** What is missing on this side, or null. */
export function deviceNote({ problem, hasMic, camera }) {
  if (problem === null) return null;
  if (hasMic && !camera) return "Your camera is not available. The others hear you, but do not see you.";
  if (!hasMic && camera) return "Your microphone is not available. The others see you, but do not hear you.";
  return PROBLEMS[problem];
}

/** The calm line over the picture while the server cannot be reached. */
export function reconnecting(attempt) {
  if (!navigator.onLine) return "You are offline. We reconnect as soon as your network is back.";
  if (attempt > 3) return "The visit server cannot be reached. We keep trying. If you see each other, just go on talking.";
  return "Reconnecting… If you see each other, just go on talking.";
}

export const PERSON_STATES = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  trouble: "No picture or sound came through. A firewall may be in the way.",
  left: "Left",
};

/** A visit name that is easy to say on the phone: some 1.3 million of them. */
export function friendlyVisitName() {
  const first = ["calm", "bright", "gentle", "green", "kind", "quiet", "sunny", "warm", "clear", "merry", "soft", "fresh"];
  const second = ["river", "meadow", "harbor", "garden", "maple", "willow", "lantern", "pebble", "robin", "orchard", "valley", "cedar"];
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
