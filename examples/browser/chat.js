// What people write to each other, on the screen: in the visit, and between a person in the waiting
// room and a host. The lines are those of the visit's state; this only draws them.

import { element, isHost, make } from "./page.js";
import { strings } from "./strings/index.js";
import { timeOfDay } from "./texts.js";

/** One list of lines and the form below it. */
export class Conversation {
  #box;
  #list;
  #input;
  #nameOf;
  /** Nodes by the line's id; notes have none. */
  #nodes = new Map();
  #leave = new AbortController();

  /**
   * @param {Element} box  the log that holds the list
   * @param {HTMLFormElement} form  with one input
   * @param {(text: string) => void} send
   * @param {(line: object) => string} nameOf
   */
  constructor({ box, form, send, nameOf }) {
    this.#box = box;
    this.#list = box.querySelector("ol");
    this.#list.replaceChildren();
    this.#input = form.querySelector("input");
    this.#nameOf = nameOf;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      this.#input.value = "";
      if (text) send(text);
    }, { signal: this.#leave.signal });
  }

  /** Draws these lines, and keeps those that are drawn already. */
  show(lines) {
    let news = false;
    for (const [at, line] of lines.entries()) {
      if (!this.#nodes.has(line.id)) {
        this.#insert(line, lines.slice(at + 1));
        news = true;
      }
      showStatus(this.#nodes.get(line.id), line.status);
    }
    if (news) this.scrollToEnd();
  }

  /** A line from the page itself, such as "Anna is here." */
  note(text) {
    this.#list.append(make("li", { className: "note" }, text));
    this.scrollToEnd();
  }

  scrollToEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  connected(connected) {
    this.#input.placeholder = connected ? strings.write : strings.writeOffline;
  }

  close() {
    this.#leave.abort();
  }

  /** Before the first of the later lines that is drawn: an older line may be shown later. */
  #insert(line, later) {
    const next = later.find(({ id }) => this.#nodes.has(id));
    const node = this.#draw(line);
    this.#nodes.set(line.id, node);
    this.#list.insertBefore(node, next ? this.#nodes.get(next.id) : null);
  }

  #draw(line) {
    const mine = line.from === null;
    const name = mine ? strings.you : this.#nameOf(line);
    const head = make(
      "p", { className: "who" }, make("span", {}, name), " ", make("time", {}, timeOfDay(line.at)),
    );
    const node = make("li", { className: mine ? "mine" : "theirs" }, head);
    node.append(make("p", { className: "said" }, line.text));
    return node;
  }
}

/** Says of a line that it was not sent yet, or never. */
function showStatus(node, status) {
  if (node.dataset.status === status) return;
  node.dataset.status = status;
  const words = { waiting: strings.notYetSent, unsent: strings.neverSent };
  node.querySelector(".unsent")?.remove();
  if (words[status]) node.append(make("p", { className: "unsent" }, words[status]));
}

/** The chat of one visit, in its panel. */
export class Chat {
  #visit;
  #talk;
  #unread = 0;
  #leave = new AbortController();

  constructor(visit) {
    this.#visit = visit;
    const { signal } = this.#leave;
    this.#talk = new Conversation({
      box: element("messages"),
      form: element("chat-form"),
      send: (text) => visit.chat(text),
      nameOf,
    });
    element("chat-toggle").addEventListener("click", () => this.#read(), { signal });
    visit.subscribe((state) => this.#show(state), { signal });
    visit.on("chat", (line) => this.#noteUnread(line), { signal });
    this.#read();
  }

  close() {
    this.#leave.abort();
    this.#talk.close();
  }

  note(text) {
    this.#talk.note(text);
  }

  #show(state) {
    this.#talk.show(state.chat.filter((line) => isHere(line, state)));
    this.#talk.connected(state.connected);
  }

  #noteUnread(line) {
    if (!isHere(line, this.#visit.state)) return;
    if (element("chat-panel").hidden) this.#count(this.#unread + 1);
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
      String(unread), make("span", { className: "visually-hidden" }, strings.unread),
    );
  }
}

/**
 * Whether a line belongs into the visit. To a host, what somebody wrote in the waiting room does
 * once that person was let in; until then it is in the list of those who wait.
 */
function isHere(line, { me, people }) {
  if (!line.lobby || !isHost(me)) return true;
  return people.some(({ peerId }) => peerId === (line.from ?? line.to));
}

function nameOf({ name, to, lobby }) {
  const known = name ?? strings.practice;
  if (lobby) return known + strings.lobbyTag;
  return to === null ? known : known + strings.direct;
}
