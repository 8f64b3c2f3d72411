// The page of one's own in docs/client.md, in an empty folder: it works as it stands there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { invitations } from "./invitations.js";
import { withPage } from "./site.js";
import { onStage, screenshotPath } from "./stage.js";

const DOCS = readFileSync(new URL("../../docs/client.md", import.meta.url), "utf8");
const [, PAGE] = /^```html\n(<!doctype html>.*?)^```/ms.exec(DOCS);

/** Waits until this many videos of the page show a moving picture. */
const sees = (page, count, root = "document") => page.waitForFunction(({ count, root }) => {
  const from = root === "document" ? document : document.querySelector(root).shadowRoot;
  const seen = [...from.querySelectorAll("video")].filter((video) => video.videoWidth > 0
    && video.srcObject.active);
  return seen.length === count;
}, { count, root });

test("the page of the docs holds a visit", { timeout: 60_000 }, () => onStage({}, async (stage) => {
  const html = PAGE.replaceAll("localhost:8080", `127.0.0.1:${stage.server.port}`);
  await withPage(html, async (port) => {
    const [anna, ben] = [
      await stage.visitor("Anna", `http://127.0.0.1:${port}/#anna`),
      await stage.visitor("Ben", `http://127.0.0.1:${port}/#ben`),
    ];
    for (const { page } of [anna, ben]) await sees(page, 2);
    await anna.receivesMedia();
    await anna.reads("#status", /Here: you and 1/);
    await anna.page.click("#mute");
    await anna.reads("#mute", /Unmute/);
    await anna.page.screenshot({ path: screenshotPath("own-page") });
    await ben.page.click("#leave");
    await ben.reads("#status", /ended/);
    await sees(anna.page, 1);
  });
}));

test("the element holds a visit with the page, waiting room included", { timeout: 60_000 }, () => {
  const { flags, doctor, patient } = invitations();
  return onStage({ flags }, async (stage) => {
    const origin = `127.0.0.1:${stage.server.port}`;
    const html = `<!doctype html><meta charset="utf-8"><title>Element</title>
      <script type="module" src="http://${origin}/demo/client/element.js"></script>
      <visio-visit url="ws://${origin}/ws" token="${patient()}"></visio-visit>`;
    await withPage(html, async (port) => {
      const weber = await stage.person("Dr. Weber", { token: doctor() });
      await weber.join();
      const anna = await stage.visitor("Anna", `http://127.0.0.1:${port}/`);
      await weber.seesWaiting("Anna Keller");
      const status = () => anna.page.evaluate(() => document.querySelector("visio-visit")
        .shadowRoot.querySelector('[part="status"]').textContent);
      assert.match(await status(), /You will be let in/);
      await weber.decides("Admit Anna Keller");
      await sees(anna.page, 2, "visio-visit");
      await weber.sees(1);
      await anna.page.screenshot({ path: screenshotPath("element") });
      // Moved within the page it stays; taken out of it, it leaves.
      await anna.page.evaluate(() => {
        const box = document.createElement("main");
        document.body.append(box);
        box.append(document.querySelector("visio-visit"));
      });
      await sees(anna.page, 2, "visio-visit");
      await anna.page.evaluate(() => document.querySelector("visio-visit").remove());
      await weber.seesPerson("Anna Keller", "left");
    });
  });
});
