// The visit on the screen: one tile for each person, the list of people, the panels, the banner. It
// only draws, and decides nothing.

import { announce, element, icon, initials, make } from "./page.js";
import { strings } from "./strings/index.js";
import { PERSON_STATES, personState, weakness } from "./texts.js";

export class VisitView {
  #media;
  #devices;
  #tiles = new Map();
  #lines = new Map();
  #hosting = false;
  #onDecide;
  #title = "";
  #knocks = 0;
  #shown = 0;

  /** `onDecide` takes "to_lobby" or "remove" and a person, or "end_visit". */
  constructor({ media, devices, onLeave, onDecide }) {
    this.#media = media;
    this.#devices = devices;
    this.#onDecide = onDecide;
    media.on("change", () => this.#showSelf());
    element("leave").addEventListener("click", onLeave);
    element("end-visit").addEventListener("click", () => onDecide("end_visit"));
    element("knock-show").addEventListener("click", () => element("people-toggle").click());
    element("sound").addEventListener("click", () => this.#playAll());
    element("share").addEventListener("click", () => this.#share());
    element("pip").addEventListener("click", () => this.#showSmall());
    // Phones cannot share their screens.
    element("share").toggleAttribute("data-unsupported", !navigator.mediaDevices?.getDisplayMedia);
    for (const button of document.querySelectorAll("[data-panel]")) {
      button.addEventListener("click", () => this.#togglePanel(button));
    }
    for (const button of document.querySelectorAll("[data-close-panel]")) {
      button.addEventListener("click", () => this.#closePanels());
    }
    element("visit").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#closePanels();
    });
  }

  open({ roomId, displayName, hosting }) {
    document.body.dataset.view = "visit";
    this.#hosting = hosting;
    this.#title = document.title = `${roomId} · ${strings.title}`;
    element("where").textContent = roomId;
    element("visit-title").textContent = strings.visitTitle(roomId);
    element("visit").hidden = false;
    element("self").querySelector(".avatar").textContent = initials(displayName);
    this.#showSelf();
    element("visit-title").focus();
  }

  close() {
    this.#closePanels();
    this.showBanner(null);
    this.showKnocks({ count: 0, text: "" });
    for (const peerId of this.#tiles.keys()) this.#removeTile(peerId);
    for (const line of this.#lines.values()) line.remove();
    this.#lines.clear();
    this.#shown = 0;
    element("where").textContent = "";
    element("self-video").srcObject = null;
    element("sound").hidden = true;
    element("visit").hidden = true;
    closeSmall();
  }

  showBanner(text) {
    const banner = element("banner");
    if (banner.textContent === (text ?? "")) return;
    banner.textContent = text ?? "";
    banner.hidden = text === null;
    announce(text ?? strings.back);
  }

  /** Shows how many wait: on the button, over the picture, and in the title of the window. */
  showKnocks({ count, text }) {
    this.#knocks = count;
    const badge = element("knocks");
    badge.hidden = count === 0;
    badge.replaceChildren(
      String(count), make("span", { className: "visually-hidden" }, strings.waitingSuffix),
    );
    element("knock-bar").hidden = count === 0;
    element("knock-text").textContent = text;
    this.#showAlone();
    if (!element("visit").hidden) {
      document.title = count === 0 ? this.#title : `(${count}) ${this.#title}`;
    }
  }

  showPeople(people, ownName) {
    const shown = people.filter((person) => person.state !== "left" && person.role !== "observer");
    const ids = new Set(shown.map((person) => person.peerId));
    for (const peerId of this.#tiles.keys()) if (!ids.has(peerId)) this.#removeTile(peerId);
    for (const person of shown) this.#showTile(person);
    this.#shown = shown.length;
    element("stage").dataset.count = shown.length;
    element("pip").hidden = !document.pictureInPictureEnabled || shown.length === 0;
    this.#showAlone();
    this.#showList(people, ownName);
  }

  #showAlone() {
    element("alone").hidden = this.#shown > 0;
    const knocks = this.#knocks;
    setText(element("alone-title"), knocks > 0 ? strings.aloneWaiting : strings.aloneTitle);
    element("alone-text").hidden = knocks > 0;
    element("alone-knocks").hidden = knocks === 0;
    setText(element("alone-knocks"), knocks > 0 ? strings.aloneKnocks(knocks) : "");
  }

  // --- tiles ---

  #showSelf() {
    if (element("visit").hidden) return;
    const { stream, camera, screen, mic } = this.#media;
    const video = element("self-video");
    if (video.srcObject !== stream) video.srcObject = stream;
    element("self").dataset.camera = camera || screen ? "on" : "off";
    element("self").dataset.screen = screen;
    element("self").dataset.mic = mic ? "on" : "off";
    element("share").setAttribute("aria-pressed", String(screen));
  }

  #showTile(person) {
    const tile = this.#tiles.get(person.peerId) ?? this.#addTile(person.peerId);
    const quiet = ["connected", "present"].includes(person.state);
    tile.dataset.state = person.state;
    tile.dataset.moves = person.moves;
    tile.dataset.camera = isSeen(person) ? "on" : "off";
    tile.dataset.mic = person.media.mic === false ? "off" : "on";
    tile.dataset.quality = person.quality?.level ?? "";
    tile.dataset.screen = person.media.screen === true;
    setText(tile.querySelector(".tile-name span"), person.name);
    setText(tile.querySelector(".avatar"), initials(person.name));
    setText(
      tile.querySelector(".tile-state"),
      quiet ? weakness(person.quality) : PERSON_STATES[person.state],
    );
    const video = tile.querySelector("video");
    const label = person.media.screen
      ? strings.sharesScreen(person.name) : strings.videoOf(person.name);
    if (video.getAttribute("aria-label") !== label) video.setAttribute("aria-label", label);
    if (video.srcObject !== person.stream) this.#play(video, person.stream);
  }

  #addTile(peerId) {
    const tile = make("li", { className: "tile" },
      make("video", { autoplay: true, playsInline: true }),
      make("span", { className: "avatar", ariaHidden: "true" }),
      make("p", { className: "tile-state" }),
      make("p", { className: "tile-name" }, icon("mic-off", strings.muted), make("span")));
    tile.dataset.peerId = peerId;
    tile.querySelector(".tile-name svg").classList.add("muted");
    element("tiles").insertBefore(tile, element("self"));
    this.#tiles.set(peerId, tile);
    this.#devices.applyTo(tile.querySelector("video"));
    return tile;
  }

  #removeTile(peerId) {
    const tile = this.#tiles.get(peerId);
    const video = tile.querySelector("video");
    if (document.pictureInPictureElement === video) closeSmall();
    video.srcObject = null;
    tile.remove();
    this.#tiles.delete(peerId);
  }

  /** A browser may block sound until the page is touched; then a button asks for that. */
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

  async #share() {
    if (this.#media.screen) return this.#media.stopSharing();
    if (await this.#media.shareScreen()) announce(strings.sharingScreen);
  }

  /** A small window over other programs, with the first other person. */
  async #showSmall() {
    const [first] = this.#tiles.values();
    if (document.pictureInPictureElement) await closeSmall();
    else await first?.querySelector("video").requestPictureInPicture().catch(() => {});
  }

  // --- the list ---

  /** Lines are kept and changed, because the focus may be on a button of one. */
  #showList(people, ownName) {
    const self = { peerId: "self", name: ownName, suffix: strings.youSuffix, state: "connected" };
    const own = this.#line(self);
    const order = [...people].sort((a, b) => (a.state === "left") - (b.state === "left"));
    const wanted = [own, ...order.map((person) => this.#line(person))];
    const list = element("people");
    for (const [at, line] of wanted.entries()) {
      if (list.children[at] !== line) list.insertBefore(line, list.children[at] ?? null);
    }
    for (const line of [...list.children].slice(wanted.length)) line.remove();
  }

  #line(person) {
    const { peerId, name, state, role, suffix = "" } = person;
    if (!this.#lines.has(peerId)) this.#lines.set(peerId, personLine(peerId));
    const line = this.#lines.get(peerId);
    line.dataset.state = state;
    line.dataset.quality = person.quality?.level ?? "";
    setText(line.querySelector(".avatar"), initials(name));
    setText(line.querySelector(".person-name"), name + suffix);
    setText(line.querySelector(".person-state"), personState(person));
    const decisions = this.#hosting && state !== "left" ? DECISIONS[role] ?? [] : [];
    this.#showButtons(line, person, decisions);
    return line;
  }

  #showButtons(line, person, decisions) {
    const shown = line.querySelector(".person-buttons");
    if (shown?.dataset.decisions === decisions.join() || (!shown && decisions.length === 0)) return;
    shown?.remove();
    const buttons = make("div", { className: "person-buttons" });
    buttons.dataset.decisions = decisions.join();
    for (const decision of decisions) {
      const label = DECISION_LABELS[decision];
      const button = make("button", {
        type: "button", className: "quiet", ariaLabel: `${label}: ${person.name}`,
      }, label);
      button.dataset.decision = decision;
      button.addEventListener("click", () => this.#onDecide(decision, person));
      buttons.append(button);
    }
    if (decisions.length > 0) line.append(buttons);
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
    firstOf(panel).focus();
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

/** Closes the small window, if there is one. */
async function closeSmall() {
  if (document.pictureInPictureElement) await document.exitPictureInPicture().catch(() => {});
}

/** A host's possible decisions about people, by their role; nobody decides about a host. */
const DECISIONS = { guest: ["to_lobby", "remove"], observer: ["remove"] };

const DECISION_LABELS = { to_lobby: strings.toLobby, remove: strings.remove };

function personLine(peerId) {
  const line = make("li", {},
    make("span", { className: "avatar", ariaHidden: "true" }),
    make("span", { className: "person-name" }),
    make("span", { className: "person-state" }));
  line.dataset.peerId = peerId;
  return line;
}

/**
 * Whether there is a picture to show: a track that delivers, and no message that the camera is off.
 */
function isSeen({ stream, media }) {
  return media.camera !== false
    && (stream?.getVideoTracks().some((track) => !track.muted) ?? false);
}

/**
 * Where the focus goes when a panel opens: to the field, to the waiting people, or to its first
 * button.
 */
function firstOf(panel) {
  const places = ["#chat-text", "#lobby-list button", "select", "button"];
  const found = places.map(
    (place) => [...panel.querySelectorAll(place)].find((node) => node.checkVisibility()),
  );
  return found.find(Boolean);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
