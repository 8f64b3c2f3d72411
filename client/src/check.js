// checkConnection: does everything work that a visit needs? One step after the other, each with
// advice that a person can follow.
//
// It takes no seat in a visit and knocks on no door. A visit token is shown at the handshake, where
// the server checks it. A seat would be that of the token's owner, who may be in the visit. But
// only a seat comes with the names of STUN and TURN servers. So the relay is tested where a seat
// disturbs nobody, in a room for checks, or where the app names the servers.

import { LocalMedia } from "./media.js";
import { randomId } from "./random.js";
import { Signaling } from "./signaling.js";
import { claimsOf } from "./token.js";

/** @typedef {"server" | "join" | "camera" | "microphone" | "network" | "relay"} StepName */

/** @typedef {keyof typeof ADVICE} AdviceCode */

/**
 * @typedef {object} Step
 * @property {StepName} name
 * @property {"running" | "ok" | "warning" | "failed" | "skipped"} status
 * @property {AdviceCode | null} code  names the advice, for your own words
 * @property {string | null} advice
 * @property {number | null} ms  how long it took
 */

/** @typedef {RTCIceServer[] | (() => RTCIceServer[] | Promise<RTCIceServer[]>)} IceServers */

/**
 * @typedef {object} CheckOptions
 * @property {boolean} [media]  whether to ask for camera and microphone
 * @property {IceServers | undefined} [iceServers]  in place of those that the server names
 * @property {AbortSignal | undefined} [signal]
 */

const ADVICE = Object.freeze({
  unreachable: "Check the internet connection. If it works, the visit server may be down.",
  refused: "Open the link in the invitation again, or ask for a new one.",
  denied: "Allow this page to use the camera and microphone, in the address bar.",
  missing: "Connect a camera and a microphone, or use another device.",
  busy: "Close other programs that use the camera or microphone.",
  insecure: "Open the page with https.",
  failed: "Restart the browser, or use another device.",
  no_candidates: "The network blocks calls. Try another one, such as a phone's.",
  no_relay: "Behind a strict firewall calls may fail. Try another network if one does.",
  slow: "The network is slow. Move closer to the router, or use a cable.",
});

/** The rooms for checks. In each of them there is one peer, for a moment. */
const CHECKS = "check~";

const CONNECT_LIMIT_MS = 10_000;
const CALL_LIMIT_MS = 10_000;
/** A server that takes longer to answer makes a visit unpleasant. */
const SLOW_MS = 1_000;

/** @typedef {{ status: Step["status"], code?: AdviceCode, ms?: number }} Finding */

/**
 * Yields each step twice: when it starts, with the status "running", and when it is done.
 *
 * @param {string | URL} url
 * @param {string | null} [token]  of a visit; with one of a room whose name begins with `check~`,
 * that room is joined
 * @param {CheckOptions} [options]
 * @returns {AsyncGenerator<Step, void, void>}
 */
export async function* checkConnection(url, token, { media = true, iceServers, signal } = {}) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  /** @type {RTCIceServer[]} */
  let servers = [];

  /** @type {[StepName, () => Promise<Finding>][]} */
  const steps = [
    ["server", () => answers(address.href)],
    ["join", async () => {
      if (token && !isForChecks(token)) return admits(address.href, token);
      const { finding, named } = await joins(address.href, token);
      servers = named;
      return finding;
    }],
    ["network", async () => {
      if (iceServers) servers = typeof iceServers === "function" ? await iceServers() : iceServers;
      return connects(servers, "all");
    }],
    ["relay", async () => (servers.some(isRelay)
      ? connects(servers, "relay") : { status: "skipped" })],
  ];
  /** @param {"camera" | "mic"} device @returns {Promise<Finding>} */
  const device = async (device) => {
    const own = new LocalMedia();
    await own.start(device === "camera" ? { mic: false } : { camera: false });
    const found = own[device === "camera" ? "camera" : "hasMic"];
    own.stop();
    return found ? { status: "ok" } : { status: "failed", code: own.problem ?? "failed" };
  };
  if (media) {
    steps.splice(2, 0, ["camera", () => device("camera")], ["microphone", () => device("mic")]);
  }

  for (const [name, run] of steps) {
    if (signal?.aborted) return;
    yield { name, status: "running", code: null, advice: null, ms: null };
    const { status, code = null, ms = null } = await run();
    yield { name, status, code, advice: code && ADVICE[code], ms };
    if (name === "server" && status === "failed") return;
  }
}

