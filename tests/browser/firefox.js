// Firefox, driven by WebDriver BiDi over its own port: as much of it as a visit needs.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

/** Fake camera and microphone, no questions, and calls within this machine. */
const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.peerconnection.ice.loopback": true,
  "datareporting.policy.dataSubmissionEnabled": false,
  "app.update.enabled": false,
};
const LIMIT_MS = 30_000;

/** Runs a Firefox of its own while `play` uses it. */
export async function withFirefox(play) {
  const profile = mkdtempSync(`${tmpdir()}/visio-firefox-`);
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  writeFileSync(`${profile}/user.js`, lines.join("\n"));
  const child = spawn(firefoxPath(), [
    "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0",
  ], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await play(await Firefox.connect(await address(child)));
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

function firefoxPath() {
  if (process.env.FIREFOX) return process.env.FIREFOX;
  for (const name of ["firefox-esr", "firefox"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // the next one
    }
  }
  throw new Error("no Firefox found: install it (Debian: apt-get install firefox-esr)");
}

function address(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    child.once("exit", () => reject(new Error(`Firefox ended at once: ${said}`)));
    child.stderr.on("data", (data) => {
      said += data;
      const [, url] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? [];
      if (url) resolve(url);
    });
  });
}

class Firefox {
  #socket;
  #answers = new Map();
  #count = 0;
  #context;

  static async connect(url) {
    const firefox = new Firefox();
    firefox.#socket = new WebSocket(`${url}/session`);
    firefox.#socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      firefox.#answers.get(message.id)?.(message);
    };
    await new Promise((resolve) => { firefox.#socket.onopen = resolve; });
    await firefox.#command("session.new", { capabilities: {} });
    const { contexts } = await firefox.#command("browsingContext.getTree", {});
    firefox.#context = contexts[0].context;
    return firefox;
  }

  goto(url) {
    return this.#command("browsingContext.navigate", {
      context: this.#context, url, wait: "complete",
    });
  }

  /** The value of a JavaScript expression in the page, or of the promise that it is. */
  async evaluate(expression) {
    const answer = await this.#command("script.evaluate", {
      expression: `(async () => JSON.stringify(await (${expression})))()`,
      target: { context: this.#context },
      awaitPromise: true,
    });
    assert.equal(answer.type, "success", JSON.stringify(answer.exceptionDetails));
    return answer.result.value === undefined ? undefined : JSON.parse(answer.result.value);
  }

  /** Waits in the page until this expression is true. */
  until(expression) {
    return this.evaluate(`new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("never: " + ${JSON.stringify(expression)}
        + " in " + document.body.innerText)), ${LIMIT_MS});
      const look = () => {
        if (${expression}) { clearTimeout(limit); resolve(true); } else setTimeout(look, 50);
      };
      look();
    })`);
  }

  async #command(method, params) {
    this.#count += 1;
    const id = this.#count;
    const answered = new Promise((resolve) => { this.#answers.set(id, resolve); });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { type, result, message } = await answered;
    this.#answers.delete(id);
    assert.equal(type, "success", `${method}: ${message}`);
    return result;
  }
}
