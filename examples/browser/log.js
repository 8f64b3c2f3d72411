// The signaling log for developers: one line for each frame. The whole frame, SDP and addresses
// included, is written into the page only when its line is opened. It is there with `?debug` alone.

import { element, make } from "./page.js";

const LINES = 300;

export class SignalingLog {
  #count = 0;

  constructor() {
    element("log").hidden = false;
  }

  add({ direction, message, bytes }) {
    this.#count += 1;
    element("log-count").textContent = `(${this.#count})`;
    const lines = element("log-lines");
    lines.append(lineOf({ direction, message, bytes }));
    if (lines.children.length > LINES) lines.firstElementChild.remove();
  }
}

function lineOf({ direction, message, bytes }) {
  const cells = [
    ["time", new Date().toLocaleTimeString()],
    ["direction", direction === "in" ? "← in" : "→ out"],
    ["type", message.type + (message.code ? ` ${message.code}` : "")],
    ["peer", message.from ?? message.to ?? message.peerId ?? ""],
    ["size", `${bytes.toLocaleString()} B`],
  ];
  const summary = make(
    "summary", {}, ...cells.map(([className, text]) => make("span", { className }, text)),
  );
  const details = make("details", {}, summary);
  details.addEventListener(
    "toggle", () => details.append(make("pre", {}, pretty(message))), { once: true },
  );
  const line = make("li", {}, details);
  line.dataset.type = message.type;
  line.dataset.direction = direction;
  return line;
}

/** SDP consists of lines; escaped into a single one it is unreadable. */
function pretty(message) {
  const sdp = message.sdp?.sdp ?? message.sdp;
  const json = JSON.stringify({ ...message, sdp: sdp && "…" }, null, 2);
  return typeof sdp === "string" ? `${json}\n\n${sdp}` : json;
}
