// Person: somebody on the visit page, and what they can see there. Nothing waits for a fixed time;
// everything waits for what the person would wait for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const LIMIT_MS = 20_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

const NEEDS_NAME = new Set([
  "button", "textbox", "link", "meter", "log", "region", "form", "complementary", "dialog", "Video",
]);

export class Person {
  constructor(page, name, complaints) {
    this.page = page;
    this.name = name;
    this.complaints = complaints;
    page.setDefaultTimeout(LIMIT_MS);
  }

  async join() {
    await this.page.click("#join");
    await this.inVisit();
  }

  /** Asks to join, and reaches the waiting room. */
  async knock() {
    await this.page.click("#join");
    await this.inWaitingRoom();
  }

  inWaitingRoom() {
    return this.page.waitForSelector("#waiting:not([hidden])");
  }

  /** Waits until `name` is on the list of waiting people. */
  async seesWaiting(name) {
    await this.page.waitForFunction((name) => {
      const lines = [...document.querySelectorAll("#lobby-list .person-name")];
      return lines.some((line) => line.textContent === name);
    }, name);
  }

  /** Opens the list of people, which includes those who wait. */
  async openPeople() {
    if (await this.page.isHidden("#people-panel")) await this.page.click("#people-toggle");
  }

  /** Presses a button by its name, and answers the question that follows. */
  async decides(button, { reason, answer } = {}) {
    await this.openPeople();
    await this.page.getByRole("button", { name: button, exact: true }).click();
    if (!answer) return;
    if (reason) await this.page.fill("#ask-reason", reason);
    await this.page.locator("#ask").getByRole("button", { name: answer, exact: true }).click();
  }

  async leave() {
    await this.page.click("#leave");
    await this.page.waitForSelector("#prejoin:not([hidden])");
  }

  inVisit() {
    return this.page.waitForSelector("#visit:not([hidden])");
  }

  /** Waits until `count` others are connected and their pictures have a size. */
  sees(count) {
    return this.page.waitForFunction((count) => {
      const others = [...document.querySelectorAll("#tiles .tile:not(.self)")];
      const seen = others.filter((tile) => tile.dataset.state === "connected"
        && tile.dataset.camera === "on"
        && tile.querySelector("video").videoWidth > 0);
      return others.length === count && seen.length === count;
    }, count);
  }

  /** Waits until `count` calls decode video and receive sound, from now on. */
  async receivesMedia(count = 1) {
    const before = await this.page.evaluate(() => window.mediaReceived());
    await this.page.waitForFunction(async ({ count, before }) => {
      const now = await window.mediaReceived();
      const moving = now.filter(({ id, frames, sounds }) => {
        const then = before.find((one) => one.id === id) ?? { frames: 0, sounds: 0 };
        return frames >= then.frames + 5 && sounds > then.sounds;
      });
      return moving.length === count;
    }, { count, before }, { polling: 200 });
  }

  /** Waits until the list of people shows `name` in `state`. */
  seesPerson(name, state) {
    return this.page.waitForFunction(({ name, state }) => {
      const lines = [...document.querySelectorAll("#people li")];
      return lines.some((line) => line.querySelector(".person-name").textContent === name
        && line.dataset.state === state);
    }, { name, state });
  }

  /** The browser's own switch. It takes the network from the page, and leaves calls alone. */
  setOffline(offline) {
    return this.page.context().setOffline(offline);
  }

  /** How often the signaling log has this line. */
  count(direction, type) {
    return this.page.locator(
      `#log-lines li[data-direction="${direction}"][data-type="${type}"]`,
    ).count();
  }

  /** The chat messages of others, in order. */
  heard() {
    return this.page.locator("#messages .theirs .said").allTextContents();
  }

  /** The states that each connection to another person went through. */
  connections() {
    return this.page.evaluate(() => window.connectionStates);
  }

  async openChat() {
    if (await this.page.isHidden("#chat-panel")) await this.page.click("#chat-toggle");
  }

  async says(text) {
    await this.openChat();
    await this.page.fill("#chat-text", text);
    await this.page.press("#chat-text", "Enter");
  }

  /** Waits for a chat message from `name`. */
  hears(name, text) {
    return this.page.waitForFunction(({ name, text }) => {
      const lines = [...document.querySelectorAll("#messages .theirs")];
      return lines.some((line) => line.querySelector(".who span").textContent === name
        && line.querySelector(".said").textContent === text);
    }, { name, text });
  }

  /** Waits until the element shows this text, or a text that matches. */
  reads(selector, pattern) {
    const { source, flags } = pattern;
    return this.page.waitForFunction(({ selector, source, flags }) => {
      const node = document.querySelector(selector);
      return node && !node.hidden && new RegExp(source, flags).test(node.textContent);
    }, { selector, source, flags });
  }

  /** Waits for a line of the signaling log. */
  logged(direction, type) {
    return this.page.waitForSelector(
      `#log-lines li[data-direction="${direction}"][data-type="${type}"]`, { state: "attached" },
    );
  }

  /** The controls and landmarks on the page that a screen reader could not name. */
  async nameless() {
    const session = await this.page.context().newCDPSession(this.page);
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    await session.detach();
    const controls = nodes.filter(({ ignored, role }) => !ignored && NEEDS_NAME.has(role?.value));
    assert.ok(controls.length >= 5, "the accessibility tree was read");
    return controls.filter(({ name }) => !name?.value).map(
      ({ role, backendDOMNodeId }) => `${role.value} ${backendDOMNodeId}`,
    );
  }

