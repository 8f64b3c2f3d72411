// <visio-health url="/health">: shows whether the video service works. It asks every 30 seconds,
// and pauses while the page is hidden. It shows only what it knows: "checking" until the first
// answer. Without a `url` it does not ask.
//
// `unreachable` is for a page that knows better: while it is set, the service is offline, whatever
// its health says.
//
// Understands both vocabularies of the health answer: status OK / DEGRADED / DOWN, and
// healthy / unhealthy.

import { strings } from "./strings/index.js";

const EVERY_MS = 30_000;
const LIMIT_MS = 8_000;

const LABELS = {
  checking: strings.healthChecking,
  online: strings.healthOnline,
  degraded: strings.healthDegraded,
  offline: strings.healthOffline,
};

export class VisioHealth extends HTMLElement {
  static observedAttributes = ["url"];

  #timer = null;
  #asking = null;
  #unreachable = false;
  #wake = () => (document.hidden ? this.#rest() : this.check());

  connectedCallback() {
    this.setAttribute("role", "status");
    this.#show("checking");
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#wake);
    addEventListener("offline", this.#wake);
    if (!document.hidden) this.check();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#wake);
    removeEventListener("online", this.#wake);
    removeEventListener("offline", this.#wake);
    this.#rest();
  }

  /** Another address is another service: the state of the old one no longer applies. */
  attributeChangedCallback(_name, before, now) {
    if (!this.isConnected || before === now) return;
    this.#show("checking");
    if (!document.hidden) this.check();
  }

  get unreachable() {
    return this.#unreachable;
  }

  set unreachable(unreachable) {
    if (this.#unreachable === unreachable) return;
    this.#unreachable = unreachable;
    if (unreachable) this.#show("offline");
    else if (this.isConnected && !document.hidden) this.check();
  }

  /** Asks now, and again after the usual time. */
  async check() {
    this.#rest();
    const asking = new AbortController();
    this.#asking = asking;
    const url = this.getAttribute("url");
    if (!url) return;
    const health = await readHealth(url, asking.signal);
    if (asking.signal.aborted) return;
    if (this.#unreachable) this.#show("offline");
    else this.#show(health.state, health.troubled);
    this.#timer = setTimeout(() => this.check(), EVERY_MS);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #show(state, troubled = []) {
    const title = troubled.length ? strings.healthTroubled(troubled.join(", ")) : "";
    // Written only when changed: a live region speaks on every write.
    if (this.dataset.state === state && this.title === title) return;
    this.dataset.state = state;
    this.title = title;
    this.textContent = LABELS[state];
  }
}

/** Asks `url` once. Answers `{state, troubled}` and never rejects. */
export async function readHealth(url, signal) {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const response = await fetch(url, { cache: "no-store", signal: limit });
    return judge(await response.json());
  } catch {
    return { state: "offline", troubled: [] };
  }
}

function judge({ status, checks = {} }) {
  const fine = ["operational", "ok", "not_configured"];
  const troubled = Object.keys(checks).filter((name) => !fine.includes(checks[name]));
  if (status === "DEGRADED") return { state: "degraded", troubled };
  if (status !== "OK" && status !== "healthy") return { state: "offline", troubled };
  return { state: troubled.length ? "degraded" : "online", troubled };
}

customElements.define("visio-health", VisioHealth);
