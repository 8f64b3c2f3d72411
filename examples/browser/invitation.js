// The invitation: the visit token and its claims.
//
// It comes in the address, as `#token=...` (which browsers send to no server) or `?token=...`, and
// is removed from it before anything else happens: addresses are shown, copied, kept in histories
// and shared. It stays in this tab's storage, for a reload.
//
// The page reads the claims only for the form. The server checks whether they are true.

import { claimsOf } from "./client/index.js";
import { query, takeSecret } from "./place.js";

const KEY = "visio.token";

/**
 * `{token, isFresh, roomId, peerId, name, role, notBefore, expiresAt, visitEnd}`, or null.
 * `isFresh`: from the address, not from before a reload. The other fields are there if the token
 * has them.
 */
export const invitation = readInvitation();

// Another link to this same page only changes the part after `#`.
addEventListener("hashchange", () => { if (location.hash.includes("token=")) location.reload(); });

function readInvitation() {
  const fresh = takeSecret("token");
  const token = fresh || kept();
  if (!token) return null;
  const claims = claimsOf(token);
  const elsewhere = !fresh && query.has("visit") && query.get("visit") !== claims.room;
  if (elsewhere) return null; // an address of another visit, in the same tab
  if (fresh) keep(token);
  return {
    token,
    isFresh: Boolean(fresh),
    roomId: text(claims.room),
    peerId: text(claims.sub),
    name: text(claims.name),
    role: text(claims.role) ?? "guest",
    notBefore: milliseconds(claims.nbf),
    expiresAt: milliseconds(claims.exp),
    visitEnd: milliseconds(claims.visitEnd),
  };
}

function text(claim) {
  return typeof claim === "string" ? claim : undefined;
}

function milliseconds(claim) {
  return typeof claim === "number" ? claim * 1000 : undefined;
}

/** Storage may be blocked; then a reload needs the link again, and nothing else breaks. */
function kept() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // as above
  }
}
