// The visit page: puts the form, the media, the visit and what is drawn of it together.
//
// There is one `visit` of the client package at a time: `join` makes it, and `leave` or the server
// ends it. Before it, and whenever a host says so, there may be the waiting room. Each part is in
// its own module; this file only connects them.

import "./health.js";
import { HOST_REQUEST, LocalMedia, TabIdentity, Visit } from "./client/index.js";
import { offerNotifications, stayAwake, tellOfKnock } from "./alerts.js";
import { ask, stopAsking } from "./ask.js";
import { Chat } from "./chat.js";
import { Deadline } from "./deadline.js";
import { Devices } from "./devices.js";
import { invitation } from "./invitation.js";
import { Lobby } from "./lobby.js";
import { SignalingLog } from "./log.js";
import { Prejoin } from "./prejoin.js";
import { addresses, query, rememberVisitInUrl, visitLink } from "./place.js";
import { applySettings, loadSettings } from "./settings.js";
import { strings, translate } from "./strings/index.js";
import { VisitView } from "./visit.js";
import { WaitingRoom } from "./waiting.js";
import { announce, bindToggles, copyButtons, element, isHost, showFor } from "./page.js";
import { QUESTIONS, ending, failure, reconnecting, waitingReconnecting } from "./texts.js";

const ACCESS = invitation ? "invited" : "open";

translate();
const settings = loadSettings();
const identity = new TabIdentity();
const media = new LocalMedia({ quality: query.get("quality") ?? undefined });
const log = query.has("debug") ? new SignalingLog() : null;
const deadline = new Deadline();
const prejoin = new Prejoin({ media, onJoin: join, onCancel: () => leave() });
const devices = new Devices({
  media, address: () => ({ url: addresses().signaling, token: invitation?.token }),
});
const waitingRoom = new WaitingRoom({ media, onLeave: () => leave() });
const view = new VisitView({ media, devices, onLeave: () => leave(), onDecide: decide });
let current = null;

start();

async function start() {
  showHealth();
  showFor(ACCESS, "speaker");
  offerNotifications();
  bindToggles(media, () => rememberForReload());
  copyButtons(() => visitLink(current?.roomId ?? prejoin.roomId));
  const interrupted = identity.interruptedVisit;
  const roomId = invitation?.roomId ?? query.get("visit") ?? interrupted?.roomId;
  prejoin.fill({ roomId, name: query.get("name") ?? interrupted?.displayName });
  prejoin.follow(invitation);
  const { tokens, ...clinic } = await settings;
  applySettings(clinic);
  if (tokens && !invitation) return prejoin.show(ending({ code: "unauthorized" }, null));
  prejoin.start({ mic: interrupted?.mic, camera: interrupted?.camera });
  if (interrupted?.roomId === prejoin.roomId && !invitation?.isFresh) return join(interrupted);
  return undefined;
}

function showHealth() {
  const { health, foreignServer } = addresses();
  if (health) element("health").setAttribute("url", health);
  else element("health").remove();
  prejoin.showServer(foreignServer);
}

// --- one visit ---

function join({ roomId, displayName }) {
  const visit = new Visit({
    url: addresses().signaling,
    token: invitation?.token,
    room: roomId,
    name: invitation?.name ?? displayName,
    peerId: invitation ? undefined : identity.peerId,
    media: invitation?.role === "observer" ? false : media,
    iceTransportPolicy: query.get("relay") === "only" ? "relay" : undefined,
  });
  current = {
    visit,
    roomId,
    displayName: invitation?.name ?? displayName,
    phase: "connecting",
    left: new AbortController(),
    endedHere: false,
  };
  current.chat = new Chat(visit);
  current.lobby = new Lobby(visit, (knocks) => view.showKnocks(knocks));
  listen(current);
  prejoin.joining(strings.joining);
  visit.join().catch(() => {}); // its end is an event
}

function listen(own) {
  const { visit } = own;
  visit.subscribe((state) => show(own, state));
  visit.on("frame", (frame) => log?.add(frame));
  visit.on("arrived", ({ name, role }) => tell(
    own, role === "observer" ? strings.hereObserver(name) : strings.here(name),
  ));
  visit.on("left", ({ name }) => tell(own, strings.gone(name)));
  visit.on("knock", () => tellOfKnock());
  visit.on("failure", (error) => failed(own, error));
  visit.on("ended", (error) => finish(own, error));
}

