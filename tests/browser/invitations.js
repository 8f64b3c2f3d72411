// Invitations to one visit, signed with a secret of this run.

import { randomBytes } from "node:crypto";
import { makeToken } from "./server.js";

/**
 * `flags` are for the server, `gatewayFlags` for the gateway; the rest makes tokens, for the room
 * "visit-1" unless it says another.
 */
export function invitations() {
  const secret = randomBytes(32).toString("hex");
  const tokenFor = (room, peer, name, ...flags) => makeToken(
    secret, "--room", room, "--peer", peer, "--name", name, ...flags,
  );
  const token = (...rest) => tokenFor("visit-1", ...rest);
  return {
    flags: ["--jwt-secret", secret],
    gatewayFlags: ["--set", `VISIO_JWT_SECRET=${secret}`],
    tokenFor,
    token,
    doctor: (...flags) => token("weber", "Dr. Weber", "--role", "host", ...flags),
    patient: (name = "Anna Keller", ...flags) => token(
      name.toLowerCase().replace(/\W/g, "-"), name, "--lobby", ...flags,
    ),
  };
}
