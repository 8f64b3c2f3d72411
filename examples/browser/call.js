// PeerCall: one RTCPeerConnection to one other person.
//
// The first offer comes from the peer that joined later (the protocol's rule). Everything after
// that - a camera added, an ICE restart - may start on either side at any time: perfect
// negotiation, with the caller as the polite one, sorts out offers that cross.
//
// Each call has an id, which the caller chooses and sends in the extra field `call`. So a message
// for an earlier connection (before a reload, for example) is never fed to this one. If a peer does
// not send the field, its messages are accepted.

/** Candidates found within this time go out as one message. */
const GATHER_MS = 50;
/** A connection that is "disconnected" often recovers by itself; after this long we restart ICE. */
const PATIENCE_MS = 4_000;

/** Events: `change` (state or stream), `gone` (closed). */
export class PeerCall extends EventTarget {
  /** The media that the other peer sends us. */
  stream = new MediaStream();

  #pc;
  #polite;
  #send;
  #local;
  #mayOffer;
  #makingOffer = false;
  #ignoringOffer = false;
  #early = [];
  #found = [];
  #queue = Promise.resolve();
  #timers = {};

  /**
   * @param {object} options
   * @param {string} options.id  the call's id
   * @param {boolean} options.caller  true: we joined later and offer
   * @param {MediaStream} options.local  what we send, if anything
   * @param {RTCIceServer[]} options.iceServers
   * @param {(message: object) => void} options.send  sends a message to this peer
   */
  constructor({ id, caller, local, iceServers, send }) {
    super();
    this.id = id;
    this.caller = caller;
    this.#polite = caller;
    this.#mayOffer = caller;
    this.#local = local;
    this.#send = send;
    this.#pc = new RTCPeerConnection({ iceServers });
    this.#listen();
    for (const track of local.getTracks()) this.#pc.addTrack(track, local);
    if (caller) this.#askForMissingKinds();
  }

  /** "connecting" "connected" "reconnecting" "closed" */
  get state() {
    const state = this.#pc.connectionState;
    if (state === "connected" || state === "closed") return state;
    return this.wasConnected ? "reconnecting" : "connecting";
  }

  wasConnected = false;

  /** Takes an `offer`, `answer` or `candidate`, one after the other in the order they came. */
  receive(message) {
    this.#queue = this.#queue
      .then(() => (message.type === "candidate"
        ? this.#takeCandidates(message)
        : this.#takeDescription(message)))
      .catch((error) => this.#unlessClosed(error));
    return this.#queue;
  }

  /** Sends `track` in place of the previous track of this kind; null sends nothing. */
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
   * Something about the network changed. Often ICE copes with that by itself, and if it cannot, it
   * takes long to notice. So a connection on which nothing arrives for a while is restarted.
   */
  checkRoute() {
    if (!this.wasConnected) return;
    if (this.#pc.connectionState === "failed") return this.restart();
    clearTimeout(this.#timers.patience);
    const before = this.#bytesReceived();
    this.#timers.patience = setTimeout(async () => {
      if (await this.#bytesReceived() === await before) this.restart();
    }, PATIENCE_MS);
  }

  useIceServers(iceServers) {
    this.#pc.setConfiguration({ iceServers });
  }

  close() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#pc.close();
    this.dispatchEvent(new Event("gone"));
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

  /** A sender that was negotiated for sending and has lost its track, as for "camera off". */
  #idleSender(kind) {
    const sends = (t) => t.direction === "sendrecv" || t.direction === "sendonly";
    return this.#pc.getTransceivers().find(
      (t) => t.receiver.track.kind === kind && sends(t),
    )?.sender;
  }

  /** Browsers count in different layers. This sum stands still only if nothing arrives in any. */
  async #bytesReceived() {
    const reports = [...(await this.#pc.getStats()).values()];
    return reports.reduce((total, { bytesReceived = 0 }) => total + bytesReceived, 0);
  }

  #connectionChanged() {
    const state = this.#pc.connectionState;
    clearTimeout(this.#timers.patience);
    if (state === "connected") this.wasConnected = true;
    if (state === "failed") this.restart();
    if (state === "disconnected") {
      this.#timers.patience = setTimeout(() => this.restart(), PATIENCE_MS);
    }
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  // --- negotiation ---

  async #offer() {
    if (!this.#mayOffer) return;
    try {
      this.#makingOffer = true;
      await this.#pc.setLocalDescription();
      this.#sendDescription();
    } catch (error) {
      this.#unlessClosed(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  async #takeDescription({ type, sdp }) {
    const description = typeof sdp === "string" ? { type, sdp } : sdp;
    const crossed = type === "offer" && (this.#makingOffer || this.#pc.signalingState !== "stable");
    this.#ignoringOffer = crossed && !this.#polite;
    if (this.#ignoringOffer) return;
    if (type === "answer" && this.#pc.signalingState !== "have-local-offer") return; // came twice
    await this.#pc.setRemoteDescription(description);
    await this.#takeEarlyCandidates();
    if (type === "offer") await this.#answer();
  }

  async #answer() {
    await this.#pc.setLocalDescription();
    this.#sendDescription();
    this.#mayOffer = true;
  }

  #sendDescription() {
    const { type, sdp } = this.#pc.localDescription;
    this.#send({ type, sdp, call: this.id });
  }

  // --- candidates ---

  #foundCandidate(candidate) {
    if (!candidate) return;
    this.#found.push(candidate.toJSON());
    this.#timers.gather ??= setTimeout(() => this.#sendCandidates(), GATHER_MS);
  }

  #sendCandidates() {
    delete this.#timers.gather;
    const found = this.#found.splice(0);
    this.#send(
      { type: "candidate", candidate: found.length === 1 ? found[0] : found, call: this.id },
    );
  }

  async #takeCandidates({ candidate }) {
    const candidates = [candidate].flat().filter(Boolean);
    // Candidates may overtake the description; then they wait for it.
    if (!this.#pc.remoteDescription) this.#early.push(...candidates);
    else for (const one of candidates) await this.#addCandidate(one);
  }

  async #takeEarlyCandidates() {
    for (const one of this.#early.splice(0)) await this.#addCandidate(one);
  }

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

  #unlessClosed(error) {
    if (this.#pc.signalingState !== "closed") console.warn("call:", error.name, error.message);
  }
}
