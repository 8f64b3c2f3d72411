// The choice of camera, microphone and speaker, before a visit and in it; the sound test, and the
// look at the network.

import { checkConnection } from "./client/index.js";
import { SOUND_TEST, chime } from "./alerts.js";
import { announce, element, make } from "./page.js";
import { strings } from "./strings/index.js";

/** The lists, by the kind of device that the browser names, and the field of `switchTo`. */
const KINDS = { videoinput: "camera", audioinput: "mic", audiooutput: "speaker" };

/** Every form of devices on the page: `[data-devices]`. */
export class Devices {
  #media;
  #address;
  #speaker = "";

  /** `address` answers the server's URL and the visit token, for the check. */
  constructor({ media, address }) {
    this.#media = media;
    this.#address = address;
    for (const select of this.#selects()) {
      select.addEventListener("change", () => this.#choose(select));
    }
    for (const button of document.querySelectorAll("[data-flip]")) {
      button.addEventListener("click", () => media.flip());
    }
    for (const button of document.querySelectorAll("[data-test-speaker]")) {
      button.addEventListener("click", () => chime(SOUND_TEST, this.#speaker));
    }
    element("check-network").addEventListener("click", () => this.#check());
    // Names of devices are known once the person has allowed one of them.
    media.on("change", () => this.#fill());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#fill());
    this.#fill();
  }

  /** The speaker that was chosen; "" is the browser's own choice. */
  get speaker() {
    return this.#speaker;
  }

  #selects() {
    return [...document.querySelectorAll("select[data-device]")];
  }

  async #fill() {
    const all = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    for (const select of this.#selects()) {
      const devices = all.filter(({ kind }) => kind === select.dataset.device);
      const known = devices.some(({ deviceId }) => deviceId !== "");
      select.closest("[data-row]").hidden = !known;
      if (known) this.#list(select, devices);
    }
    const cameras = all.filter(({ kind }) => kind === "videoinput").length;
    const phone = matchMedia("(pointer: coarse)").matches;
    for (const button of document.querySelectorAll("[data-flip]")) {
      button.hidden = !phone || cameras < 2 || !this.#media.camera;
    }
  }

  #list(select, devices) {
    const word = { videoinput: strings.camera, audioinput: strings.microphone };
    const kind = word[select.dataset.device] ?? strings.speaker;
    const options = devices.map(({ deviceId, label }, at) => make(
      "option", { value: deviceId }, label || strings.deviceNumber(kind, at + 1),
    ));
    select.replaceChildren(...options);
    const field = KINDS[select.dataset.device];
    const used = field === "speaker" ? this.#speaker : this.#media.devices[field];
    if (used && devices.some(({ deviceId }) => deviceId === used)) select.value = used;
  }

  async #choose(select) {
    const field = KINDS[select.dataset.device];
    if (field !== "speaker") return this.#media.switchTo({ [field]: select.value });
    this.#speaker = select.value;
    for (const video of document.querySelectorAll("#tiles video")) this.applyTo(video);
    return this.#fill();
  }

  /** Plays an element on the chosen speaker. */
  applyTo(video) {
    if (this.#speaker && video.setSinkId) video.setSinkId(this.#speaker).catch(() => {});
  }

  async #check() {
    const result = element("network-result");
    const say = (text, kind) => {
      result.textContent = text;
      result.dataset.kind = kind;
      result.hidden = false;
      announce(text);
    };
    say(strings.checking, "info");
    const { url, token } = this.#address();
    const bad = [];
    for await (const { status, code } of checkConnection(url, token, { media: false })) {
      if (status !== "ok" && code) bad.push(strings.checkAdvice[code]);
    }
    if (bad.length === 0) say(strings.networkGood, "info");
    else say(strings.networkBad(bad.join(" ")), "warning");
  }
}