/** @param {string} url @returns {Promise<Finding>} */
async function answers(url) {
  let asked = 0;
  const answered = await withSocket(url, [], (socket, done) => {
    const ask = () => {
      asked = performance.now();
      // API Gateway answers a ping without a `requestId` by itself.
      socket.send(JSON.stringify({ type: "ping", requestId: "check" }));
    };
    socket.onopen = ask;
    // The first answer may wait for a function to start. That says nothing about the network.
    socket.onmessage = () => {
      socket.onmessage = () => done(true);
      ask();
    };
  });
  if (!answered) return { status: "failed", code: "unreachable" };
  const ms = Math.round(performance.now() - asked);
  return ms > SLOW_MS ? { status: "warning", code: "slow", ms } : { status: "ok", ms };
}

/**
 * A page does not learn why a handshake failed; but without the token it did not fail.
 *
 * @param {string} url
 * @param {string} token
 * @returns {Promise<Finding>}
 */
async function admits(url, token) {
  const protocols = ["visio", `bearer.${token}`];
  const admitted = await withSocket(url, protocols, (socket, done) => {
    socket.onopen = () => done(true);
  });
  return admitted ? { status: "ok" } : { status: "failed", code: "refused" };
}

/** @param {string} token */
function isForChecks(token) {
  const { room } = claimsOf(token);
  return typeof room === "string" && room.startsWith(CHECKS);
}

/**
 * @param {string} url
 * @param {string | null | undefined} token
 * @returns {Promise<{ finding: Finding, named: RTCIceServer[] }>}
 */
function joins(url, token) {
  const begun = performance.now();
  const join = token ? {} : { roomId: `${CHECKS}${randomId(16)}` };
  const signaling = new Signaling({ url, join, token });
  return new Promise((resolve) => {
    const done = (/** @type {Finding} */ finding, /** @type {RTCIceServer[]} */ named = []) => {
      clearTimeout(limit);
      signaling.leave();
      resolve({ finding, named });
    };
    const limit = setTimeout(
      () => done({ status: "failed", code: "unreachable" }), CONNECT_LIMIT_MS,
    );
    const works = (/** @type {readonly any[]} */ named) => (
      done({ status: "ok", ms: Math.round(performance.now() - begun) }, [...named]));
    signaling.on("room", (message) => {
      if (message.type === "joined") works(message.iceServers);
    });
    signaling.on("waiting", () => works([]));
    signaling.on("ended", () => done({ status: "failed", code: "refused" }));
    signaling.connect();
  });
}

/**
 * @param {string} url @param {string[]} protocols
 * @param {(socket: WebSocket, done: (good: boolean) => void) => void} use
 * @returns {Promise<boolean>}
 */
function withSocket(url, protocols, use) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    const done = (/** @type {boolean} */ good) => {
      clearTimeout(limit);
      socket.onclose = null;
      socket.close();
      resolve(good);
    };
    const limit = setTimeout(() => done(false), CONNECT_LIMIT_MS);
    socket.onclose = () => done(false);
    use(socket, done);
  });
}

/**
 * A call of this page with itself, as far as the network allows it.
 *
 * @param {RTCIceServer[]} iceServers @param {RTCIceTransportPolicy} iceTransportPolicy
 * @returns {Promise<Finding>}
 */
async function connects(iceServers, iceTransportPolicy) {
  const begun = performance.now();
  const [one, other] = [0, 1].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy }));
  if (!one || !other) return { status: "failed", code: "failed" };
  const code = iceTransportPolicy === "relay" ? "no_relay" : "no_candidates";
  try {
    const opened = new Promise((resolve) => {
      one.createDataChannel("check").onopen = () => resolve(true);
      setTimeout(() => resolve(false), CALL_LIMIT_MS);
    });
    const described = describe(one, other);
    for (const [from, to] of [[one, other], [other, one]]) {
      if (from && to) from.onicecandidate = async ({ candidate }) => {
        await described;
        if (candidate && to.signalingState !== "closed") await to.addIceCandidate(candidate);
      };
    }
    await described;
    if (await opened) return { status: "ok", ms: Math.round(performance.now() - begun) };
    return { status: iceTransportPolicy === "relay" ? "warning" : "failed", code };
  } catch {
    return { status: "failed", code };
  } finally {
    one.close();
    other.close();
  }
}

/** @param {RTCPeerConnection} one @param {RTCPeerConnection} other */
async function describe(one, other) {
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription ?? { type: "offer" });
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription ?? { type: "answer" });
}

/** @param {RTCIceServer} server */
function isRelay({ urls }) {
  return [urls].flat().some((url) => /^turns?:/.test(url));
}
