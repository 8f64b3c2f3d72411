// The built server as a child process, and a proxy before it whose cable can be pulled.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BINARY = process.env.VISIO_BIN ?? fileURLToPath(new URL("../../target/debug/visio", import.meta.url));
const READY = /https?:\/\/127\.0\.0\.1:(\d+)\/demo\//;
const READY_LIMIT_MS = 20_000;

/** Starts the server on a free port; resolves once it says that it is ready. */
export async function startServer(...flags) {
  if (!existsSync(BINARY)) throw new Error(`no server at ${BINARY}: run \`cargo build\`, or set VISIO_BIN`);
  const child = spawn(BINARY, ["--listen", "127.0.0.1:0", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  const said = [];
  const port = await readyPort(child, ended, said);
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(limit);
  };
  return { port, said, stop };
}

/** A visit token, as `visio token` makes it. */
export function makeToken(secret, ...flags) {
  const env = { ...process.env, VISIO_JWT_SECRET: secret };
  return execFileSync(BINARY, ["token", ...flags], { encoding: "utf8", env }).trim();
}

function readyPort(child, ended, said) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`the server ${why}; it said:\n${said.join("\n")}`));
    const limit = setTimeout(() => { child.kill("SIGKILL"); fail("was not ready in time"); }, READY_LIMIT_MS);
    ended.then(() => fail("ended at once"), reject);
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const ready = READY.exec(line);
      if (!ready) return;
      clearTimeout(limit);
      resolve(Number(ready[1]));
    });
  });
}

/** A TCP proxy to `target`, on its own port for as long as it lives. */
export async function startProxy(target) {
  let cut = false;
  let port = target;
  const sockets = new Set();
  const listener = net.createServer((near) => {
    if (cut) return near.destroy();
    const far = net.connect(port, "127.0.0.1");
    join(near, far, sockets);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const drop = () => { for (const socket of sockets) socket.destroy(); };
  return {
    port: listener.address().port,
    cut() { cut = true; drop(); },
    heal() { cut = false; },
    /** From now on, connections go to another server. */
    point(target) { port = target; },
    stop() { drop(); listener.close(); },
  };
}

function join(near, far, sockets) {
  for (const [one, other] of [[near, far], [far, near]]) {
    sockets.add(one);
    one.on("close", () => { sockets.delete(one); other.destroy(); });
    one.on("error", () => other.destroy());
    one.pipe(other);
  }
}
