// The form before a visit, with the person's own picture next to it. It also shows why a visit is
// over.

import { watchLevel } from "./client/index.js";
import { element, announce } from "./page.js";
import { strings } from "./strings/index.js";
import { deviceNote, friendlyVisitName, roomIdOf } from "./texts.js";

export class Prejoin {
  #media;
  #starting = true;
  #invitation = null;
  #watched = null;
  #stopLevel = () => {};

  constructor({ media, onJoin, onCancel }) {
    this.#media = media;
    media.on("change", () => this.#showMedia());
    element("join-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const answers = this.#read();
      if (answers) onJoin(answers);
    });
    element("cancel").addEventListener("click", onCancel);
  }

  get roomId() {
    return roomIdOf(element("visit-name").value);
  }

  fill({ roomId, name }) {
    element("visit-name").value = roomIdOf(roomId ?? "") || friendlyVisitName();
    element("name").value = name ?? "";
  }

  /** The form does not ask for values that the invitation decides. */
  follow(invitation) {
    this.#invitation = invitation;
    if (!this.#nameIsGiven) return;
    element("name").value = invitation.name;
    element("name").readOnly = true;
    element("name-help").textContent = strings.nameGiven;
  }

  /** Starts camera and microphone. Joining does not wait for that: a prompt may stay unanswered. */
  async start(wanted) {
    if (this.#isSilent) this.#media.stop();
    else if (this.#media.stopped) await this.#media.start(wanted);
    this.#starting = false;
    this.#showMedia();
  }

  get #nameIsGiven() {
    return this.#invitation?.name !== undefined;
  }

  /** An observer is neither seen nor heard. */
  get #isSilent() {
    return this.#invitation?.role === "observer";
  }

  showServer(host) {
    element("server-note").hidden = !host;
    element("server-note").textContent = host ? strings.server(host) : "";
  }

  /** Waiting for the seat; `text` says why. */
  joining(text) {
    this.#setBusy(true);
    this.#notice({ text, kind: "info" });
    announce(text);
  }

  hide() {
    this.#setBusy(false);
    element("prejoin").hidden = true;
    this.#watchLevelOf(null);
  }

  /** Back to the form; `end` says why, and what the button does now. */
  show(end) {
    this.#setBusy(false);
    document.body.dataset.view = "prejoin";
    document.title = strings.title;
    const over = end?.action === null;
    element("prejoin").hidden = false;
    element("prejoin").dataset.over = over;
    this.#starting = false;
    element("prejoin-title").textContent = end?.title ?? strings.joinTitle;
    element("join-fields").hidden = over;
    element("join").textContent = end?.action ?? strings.join;
    this.#notice(end);
    this.#showMedia();
    element(over ? "prejoin-title" : end ? "join" : "name").focus();
  }

  #setBusy(busy) {
    element("join").disabled = busy;
    element("cancel").hidden = !busy;
    element("visit-name").readOnly = busy;
    element("name").readOnly = busy || this.#nameIsGiven;
    if (busy) element("cancel").focus();
  }

  #read() {
    const displayName = element("name").value.trim();
    const name = this.#demand("name", displayName, strings.nameMissing);
    const visit = this.#demand("visit-name", this.roomId, strings.visitMissing);
    if (!name || !visit) return null;
    element("visit-name").value = this.roomId;
    return { roomId: this.roomId, displayName };
  }

  #demand(id, value, text) {
    const input = element(id);
    input.setAttribute("aria-invalid", String(!value));
    if (!value) {
      this.#notice({ text, kind: "warning" });
      input.focus();
    }
    return Boolean(value);
  }

  #notice(end) {
    const notice = element("notice");
    notice.hidden = !end;
    notice.dataset.kind = end?.kind ?? "info";
    notice.textContent = end?.text ?? "";
  }

  #showMedia() {
    if (element("prejoin").hidden || this.#starting) return;
    const { stream, camera, stopped } = this.#media;
    const preview = element("preview");
    preview.parentElement.dataset.camera = camera ? "on" : "off";
    // An empty stream would keep the page loading forever.
    if (camera && preview.srcObject !== stream) preview.srcObject = stream;
    element("preview-toggles").hidden = stopped;
    element("preview-note").textContent = this.#isSilent
      ? strings.observerNote : previewNote(this.#media);
    const note = deviceNote(this.#media);
    element("device-note").hidden = !note;
    element("device-note").textContent = note ?? "";
    this.#showLevel();
  }

  #showLevel() {
    const [track = null] = this.#media.stream.getAudioTracks();
    element("level-row").hidden = !track;
    this.#watchLevelOf(track);
  }

  #watchLevelOf(track) {
    if (track === this.#watched) return;
    this.#stopLevel();
    this.#watched = track;
    this.#stopLevel = track ? watchLevel(track, drawLevel) : () => {};
  }
}

function previewNote({ problem, stopped }) {
  if (stopped) return strings.allStopped;
  return problem ? strings.noCamera : strings.cameraOffNote;
}

function drawLevel(loudness) {
  const percent = Math.round(loudness * 100);
  const bar = element("level");
  if (bar.getAttribute("aria-valuenow") === String(percent)) return;
  bar.setAttribute("aria-valuenow", percent);
  bar.firstElementChild.style.transform = `scaleX(${loudness})`;
}
