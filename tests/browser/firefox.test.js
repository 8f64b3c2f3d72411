// The page in Firefox, in a visit with Chromium.

import assert from "node:assert/strict";
import test from "node:test";
import { withFirefox } from "./firefox.js";
import { onStage } from "./stage.js";

for (const first of ["Firefox", "Chromium"]) {
  test(`Firefox and Chromium hold a visit; ${first} is there first`, { timeout: 90_000 },
    () => onStage({}, (stage) => withFirefox(async (firefox) => {
    const { port } = stage.server;
    const weber = await stage.person("Weber");
    if (first === "Chromium") await weber.join();
    await firefox.goto(
      `http://127.0.0.1:${port}/demo/?visit=test-visit&name=Anna&quality=low&debug`,
    );
    await firefox.until(`document.querySelector('.screen[data-camera="on"]') !== null`);
    await firefox.evaluate(`document.getElementById("join").click()`);
    await firefox.until(`!document.getElementById("visit").hidden`);
    if (first === "Firefox") await weber.join();

    await weber.sees(1);
    await weber.receivesMedia();
    await firefox.until(`document.querySelector(".tile:not(.self) video")?.videoWidth > 0`);
    await firefox.until(
      `document.querySelector('.tile:not(.self)[data-state="connected"][data-quality="good"]')`,
    );
    await weber.says("Hello, Firefox");
    await firefox.until(`document.getElementById("messages").textContent.includes("Hello, Firefox")`);
    await firefox.evaluate(`document.getElementById("camera-off").click()`);
    await weber.page.waitForSelector('.tile:not(.self)[data-camera="off"]');
    await firefox.evaluate(`document.getElementById("camera-off").click()`);
    await weber.sees(1);
    await weber.receivesMedia();
    await firefox.evaluate(`document.getElementById("leave").click()`);
    await weber.seesPerson("Anna", "left");
    const words = await firefox.evaluate(`document.getElementById("notice").textContent`);
    assert.match(words, /You left the visit/);
  })));
}
