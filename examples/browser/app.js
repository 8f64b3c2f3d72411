// The visit page: puts the form, the media, the signaling and the people together.
//
// There is one `visit` at a time: `join` makes it, and `leave` or the server ends it. Before it,
// and whenever a host says so, there may be the waiting room. Each part is in its own module; this
// file only connects them.

import "./health.js";
import { ask, stopAsking } from "./ask.js";
import { Chat } from "./chat.js";
import { Deadline } from "./deadline.js";
import { Identity } from "./identity.js";
import { invitation } from "./invitation.js";
import { Lobby } from "./lobby.js";
import { SignalingLog } from "./log.js";
import { LocalMedia } from "./media.js";
import { Mesh } from "./mesh.js";
import { Prejoin } from "./prejoin.js";
import { addresses, query, rememberVisitInUrl, visitLink } from "./place.js";
import { SignalingClient } from "./signaling.js";
import { VisitView } from "./visit.js";
import { WaitingRoom } from "./waiting.js";
import { bindToggles, announce, copyButtons, element, showFor } from "./page.js";
import { QUESTIONS, ending, failure, reconnecting, waitingReconnecting } from "./texts.js";

const MEDIA_LIMIT_MS = 1_500;
const HOSTS = new Set(["host", "admin"]);
const ACCESS = invitation ? "invited" : "open";

const identity = new Identity();
const media = new LocalMedia({ quality: query.get("quality") ?? undefined });
const log = new SignalingLog();
const deadline = new Deadline();
const prejoin = new Prejoin({ media, onJoin: join, onCancel: () => leave() });
const waitingRoom = new WaitingRoom({ media, onLeave: () => leave() });
const view = new VisitView({ media, onLeave: () => leave(), onDecide: decide });
let visit = null;

start();

function start() {
  showHealth();
  showFor(ACCESS, "speaker");
  bindToggles(media, () => rememberForReload());
  copyButtons(() => visitLink(visit?.roomId ?? prejoin.roomId));
  addEventListener("online", checkConnection);
  navigator.connection?.addEventListener("change", checkConnection);
  addEventListener("offline", () => visit?.client.probe());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) checkConnection(); });
  addEventListener("pagehide", (event) => { if (!event.persisted) visit?.mesh.sayClosing(); });
  const interrupted = identity.interruptedVisit;
  const roomId = invitation?.roomId ?? query.get("visit") ?? interrupted?.roomId;
  prejoin.fill({ roomId, name: query.get("name") ?? interrupted?.displayName });
  prejoin.follow(invitation);
  prejoin.start({ mic: interrupted?.mic, camera: interrupted?.camera });
  if (interrupted?.roomId === prejoin.roomId && !invitation?.isFresh) join(interrupted);
}

function showHealth() {
  const { health, foreignServer } = addresses();
  if (health) element("health").setAttribute("url", health);
  else element("health").remove();
  prejoin.showServer(foreignServer);
}

// --- one visit ---

function join({ roomId, displayName }) {
  const client = new SignalingClient({
    url: addresses().signaling,
    join: () => ({
      roomId,
      peerId: invitation?.peerId ?? identity.peerId,
      displayName: invitation?.name ?? displayName,
    }),
    token: invitation?.token,
  });
  const send = (message) => client.send(message);
  const mesh = new Mesh({ send, local: media });
  const chat = new Chat({ send, nameOf: (peerId) => mesh.nameOf(peerId) });
  const lobby = new Lobby({ send });
  visit = {
    roomId,
    displayName,
    client,
    mesh,
    chat,
    lobby,
    role: "guest",
    placed: false,
    seated: false,
    endedHere: false,
  };
  listen(visit);
  prejoin.joining("Joining…");
  connectWithMedia(visit);
}

/**
 * Waits a little, so that a camera about to start is part of the first offer. An unanswered
 * permission prompt keeps nobody out.
 */
async function connectWithMedia(own) {
  const silent = invitation?.role === "observer";
  if (media.stopped && !silent) media.start({ mic: media.micWanted, camera: media.cameraWanted });
  await Promise.race(
    [media.started, new Promise((resolve) => setTimeout(resolve, MEDIA_LIMIT_MS))],
  );
  if (visit === own) own.client.connect();
}

function listen(own) {
  const { client, mesh, chat, lobby } = own;
  // A visit that was left must no longer draw on the page.
  const on = (target, type, handle) => target.addEventListener(type, ({ detail }) => {
    if (visit === own) handle(detail);
  });
  on(client, "frame", (frame) => log.add(frame));
  on(client, "state", (state) => connectionChanged(own, state));
  on(client, "room", (message) => roomChanged(own, message));
  on(client, "waiting", (message) => waiting(own, message));
  on(client, "lobby", ({ waiting }) => lobby.show(waiting));
  on(client, "ending", ({ endsAt }) => deadline.set(endsAt, true));
  on(client, "message", (message) => heard(own, message));
  on(client, "failure", (error) => failed(own, error));
  on(client, "ended", (end) => finish(end));
  on(mesh, "people", () => view.showPeople(mesh.people, own.displayName));
  on(mesh, "arrived", ({ name, role }) => tell(
    own, role === "observer" ? `${name} is here, as an observer.` : `${name} is here.`,
  ));
  on(mesh, "left", ({ name }) => tell(own, `${name} left the visit.`));
  on(lobby, "change", (knocks) => view.showKnocks(knocks));
}

