// The check page: goes through `checkConnection` step by step, and says what to do.

import { SOUND_TEST, chime } from "./alerts.js";
import { checkConnection } from "./client/index.js";
import { invitation } from "./invitation.js";
import { announce, element, make } from "./page.js";
import { addresses } from "./place.js";
import { applySettings, loadSettings } from "./settings.js";
import { strings, translate } from "./strings/index.js";

translate();
loadSettings().then(applySettings);
element("again").addEventListener("click", check);
// Nobody but the person can tell whether the speaker works.
element("sound").addEventListener("click", () => chime(SOUND_TEST));
check();

async function check() {
  element("again").disabled = true;
  element("verdict").hidden = true;
  element("steps").replaceChildren();
  const lines = new Map();
  let failed = false;
  for await (const step of checkConnection(addresses().signaling, invitation?.token)) {
    if (!lines.has(step.name)) lines.set(step.name, addLine(step.name));
    show(lines.get(step.name), step);
    failed ||= step.status === "failed";
  }
  const verdict = element("verdict");
  verdict.textContent = failed ? strings.checkFailed : strings.checkDone;
  verdict.dataset.kind = failed ? "warning" : "info";
  verdict.hidden = false;
  announce(verdict.textContent);
  element("again").disabled = false;
}

function addLine(name) {
  const line = make("li", {},
    make("span", { className: "step-name" }, strings.checkName[name]),
    make("span", { className: "step-status" }),
    make("p", { className: "help" }));
  line.dataset.step = name;
  element("steps").append(line);
  return line;
}

function show(line, { status, code, ms }) {
  line.dataset.status = status;
  const time = ms === null ? "" : ` (${ms} ms)`;
  line.querySelector(".step-status").textContent = strings.checkStatus[status] + time;
  line.querySelector(".help").textContent = code ? strings.checkAdvice[code] : "";
}
