// Call: one RTCPeerConnection to one other person.
//
// The first offer comes from the peer that joined later (the protocol's rule). Everything after
// that - a camera added, an ICE restart - may start on either side at any time: perfect
// negotiation, with the caller as the polite one, sorts out offers that cross.
//
// Each call has an id, which the caller chooses and sends in the extra field `call`. So a message
// for an earlier connection (before a reload, for example) is never fed to this one. If a peer does
// not send the field, its messages are accepted.

import { Emitter } from "./events.js";
import { Timers } from "./timers.js";

/** A description waits this long for its first candidates, so that they travel inside it. */
const FIRST_CANDIDATES_MS = 100;
/** Later candidates that are found within this time go out as one message. */
const GATHER_MS = 50;
/** A connection that is "disconnected" often recovers by itself; after this long we restart ICE. */
const PATIENCE_MS = 4_000;

/** @typedef {"connecting" | "connected" | "reconnecting" | "closed"} CallState */

/**
 * @typedef {object} CallOptions
 * @property {string | undefined} [id]  the call's id, chosen by the caller
 * @property {boolean} caller  true: we joined later and offer
 * @property {MediaStream} local  what we send, if anything
 * @property {RTCConfiguration} [configuration]  with `iceServers`
 * @property {(message: { type: "offer" | "answer", sdp: string, call: string | undefined }
 *   | { type: "candidate", candidate: any, call: string | undefined }) => void} send  sends a
 *   message to this peer
 */

/**
 * An `offer`, `answer` or `candidate` as it came.
 * @typedef {{ readonly type: string, readonly [field: string]: any }} CallMessage
 */

/** @extends {Emitter<{ change: CallState, gone: CallState }>} `change`: its state or its stream */
export class Call extends Emitter {
  /** The media that the other peer sends us. */
  stream = new MediaStream();
  wasConnected = false;
  /** @type {string | undefined} */
  id;
  caller;

  #pc;
  #polite;
  #send;
  #local;
  #configuration;
  #mayOffer;
  #makingOffer = false;
  #settingAnswer = false;
  #ignoringOffer = false;
  /** @type {(RTCIceCandidateInit | string)[]} */
  #early = [];
  /** @type {RTCIceCandidateInit[]} */
  #found = [];
  /** Candidates go into the description that is about to be sent. */
  #describing = 0;
  #descriptions = 0;
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  #timers = new Timers();

  /** @param {CallOptions} options */
  constructor({ id, caller, local, configuration = {}, send }) {
    super();
    this.id = id;
    this.caller = caller;
    this.#polite = caller;
    this.#mayOffer = caller;
    this.#local = local;
    this.#send = send;
    this.#configuration = configuration;
    this.#pc = new RTCPeerConnection(configuration);
    this.#listen();
    for (const track of local.getTracks()) this.#pc.addTrack(track, local);
    if (caller) this.#askForMissingKinds();
  }

  /** @returns {CallState} */
  get state() {
    const state = this.#pc.connectionState;
    if (state === "connected" || state === "closed") return state;
    return this.wasConnected ? "reconnecting" : "connecting";
  }

  /**
   * Takes an `offer`, `answer` or `candidate`, one after the other in the order they came.
   *
   * @param {CallMessage} message
   */
  receive(message) {
    this.#queue = this.#queue
      .then(() => (message.type === "candidate"
        ? this.#takeCandidates(message)
        : this.#takeDescription(message)))
      .catch((error) => this.#unlessClosed(error));
    return this.#queue;
  }

  /**
   * Sends `track` in place of the previous track of this kind; null sends nothing.
   *
   * @param {"audio" | "video"} kind
   * @param {MediaStreamTrack | null} track
   */
  async replaceTrack(kind, track) {
    const sender = this.#pc.getTransceivers().find(
      (t) => t.receiver.track.kind === kind && t.sender.track,
    )?.sender
      ?? this.#idleSender(kind);
    if (sender) await sender.replaceTrack(track);
    else if (track) this.#pc.addTrack(track, this.#local);
  }

  /** Restarts ICE to find a new route through the network; the picture stays meanwhile. */
  restart() {
    if (this.#pc.connectionState !== "closed") this.#pc.restartIce();
  }

  /**
   * Something that the other side said is lost. If that was the answer to our offer, a restart alone
   * would wait for it for ever.
   */
  repair() {
    this.restart();
    if (this.#pc.signalingState === "have-local-offer") void this.#offer();
  }

  /**
   * Something about the network changed. Often ICE copes with that by itself, and if it cannot, it
   * takes long to notice. So a connection on which nothing arrives for a while is restarted.
   */
  checkRoute() {
    if (!this.wasConnected) return;
    if (this.#pc.connectionState === "failed") return this.restart();
    const before = this.#bytesReceived();
    this.#timers.after("patience", PATIENCE_MS, async () => {
      if (await this.#bytesReceived() === await before) this.restart();
    });
  }

  /** For the next ICE restart. @param {readonly RTCIceServer[]} iceServers */
  useIceServers(iceServers) {
    this.#configuration = { ...this.#configuration, iceServers: [...iceServers] };
    if (this.#pc.connectionState !== "closed") this.#pc.setConfiguration(this.#configuration);
  }

  /** @returns {Promise<RTCStatsReport>} */
  getStats() {
    return this.#pc.getStats();
  }

  close() {
    this.#timers.clear();
    this.#pc.close();
    this.emit("gone", this.state);
  }

  // --- the connection ---

  #listen() {
    const pc = this.#pc;
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) => this.#foundCandidate(candidate);
    pc.onconnectionstatechange = () => this.#connectionChanged();
    pc.ontrack = ({ track }) => {
      this.stream.addTrack(track);
      track.onmute = track.onunmute = () => this.#changed();
      this.#changed();
    };
  }

  #askForMissingKinds() {
    for (const kind of ["audio", "video"]) {
      const sends = this.#local.getTracks().some((track) => track.kind === kind);
      if (!sends) this.#pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }

  /**
   * A sender that was negotiated for sending and has lost its track, as for "camera off".
   * @param {string} kind
   */
  #idleSender(kind) {
    return this.#pc.getTransceivers().find(
      ({ receiver, direction }) => receiver.track.kind === kind
        && (direction === "sendrecv" || direction === "sendonly"),
    )?.sender;
  }

  /** Browsers count in different layers. This sum stands still only if nothing arrives in any. */
  async #bytesReceived() {
    let total = 0;
    (await this.#pc.getStats()).forEach(({ bytesReceived = 0 }) => { total += bytesReceived; });
    return total;
  }

  #connectionChanged() {
    const state = this.#pc.connectionState;
    this.#timers.cancel("patience");
    if (state === "connected") this.wasConnected = true;
    if (state === "failed") this.restart();
    if (state === "disconnected") this.#timers.after("patience", PATIENCE_MS, () => this.restart());
    this.#changed();
  }

  #changed() {
    this.emit("change", this.state);
  }

