// Warns, five minutes before, that the visit will end by itself.

import { announce } from "./page.js";
import { endingSoon } from "./texts.js";

const WARNING_MS = 5 * 60_000;
const REFRESH_MS = 20_000;
/** Timers cannot run for longer, and no visit lasts that long. */
const LONGEST_MS = 2 ** 31 - 1;

export class Deadline {
  #timer = null;
  #warned = false;

  /** `everybody`: the visit ends then. Otherwise only this invitation ends. */
  set(endsAt, everybody) {
    // The end of one's own invitation matters only while the visit's end is not known.
    if (this.#warned && !everybody) return;
    clearTimeout(this.#timer);
    const wait = endsAt - WARNING_MS - Date.now();
    if (wait > LONGEST_MS) return;
    this.#timer = setTimeout(() => this.#warn(endsAt, everybody), Math.max(0, wait));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#warned = false;
    show(null);
  }

  #warn(endsAt, everybody) {
    const text = endingSoon(endsAt, everybody);
    if (!this.#warned) announce(text);
    this.#warned = true;
    show(text);
    this.#timer = setTimeout(() => this.#warn(endsAt, everybody), REFRESH_MS);
  }
}

function show(text) {
  for (const banner of document.querySelectorAll("[data-ending]")) {
    banner.hidden = text === null;
    if (banner.textContent !== (text ?? "")) banner.textContent = text ?? "";
  }
}
