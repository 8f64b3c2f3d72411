// Messages that people write to each other: in the visit, and between a person in the waiting room
// and a host. Messages written while the connection is gone wait, and are sent afterwards.

import { element, make } from "./page.js";
import { timeOfDay } from "./texts.js";

/** One list of lines and the form below it. */
export class Conversation {
  #list;
  #form;
  #input;
  #send;
  #waiting = [];
  #leave = new AbortController();

  /**
   * @param {Element} list  for the lines
   * @param {HTMLFormElement} form  with one input
   * @param {(text: string) => boolean} send  false: not now
   */
  constructor({ list, form, send }) {
    this.#list = list;
    this.#form = form;
    this.#input = form.querySelector("input");
    this.#send = send;
    form.addEventListener("submit", (event) => this.#submit(event), { signal: this.#leave.signal });
  }

  get lines() {
    return [...this.#list.children];
  }

  hear({ name, text, at }) {
    this.#show({ name, text, at, kind: "theirs" });
  }

  /** A line from the page itself, such as "Anna is here." */
  note(text) {
    this.append(make("li", { className: "note" }, text));
  }

  append(...lines) {
    this.#list.append(...lines);
    this.scrollToEnd();
  }

  scrollToEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  connected(connected) {
    this.#input.placeholder = connected ? "Write a message" : "Will be sent when you are back";
  }

  /** The connection is back: waiting messages are sent. */
  flush() {
    while (this.#waiting.length > 0 && this.#transmit(this.#waiting[0])) this.#waiting.shift();
  }

  close() {
    this.#leave.abort();
    for (const { node } of this.#waiting) node.classList.replace("waiting", "unsent");
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (!text) return;
    this.#input.value = "";
    const line = { text, node: this.#show({ name: "You", text, kind: "mine" }) };
    if (!this.#transmit(line)) this.#hold(line);
  }

  #transmit({ text, node }) {
    const sent = this.#send(text);
    if (sent) node.classList.remove("waiting");
    return sent;
  }

  #hold(line) {
    line.node.classList.add("waiting");
    this.#waiting.push(line);
  }

  #show({ name, text, at = Date.now(), kind }) {
    const head = make(
      "p", { className: "who" }, make("span", {}, name), " ", make("time", {}, timeOfDay(at)),
    );
    const line = make("li", { className: kind }, head, make("p", { className: "said" }, text));
    this.append(line);
    return line;
  }
}

/** The chat of one visit, in its panel. */
export class Chat {
  #talk;
  #nameOf;
  #unread = 0;
  #leave = new AbortController();

  constructor({ send, nameOf }) {
    this.#nameOf = nameOf;
    element("messages").replaceChildren();
    this.#talk = new Conversation({
      list: element("messages"),
      form: element("chat-form"),
      send: (text) => send({ type: "chat", message: text }),
    });
    element("chat-toggle").addEventListener(
      "click", () => this.#read(), { signal: this.#leave.signal },
    );
    this.#read();
  }

  close() {
    this.#leave.abort();
    this.#talk.close();
  }

  /** Messages from the waiting room are kept when the person is admitted. */
  continues(lines) {
    if (lines.length === 0) return;
    this.#talk.note("In the waiting room:");
    this.#talk.append(...lines);
    this.#talk.note("In the visit, for everybody:");
  }

  /** A `message` event of the signaling client; messages other than chat are ignored. */
  receive({ type, from, to, toAll, message, sentAt }) {
    if ((type !== "chat" && type !== "private_message") || typeof message !== "string") return;
    // What was said to all while we were away may come to us alone.
    const direct = type === "private_message" || (to !== undefined && !toAll);
    const name = this.#nameOf(from) + (direct ? " (to you only)" : "");
    this.#talk.hear({ name, text: message, at: direct ? undefined : sentAt });
    if (element("chat-panel").hidden) this.#count(this.#unread + 1);
  }

  note(text) {
    this.#talk.note(text);
  }

  connected(connected) {
    this.#talk.connected(connected);
  }

  flush() {
    this.#talk.flush();
  }

  #read() {
    this.#count(0);
    this.#talk.scrollToEnd();
  }

  #count(unread) {
    this.#unread = unread;
    const badge = element("unread");
    badge.hidden = unread === 0;
    badge.replaceChildren(
      String(unread), make("span", { className: "visually-hidden" }, " unread"),
    );
  }
}