  // --- negotiation ---

  async #offer() {
    if (!this.#mayOffer) return;
    try {
      this.#makingOffer = true;
      await this.#describe();
    } catch (error) {
      this.#unlessClosed(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /** @param {CallMessage} message */
  async #takeDescription({ type, sdp }) {
    const description = typeof sdp === "string" ? { type, sdp } : sdp;
    const stable = this.#pc.signalingState === "stable" || this.#settingAnswer;
    const crossed = type === "offer" && (this.#makingOffer || !stable);
    this.#ignoringOffer = crossed && !this.#polite;
    if (this.#ignoringOffer) return;
    if (type === "answer" && this.#pc.signalingState !== "have-local-offer") return; // came twice
    this.#settingAnswer = type === "answer";
    try {
      await this.#pc.setRemoteDescription(description);
    } finally {
      this.#settingAnswer = false;
    }
    await this.#takeEarlyCandidates();
    if (type !== "offer") return;
    await this.#describe();
    this.#mayOffer = true;
  }

  /** Sets our description, and sends it with the candidates that are found at once. */
  async #describe() {
    this.#found = []; // of a description that was never sent, or already inside this one
    this.#describing += 1;
    try {
      await this.#pc.setLocalDescription();
      const own = this.#pc.localDescription;
      await this.#firstCandidates();
      const now = this.#pc.localDescription;
      // An offer of theirs may have come in between, to which the polite side gave way.
      if (!own || !now || now.type !== own.type || this.#pc.signalingState === "closed") return;
      if (now.type === "offer" && this.#pc.signalingState !== "have-local-offer") return;
      const type = now.type === "offer" ? "offer" : "answer";
      this.#send({ type, sdp: now.sdp, call: this.id });
    } finally {
      this.#describing -= 1;
    }
  }

  /** @returns {Promise<void>} */
  #firstCandidates() {
    const pc = this.#pc;
    // Our offer and our answer to theirs may wait at the same time.
    this.#descriptions += 1;
    const name = `description ${this.#descriptions}`;
    return new Promise((resolve) => {
      const done = () => {
        pc.removeEventListener("icegatheringstatechange", look);
        this.#timers.cancel(name);
        resolve();
      };
      const look = () => { if (pc.iceGatheringState === "complete") done(); };
      pc.addEventListener("icegatheringstatechange", look);
      this.#timers.after(name, FIRST_CANDIDATES_MS, done);
      look();
    });
  }

  // --- candidates ---

  /** @param {RTCIceCandidate | null} candidate */
  #foundCandidate(candidate) {
    if (!candidate || this.#describing > 0) return;
    this.#found.push(candidate.toJSON());
    if (!this.#timers.runs("gather")) {
      this.#timers.after("gather", GATHER_MS, () => this.#sendCandidates());
    }
  }

  #sendCandidates() {
    const found = this.#found.splice(0);
    if (found.length === 0) return;
    const candidate = found.length === 1 ? found[0] : found;
    this.#send({ type: "candidate", candidate, call: this.id });
  }

  /** @param {CallMessage} message */
  async #takeCandidates({ candidate }) {
    const candidates = [candidate].flat().filter(Boolean);
    // Candidates may overtake the description; then they wait for it.
    if (!this.#pc.remoteDescription) this.#early.push(...candidates);
    else for (const one of candidates) await this.#addCandidate(one);
  }

  async #takeEarlyCandidates() {
    for (const one of this.#early.splice(0)) await this.#addCandidate(one);
  }

  /** @param {RTCIceCandidateInit | string} candidate */
  async #addCandidate(candidate) {
    try {
      await this.#pc.addIceCandidate(
        typeof candidate === "string" ? { candidate, sdpMLineIndex: 0 } : candidate,
      );
    } catch (error) {
      // Candidates of an offer that we ignored on purpose are useless, but not an error.
      if (!this.#ignoringOffer) this.#unlessClosed(error);
    }
  }

  /** @param {any} error */
  #unlessClosed(error) {
    if (this.#pc.signalingState !== "closed") console.warn("call:", error.name, error.message);
  }
}