  /** Asserts that nothing is wider than the window, and no control too small for a finger. */
  async fits() {
    const { overflow, small } = await this.page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - innerWidth,
      small: [...document.querySelectorAll("button, input, summary")]
        .filter((control) => control.checkVisibility())
        .map((control) => ({
          id: control.id || control.textContent.trim(), box: control.getBoundingClientRect(),
        }))
        .filter(({ box }) => box.width < 44 || box.height < 44)
        .map(({ id, box }) => `${id} ${box.width}x${box.height}`),
    }));
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
    assert.deepEqual(small, []);
  }

  /** What axe finds wrong with the page as it is now. */
  async violations() {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => window.axe.run(document, {
      resultTypes: ["violations"],
    }));
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  }

  /** Asserts that every control of the visit is inside the window, and its label inside of it. */
  async reachesControls() {
    const spilt = await this.page.evaluate(() => [...document.querySelectorAll(".controls button")]
      .filter((button) => button.checkVisibility())
      .filter((button) => {
        const [outer, inner] = [button, button.querySelector("span")].map(
          (node) => node.getBoundingClientRect(),
        );
        return inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom;
      })
      .map(({ id }) => id));
    assert.deepEqual(spilt, [], "labels that do not fit");
    const all = ".controls button";
    const outside = await this.page.evaluate((all) => [...document.querySelectorAll(all)]
      .filter((button) => button.checkVisibility())
      .map((button) => ({ id: button.id, box: button.getBoundingClientRect() }))
      .filter(({ box }) => box.top < 0 || box.left < 0 || box.bottom > innerHeight
        || box.right > innerWidth)
      .map(({ id, box }) => `${id} ${JSON.stringify(box)}`), all);
    assert.deepEqual(outside, []);
  }

  /**
   * Asserts that somebody who is alone can read what the stage says: all of it is inside the stage,
   * and their own picture covers none of it. A panel may cover the text, but not cut it.
   */
  async readsStage() {
    const unreadable = await this.page.evaluate(() => {
      const contains = (outer, inner) => outer.left <= inner.left && outer.right >= inner.right
        && outer.top <= inner.top && outer.bottom >= inner.bottom;
      const meet = (one, other) => one.left < other.right && other.left < one.right
        && one.top < other.bottom && other.top < one.bottom;
      const boxOf = (node) => node?.getBoundingClientRect();
      const [stage, own, panel] = ["#stage", "#self", ".panel:not([hidden])"].map(
        (selector) => boxOf(document.querySelector(selector)),
      );
      const inked = (part) => {
        if (part.matches("button")) return boxOf(part);
        const text = document.createRange();
        text.selectNodeContents(part);
        return boxOf(text);
      };
      return [...document.querySelectorAll("#alone :is(h2, p, button)")]
        .filter((part) => part.checkVisibility())
        .map((part) => ({ text: part.textContent.trim(), box: inked(part) }))
        .filter(({ box }) => !(panel && contains(panel, box)))
        .filter(({ box }) => !contains(stage, box) || meet(box, own) || (panel && meet(box, panel)))
        .map(({ text, box }) => `${text} ${JSON.stringify(box)}`);
    });
    assert.deepEqual(unreadable, [], "text that is cut off or covered");
  }

  /** The person's own peer id, as the server last confirmed it. */
  async peerId() {
    await this.logged("in", "joined");
    return this.page.locator('#log-lines li[data-type="joined"] .peer').last().textContent();
  }
}

/** Collects events that must not happen on a page, from its very first script on. */
export async function watch(page, hosts) {
  const complaints = [];
  const checkAddress = (url) => {
    if (!/^(data|blob):/.test(url) && !hosts.includes(new URL(url).host)) {
      complaints.push(`left the origin: ${url}`);
    }
  };
  page.on("request", (request) => checkAddress(request.url()));
  page.on("websocket", (socket) => checkAddress(socket.url()));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.name} ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  await page.addInitScript(instrument);
  return complaints;
}

/**
 * Runs in the page: keeps the connections, counts the candidates taken, and reports CSP violations.
 */
function instrument() {
  const connections = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...options) {
      super(...options);
      connections.push(this);
      const states = [];
      window.connectionStates.push(states);
      this.addEventListener("connectionstatechange", () => states.push(this.connectionState));
    }

    async addIceCandidate(candidate) {
      await super.addIceCandidate(candidate);
      window.candidatesTaken += 1;
    }
  };
  window.candidatesTaken = 0;
  window.connectionStates = [];
  window.mediaReceived = async () => {
    const received = [];
    for (const [id, connection] of connections.entries()) {
      if (connection.connectionState !== "connected") continue;
      const reports = [...(await connection.getStats()).values()].filter(
        ({ type }) => type === "inbound-rtp",
      );
      const sum = (kind, field) => reports.reduce(
        (total, one) => total + (one.kind === kind ? one[field] ?? 0 : 0), 0,
      );
      received.push(
        { id, frames: sum("video", "framesDecoded"), sounds: sum("audio", "packetsReceived") },
      );
    }
    return received;
  };
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    console.error(`content security policy: ${violatedDirective} ${blockedURI}`);
  });
}
