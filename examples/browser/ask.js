// One question at a time: "are you sure?", perhaps with a reason.

import { element } from "./page.js";

const NOTHING_ASKED = () => {};

/** Answers the last question, if it has no answer yet. */
let answer = NOTHING_ASKED;

/**
 * Resolves to null for no, and for yes to `{reason}`, or to `{}` if there is none. `reason`, if
 * given, is the label of a field for the reason, and `suggestion` what stands in it. Unless the
 * focus starts in that field, a key that is pressed twice, or held, means no.
 */
export function ask(question) {
  const { title, text, reason, suggestion = "", startsWithReason = false, action } = question;
  const dialog = element("ask");
  const before = document.activeElement;
  answer();
  element("ask-title").textContent = title;
  element("ask-text").textContent = text;
  element("ask-yes").textContent = action;
  element("ask-reason-row").hidden = !reason;
  element("ask-reason-label").textContent = reason ?? "";
  element("ask-reason").value = suggestion;
  element("ask-yes").classList.toggle("danger", !question.harmless);
  dialog.returnValue = "";
  dialog.showModal();
  element(startsWithReason ? "ask-reason" : "ask-no").focus();
  return new Promise((resolve) => {
    answer = () => {
      answer = NOTHING_ASKED;
      (before.isConnected ? before : element("visit-title")).focus();
      const given = element("ask-reason").value.trim();
      resolve(dialog.returnValue !== "yes" ? null : reason && given ? { reason: given } : {});
    };
  });
}

// A browser reports the close in a task of its own; by then the next question may be open.
element("ask").addEventListener("close", () => { if (!element("ask").open) answer(); });

/** The subject of the question is gone. */
export function stopAsking() {
  element("ask").close("");
}
