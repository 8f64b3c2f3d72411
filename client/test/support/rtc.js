// Just enough of WebRTC for the code above it: descriptions, candidates, states and senders.

const stubbed = [
  "MediaStream", "RTCPeerConnection", "navigator",
];

/**
 * Puts the stand-ins in place; the returned function removes them. `connections`: all that were
 * made.
 */
export function fakeRtc() {
  const connections = [];
  const before = stubbed.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  const values = {
    MediaStream: FakeStream,
    RTCPeerConnection: class extends FakePeerConnection {
      constructor(configuration) {
        super(configuration);
        connections.push(this);
      }
    },
    navigator: { onLine: true },
  };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const restore = () => {
    for (const [name, was] of before) {
      if (was) Object.defineProperty(globalThis, name, was);
      else delete globalThis[name];
    }
  };
  return { connections, restore };
}

export class FakeTrack {
  enabled = true;
  muted = false;
  readyState = "live";
  constructor(kind, settings = {}) {
    this.kind = kind;
    this.settings = settings;
  }

  getSettings() { return this.settings; }

  stop() { this.readyState = "ended"; }
}

export class FakeStream {
  #tracks;
  constructor(tracks = []) { this.#tracks = [...tracks]; }

  getTracks() { return [...this.#tracks]; }

  getAudioTracks() { return this.#tracks.filter(({ kind }) => kind === "audio"); }

  getVideoTracks() { return this.#tracks.filter(({ kind }) => kind === "video"); }

  addTrack(track) { if (!this.#tracks.includes(track)) this.#tracks.push(track); }

  removeTrack(track) { this.#tracks = this.#tracks.filter((one) => one !== track); }
}

let count = 0;

class FakePeerConnection extends EventTarget {
  signalingState = "stable";
  connectionState = "new";
  iceGatheringState = "new";
  localDescription = null;
  remoteDescription = null;
  taken = [];
  restarts = 0;
  #transceivers = [];
  #needed = false;

  constructor(configuration) {
    super();
    this.configuration = configuration;
    count += 1;
    this.number = count;
  }

  setConfiguration(configuration) { this.configuration = configuration; }

  addTrack(track) { return this.#transceiver(track.kind, "sendrecv", track).sender; }

  addTransceiver(kind, { direction }) { return this.#transceiver(kind, direction, null); }

  getTransceivers() { return this.#transceivers; }

  #transceiver(kind, direction, track) {
    const sender = { track, async replaceTrack(other) { sender.track = other; } };
    const made = { sender, direction, receiver: { track: { kind } } };
    this.#transceivers.push(made);
    this.#negotiate();
    return made;
  }

  restartIce() {
    this.restarts += 1;
    this.#negotiate();
  }

  /** Once for all changes of a task, and not before the last offer is answered, as browsers do. */
  #negotiate() {
    if (this.#needed) return;
    this.#needed = true;
    queueMicrotask(() => this.#tellNeed());
  }

  #tellNeed() {
    if (!this.#needed || this.signalingState !== "stable") return;
    this.#needed = false;
    this.onnegotiationneeded?.();
  }

  async setLocalDescription() {
    await null;
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    this.#describe(type);
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
    this.#tellNeed();
  }

  #describe(type, candidates = []) {
    const sdp = [`${type} of ${this.number}`, ...candidates].join("\n");
    this.localDescription = { type, sdp };
  }

  async setRemoteDescription(description) {
    await null;
    if (description.type === "offer") this.signalingState = "have-remote-offer"; // and rolls back
    else this.signalingState = "stable";
    this.remoteDescription = description;
    this.#tellNeed();
  }

  async addIceCandidate(candidate) {
    if (!this.remoteDescription) throw new Error("no description");
    this.taken.push(candidate.candidate);
  }

  async getStats() { return new Map(this.stats?.map((one) => [one.id, one]) ?? []); }

  close() {
    this.signalingState = "closed";
    this.connectionState = "closed";
  }

  // --- what a browser does ---

  /** Finds a candidate, which is in the description from now on. */
  find(candidate) {
    const { type, sdp } = this.localDescription;
    this.localDescription = { type, sdp: `${sdp}\n${candidate}` };
    this.onicecandidate?.({ candidate: { toJSON: () => ({ candidate }) } });
  }

  gathered() {
    this.iceGatheringState = "complete";
    this.dispatchEvent(new Event("icegatheringstatechange"));
  }

  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}
