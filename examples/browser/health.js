// <visio-health url="/health">: is the video service there? It asks every 30 seconds, and rests
// while nobody looks. It says what it knows and no more: "checking" until the first answer.
//
// Understands both vocabularies of the health answer: status OK / DEGRADED / DOWN, and
// healthy / unhealthy.

const EVERY_MS = 30_000;
const LIMIT_MS = 8_000;

const LABELS = {
  checking: "Visio: checking",
  online: "Visio: online",
  degraded: "Visio: degraded",
  offline: "Visio: offline",
};

export class VisioHealth extends HTMLElement {
  #timer = null;
  #asking = null;
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

  /** Asks now, and again after the usual time. */
  async check() {
    this.#rest();
    const asking = new AbortController();
    this.#asking = asking;
    const health = await readHealth(this.getAttribute("url") ?? "/health", asking.signal);
    if (asking.signal.aborted) return;
    this.#show(health.state, health.troubled);
    this.#timer = setTimeout(() => this.check(), EVERY_MS);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #show(state, troubled = []) {
    const title = troubled.length ? `Not working as it should: ${troubled.join(", ")}` : "";
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
