// The visit page: puts the form, the media, the signaling and the people together.
//
// One `visit` at a time: made by `join`, dropped by `leave` or by the server's word. What each
// part does is in its own module; this file only says who tells whom.

import "./health.js";
import { Chat } from "./chat.js";
import { Identity } from "./identity.js";
import { SignalingLog } from "./log.js";
import { LocalMedia } from "./media.js";
import { Mesh } from "./mesh.js";
import { Prejoin } from "./prejoin.js";
import { addresses, query, rememberVisitInUrl, visitLink } from "./place.js";
import { SignalingClient } from "./signaling.js";
import { VisitView } from "./visit.js";
import { bindToggles, announce, copyButtons, element } from "./page.js";
import { ending, failure, reconnecting } from "./texts.js";

const MEDIA_LIMIT_MS = 1_500;

const identity = new Identity();
const media = new LocalMedia({ quality: query.get("quality") ?? undefined });
const log = new SignalingLog();
const prejoin = new Prejoin({ media, onJoin: join, onCancel: () => leave() });
const view = new VisitView({ media, onLeave: () => leave() });
let visit = null;

start();

function start() {
  showHealth();
  bindToggles(media, () => rememberForReload());
  copyButtons(() => visitLink(visit?.roomId ?? prejoin.roomId));
  addEventListener("online", checkConnection);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) checkConnection(); });
  const interrupted = identity.interruptedVisit;
  prejoin.fill({ roomId: query.get("visit") ?? interrupted?.roomId, name: query.get("name") ?? interrupted?.displayName });
  prejoin.start({ mic: interrupted?.mic, camera: interrupted?.camera });
  if (interrupted?.roomId === prejoin.roomId) join(interrupted);
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
    join: () => ({ roomId, peerId: identity.peerId, displayName }),
  });
  const mesh = new Mesh({ send: (message) => client.send(message), local: media });
  const chat = new Chat({ send: (message) => client.send(message), nameOf: (peerId) => mesh.nameOf(peerId) });
  visit = { roomId, displayName, client, mesh, chat, seated: false };
  listen(visit);
  prejoin.joining("Joining…");
  connectWithMedia(visit);
}

/** A camera that is about to start is part of the first offer; a question left unanswered keeps nobody out. */
async function connectWithMedia(own) {
  if (media.stopped) media.start({ mic: media.micWanted, camera: media.cameraWanted });
  await Promise.race([media.started, new Promise((resolve) => setTimeout(resolve, MEDIA_LIMIT_MS))]);
  if (visit === own) own.client.connect();
}

function listen(own) {
  const { client, mesh, chat } = own;
  // A visit that was left must not draw on the page any more.
  const on = (target, type, handle) => target.addEventListener(type, ({ detail }) => { if (visit === own) handle(detail); });
  on(client, "frame", (frame) => log.add(frame));
  on(client, "state", (state) => connectionChanged(own, state));
  on(client, "room", (message) => roomChanged(own, message));
  on(client, "message", (message) => { mesh.receive(message); chat.receive(message); });
  on(client, "failure", (error) => { const text = failure(error); if (text) chat.note(text); });
  on(client, "ended", ({ code, message }) => finish(code, message));
  on(mesh, "people", () => view.showPeople(mesh.people, own.displayName));
  on(mesh, "arrived", ({ name }) => tell(own, `${name} is here.`));
  on(mesh, "left", ({ name }) => tell(own, `${name} left the visit.`));
}

function roomChanged(own, message) {
  if (message.type === "joined" && !own.seated) enter(own);
  own.mesh.follow(message);
  if (message.type === "joined") own.chat.flush();
}

function enter(own) {
  own.seated = true;
  rememberVisitInUrl(own.roomId);
  rememberForReload();
  prejoin.hide();
  own.chat.open();
  view.open(own);
  announce("You are in the visit.");
}

function connectionChanged(own, { state, attempt }) {
  if (state === "reconnecting" && own.seated) view.showBanner(reconnecting(attempt));
  else if (state === "reconnecting") prejoin.joining("The visit server cannot be reached. We keep trying.");
  if (state === "joined") view.showBanner(null);
  own.chat.connected(state === "joined");
}

function tell(own, text) {
  own.chat.note(text);
  announce(text);
}

function leave() {
  const { client, seated } = visit;
  finish(seated ? "left" : null);
  client.leave();
}

function finish(code, message) {
  const { mesh, chat, seated } = visit;
  visit = null;
  identity.remember(null);
  mesh.close();
  chat.close();
  view.close();
  if (seated) media.stop(); // nobody wants to be filmed after the visit
  prejoin.show(code && ending(code, message));
}

// --- around it ---

function rememberForReload() {
  if (!visit?.seated) return;
  const { roomId, displayName } = visit;
  identity.remember({ roomId, displayName, mic: media.micWanted, camera: media.cameraWanted });
}

/** The network or the window is back: is the connection still there? */
function checkConnection() {
  visit?.client.retryNow();
  visit?.client.probe();
  visit?.mesh.restartBroken();
}
