// The visit as it is seen: one tile a person, the list of people, the panels, the banner.
// It draws what it is told and decides nothing.

import { announce, element, icon, initials, make } from "./page.js";
import { PERSON_STATES } from "./texts.js";

export class VisitView {
  #media;
  #tiles = new Map();

  constructor({ media, onLeave }) {
    this.#media = media;
    media.addEventListener("change", () => this.#showSelf());
    element("leave").addEventListener("click", onLeave);
    element("sound").addEventListener("click", () => this.#playAll());
    for (const button of document.querySelectorAll("[data-panel]")) {
      button.addEventListener("click", () => this.#togglePanel(button));
    }
    for (const button of document.querySelectorAll("[data-close-panel]")) {
      button.addEventListener("click", () => this.#closePanels());
    }
    element("visit").addEventListener("keydown", (event) => { if (event.key === "Escape") this.#closePanels(); });
  }

  open({ roomId, displayName }) {
    document.body.dataset.view = "visit";
    document.title = `${roomId} · Video visit`;
    element("where").textContent = roomId;
    element("visit-title").textContent = `Video visit ${roomId}`;
    element("visit").hidden = false;
    element("self").querySelector(".avatar").textContent = initials(displayName);
    this.#showSelf();
    element("visit-title").focus();
  }

  close() {
    this.#closePanels();
    this.showBanner(null);
    for (const peerId of this.#tiles.keys()) this.#removeTile(peerId);
    element("where").textContent = "";
    element("self-video").srcObject = null;
    element("sound").hidden = true;
    element("visit").hidden = true;
  }

  showBanner(text) {
    const banner = element("banner");
    if (banner.textContent === (text ?? "")) return;
    banner.textContent = text ?? "";
    banner.hidden = text === null;
    announce(text ?? "The connection is back.");
  }

  showPeople(people, ownName) {
    const shown = people.filter((person) => person.state !== "left");
    const ids = new Set(shown.map((person) => person.peerId));
    for (const peerId of this.#tiles.keys()) if (!ids.has(peerId)) this.#removeTile(peerId);
    for (const person of shown) this.#showTile(person);
    element("stage").dataset.count = shown.length;
    element("alone").hidden = shown.length > 0;
    this.#showList(people, ownName);
  }

  // --- tiles ---

  #showSelf() {
    if (element("visit").hidden) return;
    const { stream, camera, mic } = this.#media;
    const video = element("self-video");
    if (video.srcObject !== stream) video.srcObject = stream;
    element("self").dataset.camera = camera ? "on" : "off";
    element("self").dataset.mic = mic ? "on" : "off";
  }

  #showTile(person) {
    const tile = this.#tiles.get(person.peerId) ?? this.#addTile(person.peerId);
    tile.dataset.state = person.state;
    tile.dataset.moves = person.moves;
    tile.dataset.camera = isSeen(person) ? "on" : "off";
    tile.dataset.mic = person.media.mic === false ? "off" : "on";
    setText(tile.querySelector(".tile-name span"), person.name);
    setText(tile.querySelector(".avatar"), initials(person.name));
    setText(tile.querySelector(".tile-state"), person.state === "connected" ? "" : PERSON_STATES[person.state]);
    const video = tile.querySelector("video");
    video.setAttribute("aria-label", `Video of ${person.name}`);
    if (video.srcObject !== person.stream) this.#play(video, person.stream);
  }

  #addTile(peerId) {
    const tile = make("li", { className: "tile" },
      make("video", { autoplay: true, playsInline: true }),
      make("span", { className: "avatar", ariaHidden: "true" }),
      make("p", { className: "tile-state" }),
      make("p", { className: "tile-name" }, icon("mic-off", "Muted"), make("span")));
    tile.dataset.peerId = peerId;
    tile.querySelector(".tile-name svg").classList.add("muted");
    element("tiles").insertBefore(tile, element("self"));
    this.#tiles.set(peerId, tile);
    return tile;
  }

  #removeTile(peerId) {
    const tile = this.#tiles.get(peerId);
    tile.querySelector("video").srcObject = null;
    tile.remove();
    this.#tiles.delete(peerId);
  }

  /** A browser may hold back sound until the page is touched; then it is asked for. */
  async #play(video, stream) {
    video.srcObject = stream;
    try {
      await video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") element("sound").hidden = false;
    }
  }

  #playAll() {
    element("sound").hidden = true;
    for (const tile of this.#tiles.values()) tile.querySelector("video").play().catch(() => {});
  }

  // --- the list ---

  #showList(people, ownName) {
    const own = personLine({ name: ownName, state: "connected", peerId: "self", suffix: " (you)" });
    const order = [...people].sort((a, b) => (a.state === "left") - (b.state === "left"));
    element("people").replaceChildren(own, ...order.map((person) => personLine(person)));
  }

  // --- panels ---

  #togglePanel(button) {
    const opening = button.getAttribute("aria-expanded") === "false";
    this.#closePanels();
    if (!opening) return;
    const panel = element(button.dataset.panel);
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    element("visit").dataset.panel = "open";
    (panel.querySelector("input") ?? panel.querySelector("button")).focus();
  }

  #closePanels() {
    for (const button of document.querySelectorAll("[data-panel][aria-expanded=true]")) {
      button.setAttribute("aria-expanded", "false");
      element(button.dataset.panel).hidden = true;
      button.focus();
    }
    delete element("visit").dataset.panel;
  }
}

function personLine({ name, state, peerId, suffix = "" }) {
  const line = make("li", {},
    make("span", { className: "avatar", ariaHidden: "true" }, initials(name)),
    make("span", { className: "person-name" }, name + suffix),
    make("span", { className: "person-state" }, PERSON_STATES[state]));
  line.dataset.peerId = peerId;
  line.dataset.state = state;
  return line;
}

/** Whether there is a picture to show: a track that delivers, and no word that the camera is off. */
function isSeen({ stream, media }) {
  return media.camera !== false && (stream?.getVideoTracks().some((track) => !track.muted) ?? false);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
