// Invitations to one visit, signed with a secret of this run.

import { randomBytes } from "node:crypto";
import { makeToken } from "./server.js";

/**
 * `flags` are for the server, `gatewayFlags` for the gateway; the rest makes tokens for the room
 * "visit-1".
 */
export function invitations() {
  const secret = randomBytes(32).toString("hex");
  const token = (peer, name, ...flags) => makeToken(
    secret, "--room", "visit-1", "--peer", peer, "--name", name, ...flags,
  );
  return {
    flags: ["--jwt-secret", secret],
    gatewayFlags: ["--set", `VISIO_JWT_SECRET=${secret}`],
    token,
    doctor: (...flags) => token("weber", "Dr. Weber", "--role", "host", ...flags),
    patient: (name = "Anna Keller", ...flags) => token(
      name.toLowerCase().replace(/\W/g, "-"), name, "--lobby", ...flags,
    ),
  };
}
