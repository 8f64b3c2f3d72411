// The chat of one visit. What is written while the connection is gone waits, and is sent after.

import { element, make } from "./page.js";

export class Chat {
  #send;
  #nameOf;
  #waiting = [];
  #unread = 0;
  #leave = new AbortController();

  constructor({ send, nameOf }) {
    this.#send = send;
    this.#nameOf = nameOf;
  }

  open() {
    const { signal } = this.#leave;
    element("messages").replaceChildren();
    element("chat-form").addEventListener("submit", (event) => this.#submit(event), { signal });
    element("chat-toggle").addEventListener("click", () => this.#read(), { signal });
    this.#read();
  }

  close() {
    this.#leave.abort();
  }

  /** A `message` event of the signaling client; others than chat are passed over. */
  receive({ type, from, message, sentAt }) {
    const direct = type === "private_message";
    if ((type !== "chat" && !direct) || typeof message !== "string") return;
    const name = this.#nameOf(from) + (direct ? " (to you only)" : "");
    this.#show({ name, text: message, at: sentAt, kind: "theirs" });
    if (element("chat-panel").hidden) this.#count(this.#unread + 1);
  }

  /** A line that nobody said, such as "Anna is here." */
  note(text) {
    this.#append(make("li", { className: "note" }, text));
  }

  connected(connected) {
    element("chat-text").placeholder = connected ? "Write a message" : "Will be sent when you are back";
  }

  /** The seat is there (again): what waited goes out. */
  flush() {
    while (this.#waiting.length > 0 && this.#transmit(this.#waiting[0])) this.#waiting.shift();
  }

  #submit(event) {
    event.preventDefault();
    const input = element("chat-text");
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    const line = { text, node: this.#show({ name: "You", text, kind: "mine" }) };
    if (!this.#transmit(line)) this.#hold(line);
  }

  #transmit({ text, node }) {
    const sent = this.#send({ type: "chat", message: text });
    if (sent) node.classList.remove("waiting");
    return sent;
  }

  #hold(line) {
    line.node.classList.add("waiting");
    this.#waiting.push(line);
  }

  #show({ name, text, at = Date.now(), kind }) {
    const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const head = make("p", { className: "who" }, make("span", {}, name), " ", make("time", {}, time));
    return this.#append(make("li", { className: kind }, head, make("p", { className: "said" }, text)));
  }

  #append(line) {
    const list = element("messages");
    list.append(line);
    list.scrollTop = list.scrollHeight;
    return line;
  }

  #read() {
    this.#count(0);
    element("messages").scrollTop = element("messages").scrollHeight;
  }

  #count(unread) {
    this.#unread = unread;
    const badge = element("unread");
    badge.hidden = unread === 0;
    badge.replaceChildren(String(unread), make("span", { className: "visually-hidden" }, " unread"));
  }
}
