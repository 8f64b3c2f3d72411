// The waiting room, as a waiting person sees it: whether a doctor is there, since when they wait,
// their own picture, and a chat with the practice.

import { Conversation } from "./chat.js";
import { announce, element } from "./page.js";
import { sinceWhen, waitingStatus } from "./texts.js";

const REFRESH_MS = 20_000;

export class WaitingRoom {
  #media;
  #talk = null;
  #timer = null;
  #since = 0;

  constructor({ media, onLeave }) {
    this.#media = media;
    media.addEventListener("change", () => this.#showSelf());
    element("wait-leave").addEventListener("click", onLeave);
  }

  get isOpen() {
    return !element("waiting").hidden;
  }

  /** `send` takes a message for the server; `sentBack`: this person was already in the visit. */
  open({ send, sentBack }) {
    document.body.dataset.view = "waiting";
    document.title = "Waiting room · Video visit";
    element("waiting").hidden = false;
    element("wait-title").textContent = sentBack ? "Back in the waiting room" : "Waiting room";
    element("wait-messages").replaceChildren();
    element("wait-messages").hidden = true;
    this.#talk = new Conversation({
      list: element("wait-messages"),
      form: element("wait-form"),
      send: (text) => {
        element("wait-messages").hidden = false;
        return send({ type: "chat", message: text });
      },
    });
    this.#timer = setInterval(() => this.#showSince(), REFRESH_MS);
    this.#showSelf();
    element("wait-title").focus();
  }

  /** The messages written here, to be kept in the visit. */
  close() {
    if (!this.isOpen) return [];
    this.#talk.close();
    const { lines } = this.#talk;
    clearInterval(this.#timer);
    this.showBanner(null);
    element("wait-status").textContent = "";
    element("wait-video").srcObject = null;
    element("waiting").hidden = true;
    return lines;
  }

  /** A `waiting` event of the signaling client. */
  show({ hostPresent, since }) {
    const text = waitingStatus(hostPresent);
    const status = element("wait-status");
    if (status.textContent !== text) announce(text);
    status.textContent = text;
    element("waiting").dataset.host = hostPresent ? "here" : "away";
    this.#since = since;
    this.#showSince();
    this.#talk.connected(true);
    this.#talk.flush();
  }

  /** Only hosts can write to the waiting room, and only the visit shows who they are. */
  receive({ type, message, sentAt }) {
    if (type !== "chat" || typeof message !== "string") return;
    element("wait-messages").hidden = false;
    this.#talk.hear({ name: "The practice", text: message, at: sentAt });
  }

  /** What is wrong with the connection, in words; or null. */
  showBanner(text) {
    if (!this.isOpen) return;
    element("wait-banner").hidden = text === null;
    element("wait-banner").textContent = text ?? "";
    if (text !== null) announce(text);
    this.#talk.connected(text === null);
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
