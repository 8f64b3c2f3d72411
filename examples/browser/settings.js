// The clinic's settings, which the server gives: its name, logo and colour, and whether nobody
// joins without an invitation.

import { element } from "./page.js";
import { strings } from "./strings/index.js";

const COLOR = /^#[0-9a-f]{6}$/i;

/** `{tokens, name, logo, color}`, each perhaps absent. */
export async function loadSettings() {
  try {
    const response = await fetch("settings.json", { cache: "no-cache" });
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}

export function applySettings({ name, logo, color }) {
  if (name) {
    element("clinic").textContent = name;
    strings.title = `${strings.title} · ${name}`;
    document.title = strings.title;
  }
  if (logo) element("clinic-logo").src = logo;
  if (COLOR.test(color ?? "")) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`:root { ${shades(color)} }`);
    document.adoptedStyleSheets.push(sheet);
  }
}

/**
 * The colour of buttons, darker under the pointer, and that of the text on them: white or black,
 * whichever has more contrast.
 */
function shades(color) {
  const onAccent = luminance(color) > 0.179 ? "#000000" : "#ffffff";
  return `--accent: ${color}; --accent-strong: color-mix(in srgb, ${color} 82%, black);`
    + ` --on-accent: ${onAccent};`;
}

/** As the Web Content Accessibility Guidelines define it. */
function luminance(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
