// The peer of examples/python, on aiortc, in a call with the page.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { onStage, screenshotPath } from "./stage.js";

const path = (of) => fileURLToPath(new URL(`../../${of}`, import.meta.url));
/** `tests/run` makes it. */
const PYTHON = process.env.PYTHON ?? path("target/python/bin/python");

/** Runs the peer while `play` looks for lines that it prints. */
async function withPeer(args, play) {
  const child = spawn(PYTHON, [path("examples/python/peer.py"), ...args]);
  const said = [];
  const waiting = new Set();
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const errors = [];
  child.stderr.on("data", (data) => errors.push(String(data)));
  const says = (wanted) => new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(
      `the peer never said it; it said ${JSON.stringify(said)} ${errors.join("")}`,
    )), 25_000);
    const look = () => {
      if (!said.some(wanted)) return;
      clearTimeout(limit);
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  try {
    await play(says);
  } finally {
    child.kill("SIGKILL");
  }
}

for (const first of ["the page", "the peer"]) {
  test(`a peer in Python and the page hold a call; ${first} is there first`, { timeout: 90_000 },
    () => onStage({}, async (stage) => {
    const args = [`ws://127.0.0.1:${stage.server.port}/ws`, "--room", "test-visit"];
    const anna = await stage.person("Anna");
    if (first === "the page") await anna.join();
    await withPeer(args, async (says) => {
      await says(({ event }) => event === "joined");
      if (first === "the peer") await anna.join();
      await anna.sees(1);
      await anna.receivesMedia();
      await anna.seesPerson("Python", "connected");
      for (const kind of ["audio", "video"]) {
        await says((one) => one.event === "frames" && one.kind === kind && one.frames === 50);
      }
      await anna.says("Hello");
      await anna.hears("Python", "I heard: Hello");
      await anna.page.screenshot({ path: screenshotPath("python") });
      await anna.leave();
      await says(({ event }) => event === "left");
    });
  }));
}

test("the peer knows what a refusal is", { timeout: 60_000 }, () => onStage(
  { flags: ["--jwt-secret", "0123456789abcdef0123456789abcdef"] }, (stage) => withPeer(
  [`ws://127.0.0.1:${stage.server.port}/ws`, "--token", "bad"],
  (says) => says(({ code }) => code === "unauthorized"),
)));
