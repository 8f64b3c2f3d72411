// The address of this page and of its servers: the query of the URL.
//
//   ?visit=NAME  ?name=NAME     prefill the form
//   #token=T or ?token=T        the invitation; invitation.js takes it out of the address at once
//   ?server=wss://HOST/ws       another signaling server than the one this page came from
//   ?health=https://HOST/health its health, where it is not beside it
//   ?quality=low|standard|high  the size of the picture
//   ?lang=en|de|fr              another language than the browser's
//   ?relay=only                 calls go through a TURN server, whatever the network
//   ?debug                      shows the messages that are exchanged

export const query = new URLSearchParams(location.search);

/** The value of `key` in the address, after `?` or after `#`. It is removed from the address. */
export function takeSecret(key) {
  const hash = new URLSearchParams(location.hash.slice(1));
  const secret = hash.get(key) ?? query.get(key);
  if (secret === null) return null;
  query.delete(key);
  history.replaceState(null, "", `?${query}`);
  return secret;
}

/** `foreignServer` is the signaling server's host, if the page came from another one. */
export function addresses() {
  const server = readUrl(query.get("server"), ["ws:", "wss:"]);
  const own = new URL("/ws", location.href);
  own.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const signaling = server ?? own;
  const foreignServer = signaling.host === own.host ? null : signaling.host;
  return { signaling: signaling.href, health: healthOf(server), foreignServer };
}

/** The link to a visit, without the name of the person who copies it. */
export function visitLink(roomId) {
  const link = new URL(location.pathname, location.href);
  link.searchParams.set("visit", roomId);
  for (const key of ["server", "health"]) {
    if (query.has(key)) link.searchParams.set(key, query.get(key));
  }
  return link.href;
}

/** This makes a reload, or a copied address, lead to the same visit. */
export function rememberVisitInUrl(roomId) {
  query.set("visit", roomId);
  query.delete("name");
  history.replaceState(null, "", `?${query}`);
}

/** On the same host as the server, if its path is the usual one; API Gateway has no such URL. */
function healthOf(server) {
  const given = readUrl(query.get("health"), ["http:", "https:"]);
  if (given) return given.href;
  if (!server) return "/health";
  if (!server.pathname.endsWith("/ws")) return null;
  const health = new URL(server.pathname.replace(/ws$/, "health"), server);
  health.protocol = server.protocol === "wss:" ? "https:" : "http:";
  return health.href;
}

function readUrl(text, protocols) {
  const url = text && URL.canParse(text) ? new URL(text) : null;
  return url && protocols.includes(url.protocol) ? url : null;
}
