// LocalMedia: the camera and microphone of this person.
//
// Whatever is missing or refused, there is always a LocalMedia: with fewer tracks, down to none,
// and with a `problem` that the page can explain. "Camera off" really stops the camera, so that its
// light goes out; "mute" only silences the microphone, because unmuting must be instant.

// We request no frame rate: with one, Chromium's camera sometimes paused for 2 to 3 seconds just
// when a call began.
const QUALITIES = {
  low: { width: { ideal: 320 }, height: { ideal: 240 } },
  standard: { width: { ideal: 640 }, height: { ideal: 480 } },
  high: { width: { ideal: 1280 }, height: { ideal: 720 } },
};

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/**
 * Events: `change` (mic, camera or problem), `track` {kind, track}: send this track from now on.
 */
export class LocalMedia extends EventTarget {
  /** The one stream all tracks are part of; its id stays the same. */
  stream = new MediaStream();
  /** null, or why something is missing: "denied" "missing" "busy" "insecure" "failed". */
  problem = null;
  /** Settles when the latest `start` has got everything it can get. */
  started = Promise.resolve();
  /** After a visit: everything is released until `start`. */
  stopped = false;

  #video;
  #micOn = true;
  #cameraOn = true;

  constructor({ quality = "standard" } = {}) {
    super();
    this.#video = QUALITIES[quality] ?? QUALITIES.standard;
  }

  get mic() {
    return this.#micOn && this.#track("audio") !== null;
  }

  get camera() {
    return this.#cameraOn && this.#track("video") !== null;
  }

  /** What the person wants, whether or not it is available. */
  get micWanted() {
    return this.#micOn;
  }

  get cameraWanted() {
    return this.#cameraOn;
  }

  get hasMic() {
    return this.#track("audio") !== null;
  }

  /** Requests the wanted devices, and works with those it gets. Never rejects. */
  start({ mic = true, camera = true } = {}) {
    this.#micOn = mic;
    this.#cameraOn = camera;
    this.problem = null;
    this.stopped = false;
    this.started = this.#takeWhatIsThere(camera);
    return this.started;
  }

  async #takeWhatIsThere(camera) {
    const wanted = camera ? ["audio", "video"] : ["audio"];
    const tracks = (await this.#take(wanted)) ?? (await this.#takeOneByOne(wanted));
    for (const track of tracks) this.#add(track);
    this.#changed();
  }

  /** Releases camera and microphone; remembers the wanted devices for the next `start`. */
  stop() {
    this.stopped = true;
    for (const kind of ["audio", "video"]) this.#remove(kind);
    this.#changed();
  }

  setMic(on) {
    this.#micOn = on;
    for (const track of this.stream.getAudioTracks()) track.enabled = on;
    this.#changed();
  }

  async setCamera(on) {
    this.#cameraOn = on;
    if (!on) this.#remove("video");
    else if (!this.#track("video")) await this.#takeCamera();
    this.#changed();
  }

  /** A microphone that was refused or missing before may be available now. */
  async askForMic() {
    this.problem = null;
    for (const track of (await this.#take(["audio"])) ?? []) this.#add(track);
    this.setMic(true);
  }

  async #takeCamera() {
    this.problem = null;
    const tracks = (await this.#take(["video"])) ?? [];
    // The person may have changed their mind while the camera was starting.
    for (const track of tracks) this.#cameraOn ? this.#add(track) : track.stop();
    if (tracks.length === 0) this.#cameraOn = false;
  }

  async #take(kinds) {
    if (!navigator.mediaDevices) {
      this.problem = "insecure";
      return null;
    }
    try {
      const constraints = {
        audio: kinds.includes("audio") && AUDIO, video: kinds.includes("video") && this.#video,
      };
      return (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
    } catch (error) {
      this.problem = problemOf(error);
      return null;
    }
  }

  /** One kind may be refused or missing while the other is available. */
  async #takeOneByOne(kinds) {
    const first = this.problem;
    const tracks = [];
    for (const kind of kinds.length > 1 ? kinds : []) {
      // After a "no" the person is not asked again; only devices that are already allowed are used.
      if (first === "denied" && !(await allowed(kind))) continue;
      tracks.push(...((await this.#take([kind])) ?? []));
    }
    this.problem = first;
    return tracks;
  }

  #add(track) {
    this.#remove(track.kind);
    if (track.kind === "audio") track.enabled = this.#micOn;
    track.onended = () => this.#unplugged(track);
    this.stream.addTrack(track);
    this.#emit("track", { kind: track.kind, track });
  }

  #remove(kind) {
    const track = this.#track(kind);
    if (!track) return;
    track.onended = null;
    track.stop();
    this.stream.removeTrack(track);
    this.#emit("track", { kind, track: null });
  }

  #unplugged(track) {
    this.#remove(track.kind);
    this.problem = "missing";
    this.#changed();
  }

  #track(kind) {
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  #changed() {
    this.#emit("change");
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Calls `show` with the loudness, 0 to 1, ten times a second. Returns the function that stops it.
 */
export function watchLevel(track, show) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wake = () => context.resume();
  addEventListener("pointerdown", wake, { once: true });
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
    show(track.enabled ? Math.min(1, loudness * 5) : 0);
  }, 100);
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    context.close();
  };
}

async function allowed(kind) {
  const name = kind === "audio" ? "microphone" : "camera";
  const status = await navigator.permissions?.query({ name }).catch(() => null);
  return status?.state === "granted";
}

function problemOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "busy";
  return "failed";
}
