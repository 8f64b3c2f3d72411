// A stage for one test: the server, one Chromium, and people on their pages.
//
// Every page is watched all the time: an error on the console, a broken promise, a violation of
// the content security policy or a request to another origin fails the test, whatever it is about.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { Person, watch } from "./person.js";
import { startServer } from "./server.js";

const FAKE_DEVICES = "--use-fake-device-for-media-stream";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
  "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
  "--disable-background-timer-throttling",
];

/** Playwright switches the back/forward cache off, which people have. */
const NOT_AS_PEOPLE_HAVE_IT = ["--disable-back-forward-cache"];

/** Grants every request for camera and microphone. */
const SAY_YES = "--use-fake-ui-for-media-stream";

const ARTEFACTS = fileURLToPath(new URL("../../target/browser/", import.meta.url));

/**
 * Runs `play` on a fresh stage and removes it, whatever happens. `flags` are for the server, which
 * `start` starts; `camera: false` is a browser that refuses camera and microphone;
 * `cameras` is how many there are, and without any there is no microphone either; `certificate` is
 * one of `certificate.js`, which the server shows and the browser trusts.
 */
export async function onStage(options, play) {
  try {
    await playOnce(options, play);
  } catch (error) {
    // Now and then Chromium's fake camera gives no frame to any page of a browser: then there is
    // nothing for us to show.
    if (!error.cameraStalled) throw error;
    console.error("the browser's fake camera gave no picture: once more, with another browser");
    await playOnce(options, play);
  }
}

async function playOnce(
  { flags = [], camera = true, cameras = 1, certificate = null, start = startServer }, play,
) {
  const server = await start(...flags, ...certificate?.forServer ?? []);
  const devices = cameras > 0 ? [`${FAKE_DEVICES}=device-count=${cameras}`] : [];
  const browser = await launch(camera, [...devices, ...certificate?.forBrowser ?? []]);
  const stage = new Stage(server, browser, certificate ? "https" : "http");
  try {
    await play(stage);
    stage.assertClean();
  } catch (error) {
    await stage.photographAll();
    error.cameraStalled = camera && await stage.cameraStalled();
    throw error;
  } finally {
    await browser.close();
    await server.stop("SIGKILL");
  }
}

export function screenshotPath(name) {
  mkdirSync(ARTEFACTS, { recursive: true });
  return `${ARTEFACTS}${name}.png`;
}

class Stage {
  server;
  #browser;
  #scheme;
  #people = [];
  #allowed = [];

  constructor(server, browser, scheme) {
    this.server = server;
    this.#browser = browser;
    this.#scheme = scheme;
  }

  /**
   * A person opens the page. `port` is another port of the server, and `context` holds more options
   * of the browser. With a `token`, the link is an invitation. `more` are further
   * fields of the address, and `hosts` may be asked besides the page's own. `path` is
   * another page beside it, and `prepare` is done before the page is opened.
   */
  async person(name, options = {}) {
    const { visit = "test-visit", port = this.server.port, context = {}, prepare } = options;
    const own = await this.#browser.newContext(
      { viewport: { width: 1280, height: 800 }, ...context },
    );
    const page = await own.newPage();
    await prepare?.(page);
    return this.adopt(page, name, { ...options, visit, port });
  }

  async adopt(page, name, { visit, port, token, more = {}, hosts = [], path = "" }) {
    const address = new URL(this.server.page ?? `${this.#scheme}://127.0.0.1:${port}/demo/`);
    address.pathname += path;
    const person = new Person(
      page, name, await watch(page, [address.host, ...hosts, ...this.server.hosts ?? []]),
    );
    this.#people.push(person);
    const said = { quality: "low", debug: "", ...(token ? {} : { visit, name }), ...more };
    for (const [key, value] of Object.entries(said)) {
      if (value !== undefined) address.searchParams.set(key, value);
    }
    if (token) address.hash = `token=${token}`;
    await page.goto(address.href);
    return person;
  }

  /** A person opens a page of somebody else, which talks to this server. */
  async visitor(name, url) {
    const own = await this.#browser.newContext({ viewport: { width: 1000, height: 700 } });
    const page = await own.newPage();
    const hosts = [new URL(url).host, `127.0.0.1:${this.server.port}`];
    const person = new Person(page, name, await watch(page, hosts));
    this.#people.push(person);
    await page.goto(url);
    return person;
  }

  /** Complaints that this test causes on purpose, as a pattern. */
  allow(pattern) {
    this.#allowed.push(pattern);
  }

  assertClean() {
    for (const { name, complaints } of this.#people) {
      const unexpected = complaints.filter(
        (text) => !this.#allowed.some((pattern) => pattern.test(text)),
      );
      assert.deepEqual(unexpected, [], `the page of ${name} complained`);
    }
  }

  /** Whether a person's own camera is on, but gives no picture. */
  async cameraStalled() {
    const stalled = () => {
      const own = document.querySelector(".tile.self video");
      const live = own?.srcObject?.getVideoTracks().some(
        (track) => track.readyState === "live",
      ) ?? false;
      return live && own.videoWidth === 0;
    };
    const answers = await Promise.all(
      this.#people.map(({ page }) => page.evaluate(stalled).catch(() => false)),
    );
    return answers.includes(true);
  }

  async photographAll() {
    for (const { name, page, complaints } of this.#people) {
      for (const complaint of complaints) console.error(`${name}: ${complaint}`);
      await page.screenshot({ path: screenshotPath(`failed-${name}`) }).catch(() => {});
    }
  }
}

async function launch(camera, more) {
  const args = camera ? [...FLAGS, SAY_YES, ...more] : [...FLAGS, ...more];
  return chromium.launch({
    executablePath: chromiumPath(), args, ignoreDefaultArgs: NOT_AS_PEOPLE_HAVE_IT,
  });
}

function chromiumPath() {
  const places = [
    process.env.CHROMIUM, "/usr/bin/chromium",
    which("chromium"), which("chromium-browser"), which("google-chrome"),
  ];
  const found = places.find((place) => place && existsSync(place));
  if (!found) {
    throw new Error(
      "no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM",
    );
  }
  return found;
}

function which(name) {
  try {
    return execFileSync("which", [name], { encoding: "utf8" }).trim();
  } catch {
    return null;
  }
}
