// The waiting room, as hosts see it: who waits, since when, and what to do about it. Each person
// has a line, which keeps any typed text for as long as the visit lasts.

import { ask } from "./ask.js";
import { Conversation } from "./chat.js";
import { announce, element, icon, initials, make } from "./page.js";
import { strings } from "./strings/index.js";
import { QUESTIONS, sinceWhen, waitingCount } from "./texts.js";

const REFRESH_MS = 20_000;

export class Lobby {
  #visit;
  #lines = new Map();
  #waiting = [];
  #timer = setInterval(() => this.#showTimes(), REFRESH_MS);
  #leave = new AbortController();
  #changed;

  /** `changed` takes `{count, text}`: how many wait, as a number and in words. */
  constructor(visit, changed) {
    this.#visit = visit;
    this.#changed = changed;
    const { signal } = this.#leave;
    visit.subscribe((state) => this.#show(state), { signal });
    visit.on("knock", (knocker) => announce(strings.knocked(nameOf(knocker))), { signal });
    visit.on("chat", (line) => this.#heard(line), { signal });
    this.#draw();
  }

  #show({ waiting, chat, connected }) {
    for (const line of this.#lines.values()) line.show(chat, connected);
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    for (const knocker of waiting) this.#line(knocker.peerId).meet(knocker);
    this.#draw();
  }

  #heard({ from, lobby, text }) {
    const line = lobby && this.#lines.get(from);
    if (!line) return;
    line.open();
    const unseen = line.node.offsetParent === null; // what is seen is a live region of its own
    if (unseen) announce(strings.knockerWrote(line.name, text));
  }

  /** Why a host's request was refused, in words; or null. */
  showNote(text) {
    element("lobby-note").hidden = text === null;
    element("lobby-note").textContent = text ?? "";
  }

  close() {
    this.#leave.abort();
    clearInterval(this.#timer);
    for (const line of this.#lines.values()) line.close();
    this.#waiting = [];
    this.#draw();
    this.showNote(null);
  }

  #line(peerId) {
    if (!this.#lines.has(peerId)) {
      this.#lines.set(peerId, new Line(peerId, this.#visit, (sent) => this.#told(sent)));
    }
    return this.#lines.get(peerId);
  }

  #told(sent) {
    this.showNote(sent ? null : strings.notConnected);
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
    const names = this.#waiting.map(({ peerId }) => this.#line(peerId).name);
    this.#changed({ count: names.length, text: waitingCount(names) });
  }

  #showTimes() {
    for (const { peerId } of this.#waiting) this.#line(peerId).showTime();
  }
}

/** One person who waits. */
class Line {
  name;
  node;
  #peerId;
  #visit;
  #told;
  #talk;
  #parts;
  #since = 0;

  /** `told` hears whether a decision could be sent. */
  constructor(peerId, visit, told) {
    this.name = peerId;
    this.#peerId = peerId;
    this.#visit = visit;
    this.#told = told;
    this.#build();
  }

  meet(knocker) {
    this.name = nameOf(knocker);
    this.#since = knocker.since;
    const { avatar, name, admit, decline, hold, write, form, input, messages } = this.#parts;
    avatar.textContent = initials(this.name);
    name.textContent = this.name;
    admit.ariaLabel = strings.admitWho(this.name);
    decline.ariaLabel = strings.declineWho(this.name);
    hold.ariaLabel = strings.holdWho(this.name);
    write.ariaLabel = strings.replyWho(this.name);
    form.ariaLabel = strings.writeWho(this.name);
    input.ariaLabel = strings.messageWho(this.name);
    messages.ariaLabel = strings.messagesWith(this.name);
    this.showTime();
  }

  show(chat, connected) {
    const own = chat.filter(
      ({ lobby, from, to }) => lobby && (from ?? to) === this.#peerId,
    );
    this.#parts.messages.hidden = own.length === 0;
    this.#talk.show(own);
    this.#talk.connected(connected);
  }

  showTime() {
    this.#parts.since.textContent = strings.since(sinceWhen(this.#since));
  }

  open(open = true) {
    this.#parts.talk.hidden = !open;
    this.#parts.write.ariaExpanded = String(open);
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
    const list = make("ol");
    const messages = make(
      "div", { className: "messages", role: "log", tabIndex: 0, hidden: true }, list,
    );
    const input = make(
      "input", { maxLength: 2000, autocomplete: "off", placeholder: strings.write },
    );
    const submit = make("button", {
      type: "submit", className: "primary send", ariaLabel: strings.send,
    }, icon("send"));
    const form = part("form", "chat-form", input, submit);
    const talk = make("div", { className: "knock-talk", hidden: true }, messages, form);
    const admit = button(
      "primary", strings.admit, () => this.#told(this.#visit.admit(this.#peerId)),
    );
    const decline = button("quiet", strings.decline, () => this.#ask("decline", "deny"));
    const hold = button("quiet", strings.hold, () => this.#ask("hold", "hold"));
    const write = button("quiet", strings.reply, () => this.#toggle());
    write.ariaExpanded = "false";
    const avatar = make("span", { className: "avatar", ariaHidden: "true" });
    const [name, since] = [part("span", "person-name"), part("span", "person-state")];
    const buttons = part("div", "knock-buttons", admit, decline, hold, write);
    this.node = part("li", "knock", avatar, name, since, buttons, talk);
    this.node.dataset.peerId = this.#peerId;
    this.#parts = { avatar, name, since, admit, decline, hold, write, talk, messages, form, input };
    this.#talk = new Conversation({
      box: messages,
      form,
      send: (text) => this.#visit.chat(text, { to: this.#peerId }),
      nameOf: () => this.name,
    });
  }

  #toggle() {
    const open = this.#parts.talk.hidden;
    this.open(open);
    if (open) this.#parts.input.focus();
  }

  /** @param {"deny" | "hold"} verb */
  async #ask(question, verb) {
    const answer = await ask(QUESTIONS[question](this.name));
    if (answer) this.#told(this.#visit[verb](this.#peerId, answer.reason));
  }
}

function nameOf({ displayName }) {
  return displayName || strings.guest;
}
