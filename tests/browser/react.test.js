// The React app of examples/react, built by Vite, in a visit with the page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import test from "node:test";
import { invitations } from "./invitations.js";
import { withSite } from "./site.js";
import { onStage, screenshotPath } from "./stage.js";

const DIST = new URL("../../examples/react/dist/", import.meta.url);
const TYPES = { ".html": "text/html", ".js": "text/javascript" };

const withApp = (play) => withSite((path) => ({
  kind: TYPES[extname(path || "index.html")],
  content: readFileSync(new URL(path || "index.html", DIST)),
}), play);

test("useVisit in StrictMode is one person, who keeps the seat", { timeout: 60_000 }, () => {
  const { flags, doctor, patient } = invitations();
  return onStage({ flags }, (stage) => withApp(async (port) => {
    const weber = await stage.person("Dr. Weber", { token: doctor() });
    await weber.join();
    const server = encodeURIComponent(`ws://127.0.0.1:${stage.server.port}/ws`);
    const anna = await stage.visitor(
      "Anna", `http://127.0.0.1:${port}/?server=${server}#token=${patient()}`,
    );
    await anna.page.click("#join");
    await anna.reads("section", /You will be let in/);
    await weber.decides("Admit Anna Keller");
    await weber.sees(1);
    await anna.reads("section", /Dr\. Weber \(connected\)/);
    await weber.receivesMedia();
    await anna.receivesMedia();
    assert.equal(await weber.count("in", "knock"), 1, "she knocked once");
    assert.equal(await weber.count("in", "peer_joined"), 1, "and came in once");
    await anna.page.screenshot({ path: screenshotPath("react") });

    await anna.page.click("#leave");
    await weber.seesPerson("Anna Keller", "left");
    await anna.page.click("#join"); // another visit, by the same component
    await anna.reads("section", /You will be let in/);
  }));
});

test("the health indicator without an address blanks no app, and with one it shows the state",
  { timeout: 60_000 }, () => onStage({}, (stage) => withApp(async (port) => {
  const anna = await stage.visitor("Anna", `http://127.0.0.1:${port}/`);
  await anna.page.waitForSelector("#join");
  assert.equal(await anna.page.locator("[data-state]").count(), 0);
  const health = encodeURIComponent(`http://127.0.0.1:${stage.server.port}/health`);
  const ben = await stage.visitor("Ben", `http://127.0.0.1:${port}/?health=${health}`);
  await ben.page.waitForSelector('[data-state="online"]');
})));
