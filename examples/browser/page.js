// Helpers that several parts of the page need.

import { strings } from "./strings/index.js";

export function element(id) {
  return document.getElementById(id);
}

/** `make("li", {className: "tile"}, child, "text")` */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** An icon of the sprite in index.html. */
export function icon(name, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  if (label) svg.setAttribute("role", "img");
  svg.setAttribute(label ? "aria-label" : "aria-hidden", label ?? "true");
  svg.append(use);
  return svg;
}

const HOSTS = new Set(["host", "admin"]);

export function isHost({ role }) {
  return HOSTS.has(role);
}

/** Announces `text` to screen readers. */
export function announce(text) {
  element("announcer").textContent = text;
}

/** Shows elements marked `data-for` one of these, and hides those for others. */
export function showFor(...kinds) {
  for (const node of document.querySelectorAll("[data-for]")) {
    node.hidden = !kinds.includes(node.dataset.for);
  }
}

/** "Dr. Anna Maria Keller" is "AK". */
export function initials(name) {
  const words = name.trim().split(/\s+/);
  const names = words.filter((word) => !word.endsWith("."));
  const [first, ...others] = names.length > 0 ? names : words;
  const ends = [first, ...others.slice(-1)];
  return ends.map((word) => Array.from(word)[0] ?? "").join("").toUpperCase();
}

/** Every button with `data-toggle` follows, and switches, the microphone or the camera. */
export function bindToggles(media, changed) {
  const buttons = [...document.querySelectorAll("[data-toggle]")];
  const show = () => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(!media[button.dataset.toggle]));
    }
    changed();
  };
  for (const button of buttons) {
    button.addEventListener("click", () => switchOver(media, button.dataset.toggle));
  }
  media.on("change", show);
}

function switchOver(media, kind) {
  if (kind === "camera") return media.screen ? media.stopSharing() : media.setCamera(!media.camera);
  return media.setMic(!media.mic);
}

/** Every button with `data-copy-link` copies the result of `link`, and says that it did. */
export function copyButtons(link) {
  for (const button of document.querySelectorAll("[data-copy-link]")) {
    const label = button.querySelector("span");
    const usual = label.textContent;
    button.addEventListener("click", async () => {
      label.textContent = (await copy(link())) ? strings.copied : link();
      announce(label.textContent);
      setTimeout(() => { label.textContent = usual; }, 4_000);
    });
  }
}

/** Insecure pages have no clipboard; then the link is shown instead. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
