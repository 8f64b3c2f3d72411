// <visio-visit url="wss://visio.example.org/ws" token="...">: a visit for a page without a
// framework.
//
// It has pictures and four buttons, and the rest is yours: style it with `::part(...)`, read
// `visit` and `state`, and listen to "visit-state" and "visit-ended". `labels` replaces its words.

import { IDLE, Visit } from "./visit.js";

const LABELS = {
  join: "Join", mute: "Mute", unmute: "Unmute", cameraOn: "Camera on", cameraOff: "Camera off",
  leave: "Leave", waiting: "Please wait. You will be let in.", you: "You",
  reconnecting: "Reconnecting…", ended: "The visit is over.",
};

const STYLE = `
  :host { display: block; container-type: inline-size; }
  ul { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(240px, 100%), 1fr));
    gap: 8px; margin: 0; padding: 0; list-style: none; }
  li { position: relative; aspect-ratio: 4 / 3; overflow: hidden; border-radius: 8px;
    background: #10242b; }
  video { width: 100%; height: 100%; object-fit: contain; }
  li.self video { transform: scaleX(-1); }
  li span { position: absolute; left: 8px; bottom: 8px; padding: 2px 8px; border-radius: 6px;
    background: rgb(8 20 25 / 78%); color: #fff; }
  p { margin: 8px 0; } p:empty { display: none; }
  div { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
  button { min-height: 44px; padding: 8px 16px; font: inherit; }
`;

// Imported where there is no page, it does nothing.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export class VisioVisit extends Base {
  static observedAttributes = ["url", "token", "room", "name"];

  /** The visit, while there is one. @type {Visit | null} */
  visit = null;
  /** A function for tokens, in place of the attribute. @type {import("./token.js").TokenSource} */
  tokenSource;

  #labels = LABELS;
  /** @type {Map<string, HTMLLIElement>} */
  #tiles = new Map();
  #planned = false;

  /** @param {Partial<typeof LABELS>} labels */
  set labels(labels) {
    this.#labels = { ...LABELS, ...labels };
    this.#draw();
  }

  get state() {
    return this.visit?.state ?? IDLE;
  }

  connectedCallback() {
    if (!this.shadowRoot) this.#build();
    this.#plan();
  }

  disconnectedCallback() {
    // A move within the page is a removal first.
    queueMicrotask(() => { if (!this.isConnected) this.leave(); });
  }

  attributeChangedCallback() {
    if (!this.isConnected) return;
    this.leave();
    this.#plan();
  }

  leave() {
    this.visit?.leave();
    this.visit = null;
  }

  /** Attributes come one by one; what counts is all of them. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (this.isConnected && !this.visit) this.#join();
    });
  }

  #join() {
    const url = this.getAttribute("url") ?? "/ws";
    const visit = new Visit({
      url,
      token: this.tokenSource ?? this.getAttribute("token"),
      room: this.getAttribute("room") ?? undefined,
      name: this.getAttribute("name") ?? undefined,
    });
    this.visit = visit;
    visit.subscribe((state) => {
      if (this.visit !== visit) return;
      this.#draw();
      this.dispatchEvent(new CustomEvent("visit-state", { detail: state }));
    });
    visit.on("ended", (reason) => {
      this.dispatchEvent(new CustomEvent("visit-ended", { detail: reason }));
    });
    visit.join().catch(() => {}); // its end is in the state
    this.#draw();
  }

  // --- drawing ---

  #build() {
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(make("ul", "people"), make("p", "status"), make("div", "controls"));
    part(root, "status").setAttribute("role", "status");
    this.#button("mute", () => this.visit?.mute(this.state.me.mic));
    this.#button("camera", () => this.visit?.camera(!this.state.me.camera));
    this.#button("leave", () => this.#leaveOrJoin());
  }

  #leaveOrJoin() {
    if (this.state.phase !== "ended") return this.visit?.leave();
    this.visit = null;
    this.#join();
  }

  /** @param {string} name @param {() => unknown} act */
  #button(name, act) {
    const button = make("button", name);
    button.addEventListener("click", act);
    part(/** @type {ShadowRoot} */ (this.shadowRoot), "controls").append(button);
  }

  #draw() {
    const root = this.shadowRoot;
    if (!root) return;
    const { me, people, phase } = this.state;
    const labels = this.#labels;
    const there = people.filter(({ state }) => state !== "left");
    const ids = new Set(there.map(({ peerId }) => peerId));
    for (const [id, tile] of this.#tiles) if (id && !ids.has(id)) this.#remove(id, tile);
    for (const { peerId, name, stream } of there) this.#show(peerId, name, stream);
    this.#show("", labels.you, me.stream);
    part(root, "status").textContent = this.#status();
    setText(part(root, "mute"), me.mic ? labels.mute : labels.unmute);
    setText(part(root, "camera"), me.camera ? labels.cameraOff : labels.cameraOn);
    setText(part(root, "leave"), phase === "ended" ? labels.join : labels.leave);
  }

  #status() {
    const { phase, lobby, connected, attempt } = this.state;
    if (phase === "ended") return this.#labels.ended;
    if (!connected && attempt > 0) return this.#labels.reconnecting;
    if (phase === "waiting") return lobby?.message ?? this.#labels.waiting;
    return "";
  }

  /** @param {string} id @param {string} name @param {MediaStream | null} stream */
  #show(id, name, stream) {
    const tile = this.#tiles.get(id) ?? this.#add(id);
    const video = /** @type {HTMLVideoElement} */ (tile.querySelector("video"));
    setText(/** @type {Element} */ (tile.querySelector("span")), name);
    if (video.srcObject !== stream) video.srcObject = stream;
  }

  /** @param {string} id "" is the own picture */
  #add(id) {
    const tile = /** @type {HTMLLIElement} */ (make("li", id ? "person" : "self"));
    const video = document.createElement("video");
    Object.assign(video, { autoplay: true, playsInline: true, muted: id === "" });
    if (id === "") tile.className = "self";
    tile.append(video, document.createElement("span"));
    part(/** @type {ShadowRoot} */ (this.shadowRoot), "people").append(tile);
    this.#tiles.set(id, tile);
    return tile;
  }

  /** @param {string} id @param {Element} tile */
  #remove(id, tile) {
    tile.remove();
    this.#tiles.delete(id);
  }
}

/** @param {string} tag @param {string} name */
function make(tag, name) {
  const made = document.createElement(tag);
  made.setAttribute("part", name);
  return made;
}

/** @param {ShadowRoot} root @param {string} name */
function part(root, name) {
  return /** @type {HTMLElement} */ (root.querySelector(`[part="${name}"]`));
}

/** @param {Element} node @param {string} text */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

globalThis.customElements?.define("visio-visit", VisioVisit);
