// The waiting room, as a waiting person sees it: whether a doctor is there, since when they wait,
// what the practice lets them know, their own picture, and a chat with the practice.

import { Conversation } from "./chat.js";
import { announce, element } from "./page.js";
import { strings } from "./strings/index.js";
import { sinceWhen, waitingStatus } from "./texts.js";

const REFRESH_MS = 20_000;

export class WaitingRoom {
  #media;
  #talk = null;
  #timer = null;
  #since = 0;

  constructor({ media, onLeave }) {
    this.#media = media;
    media.on("change", () => this.#showSelf());
    element("wait-leave").addEventListener("click", onLeave);
  }

  get isOpen() {
    return !element("waiting").hidden;
  }

  /** `sentBack`: this person was already in the visit. */
  open({ visit, sentBack }) {
    document.body.dataset.view = "waiting";
    document.title = strings.titleWaiting;
    element("waiting").hidden = false;
    element("wait-title").textContent = sentBack ? strings.waitTitleBack : strings.waitTitle;
    element("wait-messages").hidden = true;
    this.#talk = new Conversation({
      box: element("wait-messages"),
      form: element("wait-form"),
      send: (text) => visit.chat(text),
      nameOf: () => strings.practice, // only the visit shows who they are
    });
    this.#timer = setInterval(() => this.#showSince(), REFRESH_MS);
    this.#showSelf();
    element("wait-title").focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#talk.close();
    clearInterval(this.#timer);
    this.showBanner(null);
    element("wait-status").textContent = "";
    element("wait-video").srcObject = null;
    element("waiting").hidden = true;
  }

  /** The state of the visit, while it is that of a waiting person. */
  show({ lobby, chat, connected }) {
    const text = waitingStatus(lobby);
    const status = element("wait-status");
    if (status.textContent !== text) announce(text);
    status.textContent = text;
    element("waiting").dataset.host = lobby.hostPresent ? "here" : "away";
    this.#since = lobby.since;
    this.#showSince();
    const lines = chat.filter((line) => line.lobby);
    element("wait-messages").hidden = lines.length === 0;
    this.#talk.show(lines);
    this.#talk.connected(connected);
  }

  /** What is wrong with the connection, in words; or null. */
  showBanner(text) {
    const banner = element("wait-banner");
    if (!this.isOpen || banner.textContent === (text ?? "")) return;
    banner.hidden = text === null;
    banner.textContent = text ?? "";
    if (text !== null) announce(text);
  }

  #showSince() {
    element("wait-since").textContent = sinceWhen(this.#since);
  }

  #showSelf() {
    if (!this.isOpen) return;
    const { stream, camera } = this.#media;
    const video = element("wait-video");
    if (video.srcObject !== stream) video.srcObject = stream;
    video.parentElement.dataset.camera = camera ? "on" : "off";
  }
}
