// Somebody who is alone in a visit can read what the page says, in every window, with a panel and
// without one.

import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";
import { WINDOWS } from "./windows.js";

for (const [name, context] of Object.entries(WINDOWS)) {
  test(`alone in a visit: ${name}`, { timeout: 60_000 }, () => onStage({}, async (stage) => {
    for (const locale of ["en-GB", "de-DE", "fr-FR"]) {
      const anna = await stage.person("Anna", {
        visit: locale, context: { ...context, locale }, more: { debug: undefined },
      });
      const look = async (state) => {
        await anna.page.screenshot({ path: screenshotPath(`${state}-${locale}-${name}`) });
        await anna.readsStage();
      };
      await anna.join();
      await look("alone");
      for (const panel of ["chat", "people", "devices"]) {
        await anna.page.click(`#${panel}-toggle`);
        await look(`alone-${panel}`);
        await anna.page.click(`#${panel}-panel [data-close-panel]`);
      }
      await anna.leave();
    }
  }));
}

test("a small phone in landscape has room to write", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const context = { viewport: { width: 568, height: 320 }, isMobile: true, hasTouch: true };
  for (const locale of ["en-GB", "de-DE", "fr-FR"]) {
    const anna = await stage.person("Anna", { visit: locale, context: { ...context, locale } });
    await anna.join();
    await anna.openChat();
    await anna.page.screenshot({ path: screenshotPath(`chat-${locale}-small`) });
    await anna.page.fill("#chat-text", "Good morning.");
    await anna.page.click("#chat-form .send"); // refused if anything covers it
    await anna.reads("#messages", /Good morning\./);
    await anna.leave();
  }
}));