/** Draws the state. What belongs to a phase is opened and closed where the phase changes. */
function show(own, state) {
  if (state.phase === "ended") return;
  if (state.phase !== own.phase) change(own, state);
  showConnection(own, state);
  showDeadline(own, state);
  if (state.phase === "waiting") waitingRoom.show(state);
  if (state.phase === "joined") view.showPeople(state.people, own.displayName);
}

function change(own, { phase, me }) {
  const before = own.phase;
  own.phase = phase;
  own.role = me.role;
  if (before === "connecting") enter(own);
  if (phase === "waiting") {
    view.close();
    waitingRoom.open({ visit: own.visit, sentBack: before === "joined" });
  }
  if (phase === "joined") {
    waitingRoom.close();
    enter(own);
    view.open({ ...own, hosting: isHost(own) });
    announce(strings.inVisit);
  }
}

/** This person has a place, in the visit or in the waiting room. */
function enter(own) {
  if (!own.placed) stayAwake(own.left.signal);
  own.placed = true;
  showFor(ACCESS, own.role === "observer" ? "observer" : "speaker", isHost(own) ? "host" : null);
  rememberVisitInUrl(own.roomId);
  rememberForReload();
  prejoin.hide();
}

function showConnection(own, { connected, attempt }) {
  const lost = !connected && attempt > 0;
  element("health").unreachable = lost;
  if (own.phase === "joined") view.showBanner(lost ? reconnecting(attempt) : null);
  if (own.phase === "waiting") waitingRoom.showBanner(lost ? waitingReconnecting() : null);
  if (own.phase === "connecting" && lost) prejoin.joining(strings.joiningSlowly);
}

function showDeadline(own, { ends, phase }) {
  // The server may have sent its warning before this person joined.
  const { visitEnd } = invitation ?? {};
  const promised = phase === "waiting" && visitEnd ? { at: visitEnd, everybody: true } : null;
  const known = ends ?? promised;
  if (!known || known === own.ends) return;
  own.ends = known;
  deadline.set(known.at, known.everybody || known.at === visitEnd);
}

function failed(own, error) {
  const text = failure(error, HOST_REQUEST);
  if (!text) return;
  if (isHost(own) && error.code !== "rate_limited") own.lobby.showNote(text);
  else own.chat.note(text);
}

function tell(own, text) {
  own.chat.note(text);
  announce(text);
}

/** A host decides about a person, or about the visit. The page asks for confirmation first. */
async function decide(kind, person) {
  const own = current;
  const answer = await ask(QUESTIONS[kind](person?.name));
  if (!answer || current !== own) return;
  if (kind === "end_visit") own.endedHere = true;
  const { visit, lobby } = own;
  const sent = kind === "end_visit" ? visit.end(answer.reason)
    : kind === "remove" ? visit.remove(person.peerId, answer.reason)
      : visit.toLobby(person.peerId);
  if (!sent) lobby.showNote(strings.notConnected);
}

function leave() {
  current?.visit.leave();
}

function finish(own, error) {
  const { code } = error;
  const left = code === "left" && { joined: "left", waiting: "left_waiting" }[own.phase];
  const over = own.endedHere && code === "visit_ended" ? "ended_here" : left || code;
  const { message, reason } = error;
  const text = code === "left" && !left
    ? null : ending({ code: over, message, reason }, invitation);
  current = null;
  identity.remember(null);
  own.left.abort();
  stopAsking();
  deadline.clear();
  own.chat.close();
  own.lobby.close();
  waitingRoom.close();
  view.close();
  showFor(ACCESS, "speaker");
  element("health").unreachable = false;
  // Nobody wants to be filmed after the visit.
  if (own.placed || text?.action === null) media.stop();
  prejoin.show(text);
}

// --- around it ---

function rememberForReload() {
  if (!current?.placed) return;
  const { roomId, displayName } = current;
  identity.remember({ roomId, displayName, ...media.wanted });
}