function roomChanged(own, message) {
  if (message.type === "joined") seated(own, message);
  own.mesh.follow(message);
  if (message.type === "joined") own.chat.flush();
}

function seated(own, { role, expiresAt }) {
  own.role = role;
  if (expiresAt) deadline.set(expiresAt, expiresAt === invitation?.visitEnd);
  if (own.seated) return;
  own.seated = true;
  own.chat.continues(waitingRoom.close());
  enter(own);
  view.open({ ...own, hosting: isHost(own) });
  announce("You are in the visit.");
}

/** Not in the visit yet, or no longer: this person sees nobody, and nobody sees them. */
function waiting(own, message) {
  const sentBack = own.seated;
  own.seated = false;
  if (sentBack) {
    own.mesh.clear();
    view.close();
  }
  if (!waitingRoom.isOpen) {
    enter(own);
    // The server may have sent its warning before this person joined.
    if (invitation?.visitEnd) deadline.set(invitation.visitEnd, true);
    waitingRoom.open({ send: (chat) => own.client.send(chat), sentBack });
  }
  waitingRoom.show(message);
}

/** This person has a place, in the visit or in the waiting room. */
function enter(own) {
  own.placed = true;
  const silent = own.role === "observer";
  if (silent) media.stop();
  showFor(ACCESS, silent ? "observer" : "speaker", isHost(own) ? "host" : null);
  rememberVisitInUrl(own.roomId);
  rememberForReload();
  prejoin.hide();
}

function heard(own, message) {
  if (waitingRoom.isOpen) return waitingRoom.receive(message);
  if (isHost(own) && !own.mesh.has(message.from) && own.lobby.receive(message)) return;
  own.mesh.receive(message);
  own.chat.receive(message);
}

function failed(own, error) {
  const text = failure(error);
  if (!text) return;
  if (isHost(own) && error.code !== "rate_limited") own.lobby.showNote(text);
  else own.chat.note(text);
}

function connectionChanged(own, { state, attempt }) {
  if (state === "reconnecting" && own.seated) view.showBanner(reconnecting(attempt));
  else if (state === "reconnecting" && own.placed) waitingRoom.showBanner(waitingReconnecting());
  else if (state === "reconnecting") {
    prejoin.joining("The visit server cannot be reached. We will keep trying.");
  }
  if (state === "joined") view.showBanner(null);
  if (state === "waiting") waitingRoom.showBanner(null);
  own.chat.connected(state === "joined");
  own.lobby.connected(state === "joined");
}

function tell(own, text) {
  own.chat.note(text);
  announce(text);
}

/** A host decides about a person, or about the visit. The page asks for confirmation first. */
async function decide(kind, person) {
  const own = visit;
  const answer = await ask(QUESTIONS[kind](person?.name));
  if (!answer || visit !== own) return;
  if (kind === "end_visit") own.endedHere = true;
  const sent = own.client.send(
    { type: kind, peerId: person?.peerId, ...answer, requestId: "host" },
  );
  if (!sent) own.lobby.showNote("You are not connected right now. Please try again in a moment.");
}

function leave() {
  const { client, placed, seated } = visit;
  const code = seated ? "left" : placed ? "left_waiting" : null;
  finish(code && { code });
  client.leave();
}

function finish(end) {
  const { mesh, chat, lobby, placed, endedHere } = visit;
  const text = end && ending(
    endedHere && end.code === "visit_ended" ? { code: "ended_here" } : end, invitation,
  );
  visit = null;
  identity.remember(null);
  stopAsking();
  deadline.clear();
  mesh.close();
  chat.close();
  lobby.close();
  waitingRoom.close();
  view.close();
  showFor(ACCESS, "speaker");
  if (placed || text?.action === null) media.stop(); // nobody wants to be filmed after the visit
  prejoin.show(text);
}

function isHost({ role }) {
  return HOSTS.has(role);
}

// --- around it ---

function rememberForReload() {
  if (!visit?.placed) return;
  const { roomId, displayName } = visit;
  identity.remember({ roomId, displayName, mic: media.micWanted, camera: media.cameraWanted });
}

/** The network or the window is back, or it is another network: does everything still work? */
function checkConnection() {
  if (!navigator.onLine) return;
  visit?.client.retryNow();
  visit?.client.probe();
  visit?.mesh.checkRoutes();
}
