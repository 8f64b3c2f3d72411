// The language of the page: the first of the browser's that it speaks, or `?lang=`.

import de from "./de.js";
import en from "./en.js";
import fr from "./fr.js";

export const languages = { de, en, fr };

const asked = [new URLSearchParams(location.search).get("lang"), ...navigator.languages ?? []];
const spoken = asked.map((tag) => tag?.toLowerCase().split("-")[0]).find((tag) => tag in languages);

/** "en", "de", "fr" */
export const language = spoken ?? "en";
export const strings = languages[language];

/**
 * Fills in the page: `data-text` is an element's text, `data-label` its accessible name and
 * `data-placeholder` that of a field. A value in parentheses is the key of another text:
 * `data-label="close(chat)"`.
 */
export function translate(root = document) {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-text]")) {
    node.textContent = textOf(node.dataset.text);
  }
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", textOf(node.dataset.label));
  }
  for (const node of root.querySelectorAll("[data-placeholder]")) {
    node.placeholder = textOf(node.dataset.placeholder);
  }
}

function textOf(key) {
  const [, outer, inner] = /^(\w+)\((\w+)\)$/.exec(key) ?? [];
  return outer ? strings[outer](strings[inner]) : strings[key];
}
