// LocalMedia: the camera, microphone and screen of this person.
//
// Whatever is missing or refused, there is always a LocalMedia: with fewer tracks, down to none,
// and with a `problem` that the page can explain. "Camera off" really stops the camera, so that its
// light goes out; "mute" only silences the microphone, because unmuting must be instant. A shared
// screen is sent in place of the camera, which comes back afterwards.

import { Emitter } from "./events.js";

// We request no frame rate: with one, Chromium's camera sometimes paused for 2 to 3 seconds just
// when a call began.
const QUALITIES = {
  low: { width: { ideal: 320 }, height: { ideal: 240 } },
  standard: { width: { ideal: 640 }, height: { ideal: 480 } },
  high: { width: { ideal: 1280 }, height: { ideal: 720 } },
};

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** @typedef {"denied" | "missing" | "busy" | "insecure" | "failed"} MediaProblem */
/** @typedef {"audio" | "video"} Kind */
/** @typedef {{ mic?: boolean | undefined, camera?: boolean | undefined }} Wanted */

/**
 * Devices by their `deviceId`. `camera` may also be "user" or "environment", for the front and the
 * back of a phone.
 *
 * @typedef {{ mic?: string | undefined, camera?: string | undefined }} DeviceChoice
 */

/**
 * `change`: mic, camera, screen or problem; `track`: send this track from now on.
 *
 * @extends {Emitter<{ change: undefined, track: { kind: Kind, track: MediaStreamTrack | null } }>}
 */
export class LocalMedia extends Emitter {
  /** The one stream all tracks are part of; its id stays the same. */
  stream = new MediaStream();
  /** Why something is missing, or null. @type {MediaProblem | null} */
  problem = null;
  /** Settles when the latest `start` has got everything it can get. @type {Promise<void>} */
  started = Promise.resolve();
  /** Everything is released until `start`. */
  stopped = true;

  #video;
  #micOn = true;
  #cameraOn = true;
  /** @type {DeviceChoice} */
  #devices = {};
  /** @type {MediaStreamTrack | null} */
  #screen = null;
  /** Counts the starts and stops, so that what comes too late is released. */
  #turn = 0;

  /** @param {{ quality?: string | undefined }} [options] `quality`: low, standard or high */
  constructor({ quality = "standard" } = {}) {
    super();
    this.#video = QUALITIES[/** @type {keyof typeof QUALITIES} */ (quality)] ?? QUALITIES.standard;
  }

  get mic() {
    return this.#micOn && this.#track("audio") !== null;
  }

  get camera() {
    return this.#cameraOn && this.#track("video") !== null && this.#screen === null;
  }

  get screen() {
    return this.#screen !== null;
  }

