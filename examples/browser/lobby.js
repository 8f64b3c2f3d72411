// The waiting room, as hosts see it: who waits, since when, and what to do about it. Each person
// has a line, which keeps the messages and any typed text for as long as the visit lasts.

import { ask } from "./ask.js";
import { Conversation } from "./chat.js";
import { announce, element, icon, initials, make } from "./page.js";
import { QUESTIONS, sinceWhen, waitingCount } from "./texts.js";

const REFRESH_MS = 20_000;

/** Events: `change` {count, text}: how many wait, as a number and in words. */
export class Lobby extends EventTarget {
  #send;
  #lines = new Map();
  #waiting = [];
  #timer = setInterval(() => this.#showTimes(), REFRESH_MS);

  /** `send` takes a message for the server; it returns false if it cannot send now. */
  constructor({ send }) {
    super();
    this.#send = send;
    this.#draw();
  }

  /** A `lobby` event of the signaling client. */
  show(waiting) {
    const before = this.#waiting;
    this.#waiting = waiting;
    for (const one of waiting) this.#line(one.peerId).meet(one);
    this.#draw();
    // A person who comes back after a moment has kept their place, and is not news.
    const waitedBefore = (one) => before.some(({ peerId }) => peerId === one.peerId);
    const news = waiting.filter((one) => !waitedBefore(one) && this.#line(one.peerId).isNews());
    for (const { peerId } of news) announce(`${this.#line(peerId).name} is in the waiting room.`);
  }

  /** True: this chat message came from the waiting room. */
  receive(message) {
    const { type, from, message: text, sentAt } = message;
    if (type !== "chat" || typeof text !== "string") return false;
    const line = this.#line(from);
    line.hear(text, sentAt);
    const unseen = line.node.offsetParent === null; // what is seen is a live region of its own
    if (unseen) announce(`${line.name}, in the waiting room, wrote: ${text}`);
    this.#changed();
    return true;
  }

  /** Why a host's request was refused, in words; or null. */
  showNote(text) {
    element("lobby-note").hidden = text === null;
    element("lobby-note").textContent = text ?? "";
  }

  connected(connected) {
    for (const line of this.#lines.values()) line.connected(connected);
  }

  close() {
    clearInterval(this.#timer);
    for (const line of this.#lines.values()) line.close();
    this.#waiting = [];
    this.#draw();
    this.showNote(null);
  }

  #line(peerId) {
    if (!this.#lines.has(peerId)) {
      this.#lines.set(peerId, new Line(peerId, (message) => this.#decide(message)));
    }
    return this.#lines.get(peerId);
  }

  #decide(message) {
    this.showNote(null);
    const sent = this.#send(message);
    if (!sent && message.type !== "chat") {
      this.showNote("You are not connected right now. Please try again in a moment.");
    }
    return sent;
  }

  /** Lines that stay are not touched: the host may be typing in one of them. */
  #draw() {
    const list = element("lobby-list");
    const wanted = this.#waiting.map(({ peerId }) => this.#line(peerId).node);
    const left = [...list.children].filter((node) => !wanted.includes(node));
    const leavesFocus = left.some((node) => node.contains(document.activeElement));
    for (const node of left) node.remove();
    for (const node of wanted) if (node.parentElement !== list) list.append(node);
    element("lobby-none").hidden = wanted.length > 0;
    element("lobby-count").textContent = wanted.length > 0 ? `(${wanted.length})` : "";
    if (leavesFocus) (list.querySelector("button") ?? element("lobby-title")).focus();
    this.#changed();
  }

  #showTimes() {
    for (const { peerId } of this.#waiting) this.#line(peerId).showTime();
  }

  #changed() {
    const names = this.#waiting.map(({ peerId }) => this.#line(peerId).name);
    this.dispatchEvent(
      new CustomEvent("change", { detail: { count: names.length, text: waitingCount(names) } }),
    );
  }
}

/** One person who waits. */
class Line {
  name;
  node;
  #peerId;
  #decide;
  #talk;
  #parts;
  #since = 0;
  #told = 0;

  constructor(peerId, decide) {
    this.name = peerId;
    this.#peerId = peerId;
    this.#decide = decide;
    this.#build();
  }

  meet({ displayName, since }) {
    this.name = displayName || "Guest";
    this.#since = since;
    const { avatar, name, admit, decline, write, form, input, messages } = this.#parts;
    avatar.textContent = initials(this.name);
    name.textContent = this.name;
    admit.ariaLabel = `Admit ${this.name}`;
    decline.ariaLabel = `Decline ${this.name}`;
    write.ariaLabel = `Message ${this.name}`;
    form.ariaLabel = `Write to ${this.name}`;
    input.ariaLabel = `Message to ${this.name}`;
    messages.ariaLabel = `Messages with ${this.name}`;
    this.showTime();
  }

  isNews() {
    const news = this.#since !== this.#told;
    this.#told = this.#since;
    return news;
  }

  hear(text, at) {
    this.#open(true);
    this.#parts.messages.hidden = false;
    this.#talk.hear({ name: this.name, text, at });
  }

  showTime() {
    this.#parts.since.textContent = `Since ${sinceWhen(this.#since)}`;
  }

  connected(connected) {
    this.#talk.connected(connected);
    if (connected) this.#talk.flush();
  }

  close() {
    this.#talk.close();
    this.node.remove();
  }

  #build() {
    const part = (tag, className, ...children) => make(tag, { className }, ...children);
    const button = (className, text, act) => {
      const made = make("button", { type: "button", className }, text);
      made.addEventListener("click", act);
      return made;
    };
    const messages = make("ol", { className: "messages", role: "log", tabIndex: 0, hidden: true });
    const input = make(
      "input", { maxLength: 2000, autocomplete: "off", placeholder: "Write a message" },
    );
    const submit = make("button", {
      type: "submit", className: "primary send", ariaLabel: "Send message",
    }, icon("send"));
    const form = part("form", "chat-form", input, submit);
    const talk = make("div", { className: "knock-talk", hidden: true }, messages, form);
    const admit = button("primary", "Admit", () => this.#decide(
      { type: "admit", peerId: this.#peerId, requestId: "host" },
    ));
    const decline = button("quiet", "Decline", () => this.#decline());
    const write = button("quiet", "Message", () => this.#toggle());
    write.ariaExpanded = "false";
    const avatar = make("span", { className: "avatar", ariaHidden: "true" });
    const [name, since] = [part("span", "person-name"), part("span", "person-state")];
    this.node = part(
      "li", "knock", avatar, name, since, part("div", "knock-buttons", admit, decline, write), talk,
    );
    this.node.dataset.peerId = this.#peerId;
    this.#parts = { avatar, name, since, admit, decline, write, talk, messages, form, input };
    this.#talk = new Conversation({ list: messages, form, send: (text) => this.#say(text) });
  }

  #toggle() {
    const open = this.#parts.talk.hidden;
    this.#open(open);
    if (open) this.#parts.input.focus();
  }

  #open(open) {
    this.#parts.talk.hidden = !open;
    this.#parts.write.ariaExpanded = String(open);
  }

  #say(text) {
    this.#parts.messages.hidden = false;
    return this.#decide({ type: "chat", to: this.#peerId, message: text, requestId: "host" });
  }

  async #decline() {
    const answer = await ask(QUESTIONS.decline(this.name));
    if (answer) this.#decide({ type: "deny", peerId: this.#peerId, ...answer, requestId: "host" });
  }
}
