// coturn, on this machine alone.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";

const TURNSERVER = process.env.TURNSERVER ?? "turnserver";

const ONE_USER = ["--lt-cred-mech", "--user=visit:secret"];
export const SECRET = "a secret of tests";
export const BY_SECRET = ["--use-auth-secret", `--static-auth-secret=${SECRET}`];

/**
 * Runs coturn on this machine alone while `play` runs, which gets its one user, and a function that
 * tells what it has logged. With a certificate it also speaks TLS, at `tls`.
 */
export async function withTurn(play, users = ONE_USER, certificate = null) {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const tls = certificate
    ? [`--cert=${certificate.cert}`, `--pkey=${certificate.key}`, `--tls-listening-port=${tlsPort}`]
    : ["--no-tls"];
  const folder = mkdtempSync(`${tmpdir()}/visio-turn-`);
  const child = spawn(TURNSERVER, [
    "-n", "-v", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", `--listening-port=${port}`,
    ...users, ...tls, "--realm=example.test", "--no-dtls",
    "--no-cli", "--allow-loopback-peers", "--log-file=stdout", `--pidfile=${folder}/pid`,
    `--userdb=${folder}/users`,
  ], { stdio: ["ignore", "pipe", "ignore"] });
  let log = "";
  child.stdout.on("data", (chunk) => { log += chunk; });
  try {
    await answers(port);
    const turn = { urls: `turn:127.0.0.1:${port}`, username: "visit", credential: "secret" };
    await play(turn, () => log, `turns:127.0.0.1:${tlsPort}`);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

export async function freePort() {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

/** Waits until somebody listens; coturn listens on TCP, too. */
async function answers(port) {
  for (;;) {
    const socket = net.connect(port, "127.0.0.1");
    const there = await Promise.race([
      once(socket, "connect").then(() => true), once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (there) return;
  }
}

/** Those who have got a relay. */
export function usersOf(log) {
  return new Set([...log.matchAll(/user <(\d+:[0-9a-f]+)>/g)].map(([, user]) => user));
}
