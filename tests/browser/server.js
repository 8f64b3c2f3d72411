// The built servers as child processes, and a proxy in front of one that can cut the connection.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../target/debug/", import.meta.url));
const VISIO = process.env.VISIO_BIN ?? `${BUILT}visio`;
const READY_LIMIT_MS = 20_000;

/** Starts the server on a free port; resolves once it says that it is ready. */
export async function startServer(...flags) {
  const { said, stop, ready } = await start(VISIO,
    ["--listen", "127.0.0.1:0", ...flags], "stderr", /https?:\/\/127\.0\.0\.1:(\d+)\/demo\//);
  return { port: Number(ready[1]), said, stop };
}

/**
 * Starts the gateway with the Lambda functions in the same way. The page is at one address, its
 * servers at two others. `deploy` replaces all environments of the functions.
 */
export async function startGateway(...flags) {
  const anywhere = ["--listen", "--health-listen", "--page-listen"].flatMap(
    (flag) => [flag, "127.0.0.1:0"],
  );
  const { child, said, stop, ready } = await start(`${BUILT}visio-gateway`,
    ["--functions", BUILT, ...anywhere, ...flags], "stdout", /^page\s+(http:\S+)$/);
  const page = new URL(ready[1]);
  const hosts = ["server", "health"].map((key) => new URL(page.searchParams.get(key)).host);
  const deploy = () => {
    const deployed = lineOf(child.stdout, /deployed anew/);
    child.kill("SIGHUP");
    return deployed;
  };
  return { page: page.href, hosts, port: Number(page.port), said, stop, deploy };
}

/** The first line from now on that matches. */
function lineOf(stream, pattern) {
  return new Promise((resolve) => {
    createInterface({ input: stream }).on("line", (line) => {
      if (pattern.test(line)) resolve(line);
    });
  });
}

async function start(binary, flags, output, pattern) {
  if (!existsSync(binary)) throw new Error(`no server at ${binary}: tests/run builds it`);
  const child = spawn(binary, flags, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  const said = [];
  for (const name of ["stdout", "stderr"]) {
    createInterface({ input: child[name] }).on("line", (line) => said.push(line));
  }
  const ready = await readyLine(child, ended, said, output, pattern);
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(limit);
  };
  return { child, said, stop, ready };
}

/** A visit token, as `visio token` makes it. */
export function makeToken(secret, ...flags) {
  const env = { ...process.env, VISIO_JWT_SECRET: secret };
  return execFileSync(VISIO, ["token", ...flags], { encoding: "utf8", env }).trim();
}

function readyLine(child, ended, said, output, pattern) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`the server ${why}; it said:\n${said.join("\n")}`));
    const limit = setTimeout(
      () => { child.kill("SIGKILL"); fail("was not ready in time"); }, READY_LIMIT_MS,
    );
    ended.then(() => fail("ended at once"), reject);
    createInterface({ input: child[output] }).on("line", (line) => {
      const ready = pattern.exec(line);
      if (!ready) return;
      clearTimeout(limit);
      resolve(ready);
    });
  });
}

/** A TCP proxy to `target`, on one port for its whole life. */
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
    /** What is said from now on is lost, and neither end is told: as if a cable was pulled. */
    pull() {
      for (const socket of sockets) {
        socket.pulled = true;
        socket.unpipe().resume();
      }
    },
    /** New connections work again. Those that were pulled never will. */
    heal() {
      cut = false;
      drop();
    },
    /** From now on, connections go to another server. */
    point(target) { port = target; },
    stop() { drop(); listener.close(); },
  };
}

function join(near, far, sockets) {
  for (const [one, other] of [[near, far], [far, near]]) {
    sockets.add(one);
    one.on("close", () => {
      sockets.delete(one);
      if (!one.pulled) other.destroy();
    });
    one.on("error", () => other.destroy());
    one.pipe(other);
  }
}