  /**
   * What the person wants, whether or not it is available.
   *
   * @returns {{ mic: boolean, camera: boolean }}
   */
  get wanted() {
    return { mic: this.#micOn, camera: this.#cameraOn };
  }

  get hasMic() {
    return this.#track("audio") !== null;
  }

  /** The devices in use, as far as the browser says. @returns {DeviceChoice} */
  get devices() {
    const id = (/** @type {Kind} */ kind) => this.#track(kind)?.getSettings().deviceId;
    return { mic: id("audio"), camera: this.#screen ? this.#devices.camera : id("video") };
  }

  /**
   * Requests the wanted devices, and works with those it gets. Never rejects.
   *
   * @param {Wanted} [wanted]
   */
  start({ mic = true, camera = true } = {}) {
    this.#micOn = mic;
    this.#cameraOn = camera;
    this.problem = null;
    this.stopped = false;
    this.#turn += 1;
    this.started = this.#takeWhatIsThere(camera);
    return this.started;
  }

  /** Releases everything; remembers the wanted devices for the next `start`. */
  stop() {
    this.stopped = true;
    this.#turn += 1;
    this.#endScreen();
    for (const kind of /** @type {const} */ (["audio", "video"])) this.#remove(kind);
    this.#changed();
  }

  /** @param {boolean} on */
  async setMic(on) {
    this.#micOn = on;
    if (on && !this.hasMic) {
      // One that was refused or missing before may be available now.
      this.problem = null;
      this.#addAll(await this.#take(["audio"]), this.#turn);
    }
    for (const track of this.stream.getAudioTracks()) track.enabled = this.#micOn;
    this.#changed();
  }

  /** @param {boolean} on */
  async setCamera(on) {
    this.#cameraOn = on;
    if (!on) this.#remove("video");
    else if (!this.#track("video")) await this.#takeCamera();
    this.#changed();
  }

  /**
   * Changes to other devices. If one of them cannot be had, the one before it comes back.
   *
   * @param {DeviceChoice} choice
   */
  async switchTo(choice) {
    const before = this.#devices;
    this.#devices = { ...before, ...choice };
    if (choice.mic !== undefined && this.hasMic) await this.#retake("audio", before);
    if (choice.camera !== undefined && this.camera) await this.#retake("video", before);
    this.#changed();
  }

  /** From the front of a phone to its back, and again. */
  async flip() {
    const facing = this.#track("video")?.getSettings().facingMode;
    if (facing) return this.switchTo({ camera: facing === "environment" ? "user" : "environment" });
    const next = await this.#nextCamera();
    if (next) await this.switchTo({ camera: next });
  }

  /** Sends the screen in place of the camera. False: the person or the browser said no. */
  async shareScreen() {
    const turn = this.#turn;
    const screen = await this.#takeScreen();
    if (!screen) return false;
    if (turn !== this.#turn) return screen.stop(), false;
    this.#endScreen();
    this.#dropTrack("video");
    this.#screen = screen;
    screen.onended = () => this.stopSharing();
    this.#add(screen);
    this.#changed();
    return true;
  }

  async stopSharing() {
    if (!this.#screen) return;
    this.#endScreen();
    if (this.#cameraOn) await this.#takeCamera();
    this.#changed();
  }

  /**
   * After a phone call tracks may look live and be silent. Takes those anew that give nothing.
   */
  async revive() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const track = this.#track(kind);
      if (!track || track === this.#screen) continue;
      if (track.muted || track.readyState === "ended") await this.#retake(kind, this.#devices);
    }
  }

  // --- taking ---

  /** Not every camera says where it looks. */
  async #nextCamera() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const cameras = all.filter(({ kind }) => kind === "videoinput");
    const at = cameras.findIndex(({ deviceId }) => deviceId === this.devices.camera);
    return cameras[(at + 1) % cameras.length]?.deviceId;
  }

  /** @param {boolean} camera */
  async #takeWhatIsThere(camera) {
    const turn = this.#turn;
    /** @type {Kind[]} */
    const wanted = camera ? ["audio", "video"] : ["audio"];
    const tracks = (await this.#take(wanted)) ?? (await this.#takeOneByOne(wanted));
    this.#addAll(tracks, turn);
    this.#changed();
  }

  async #takeCamera() {
    const turn = this.#turn;
    this.problem = null;
    const tracks = (await this.#take(["video"])) ?? [];
    if (tracks.length === 0) this.#cameraOn = false;
    // The person may have changed their mind while the camera was starting.
    this.#addAll(tracks, this.#cameraOn && !this.#screen ? turn : -1);
  }

  /**
   * A phone has one camera at a time: the old one is released first.
   *
   * @param {Kind} kind
   * @param {DeviceChoice} before
   */
  async #retake(kind, before) {
    const { problem } = this;
    const turn = this.#turn;
    this.#stopTrack(kind);
    const tracks = await this.#take([kind]);
    if (tracks) return this.#addAll(tracks, turn);
    this.#devices = before;
    const old = await this.#take([kind]);
    if (!old) return this.#remove(kind);
    this.problem = problem; // nothing is missing
    this.#addAll(old, turn);
  }

  /** @param {Kind[]} kinds @returns {Promise<MediaStreamTrack[] | null>} */
  async #take(kinds) {
    if (!globalThis.navigator?.mediaDevices) {
      this.problem = "insecure";
      return null;
    }
    try {
      const constraints = {
        audio: kinds.includes("audio") && { ...AUDIO, ...exactly(this.#devices.mic) },
        video: kinds.includes("video") && { ...this.#video, ...exactly(this.#devices.camera) },
      };
      return (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
    } catch (error) {
      this.problem = problemOf(error);
      return null;
    }
  }

  async #takeScreen() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
      return stream.getVideoTracks()[0] ?? null;
    } catch {
      return null;
    }
  }

  /** One kind may be refused or missing while the other is available. @param {Kind[]} wanted */
  async #takeOneByOne(wanted) {
    const first = this.problem;
    const tracks = [];
    for (const kind of wanted.length > 1 ? wanted : []) {
      // After a "no" the person is not asked again; only devices that are already allowed are used.
      if (first === "denied" && !(await allowed(kind))) continue;
      tracks.push(...((await this.#take([kind])) ?? []));
    }
    this.problem = first;
    return tracks;
  }

  // --- tracks ---

  /** @param {MediaStreamTrack[] | null} tracks @param {number} turn */
  #addAll(tracks, turn) {
    for (const track of tracks ?? []) turn === this.#turn ? this.#add(track) : track.stop();
  }

  /** @param {MediaStreamTrack} track */
  #add(track) {
    const kind = /** @type {Kind} */ (track.kind);
    this.#dropTrack(kind);
    if (kind === "audio") track.enabled = this.#micOn;
    if (track !== this.#screen) track.onended = () => this.#unplugged(track);
    this.stream.addTrack(track);
    this.emit("track", { kind, track });
  }

  /** @param {Kind} kind */
  #remove(kind) {
    if (this.#dropTrack(kind)) this.emit("track", { kind, track: null });
  }

  /** Without a word to the others, because another one comes. @param {Kind} kind */
  #dropTrack(kind) {
    const track = this.#stopTrack(kind);
    if (track) this.stream.removeTrack(track);
    return track;
  }

  /** @param {Kind} kind */
  #stopTrack(kind) {
    const track = this.#track(kind);
    if (!track) return null;
    track.onended = null;
    track.stop();
    return track;
  }

  #endScreen() {
    if (!this.#screen) return;
    this.#remove("video");
    this.#screen = null;
  }

  /** @param {MediaStreamTrack} track */
  #unplugged(track) {
    this.#remove(/** @type {Kind} */ (track.kind));
    this.problem = "missing";
    this.#changed();
  }

  /** @param {Kind} kind */
  #track(kind) {
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  #changed() {
    this.emit("change", undefined);
  }
}

/** @param {string | undefined} choice @returns {MediaTrackConstraints} */
function exactly(choice) {
  if (choice === undefined) return {};
  if (choice === "user" || choice === "environment") return { facingMode: { exact: choice } };
  return { deviceId: { exact: choice } };
}

/** @param {Kind} kind */
async function allowed(kind) {
  const name = /** @type {PermissionName} */ (kind === "audio" ? "microphone" : "camera");
  const status = await navigator.permissions?.query({ name }).catch(() => null);
  return status?.state === "granted";
}

/** @param {any} error @returns {MediaProblem} */
function problemOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "busy";
  return "failed";
}
