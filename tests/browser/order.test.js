// Messages that arrive in another order than they were sent, as API Gateway may deliver them.

import assert from "node:assert/strict";
import test from "node:test";
import { onStage } from "./stage.js";

test("candidates that overtake their description are kept", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const [weber, anna] = [await stage.person("Weber"), await stage.person("Anna")];
  const people = [[weber, await holdDescriptions(weber)], [anna, await holdDescriptions(anna)]];
  await weber.join();
  await anna.join();
  for (const [person, counts] of people) {
    await person.sees(1);
    await person.receivesMedia();
    assert.equal(counts.overtaken, 1, `${person.name} got candidates first`);
    assert.ok(counts.candidates > 0);
    await person.page.waitForFunction(
      (count) => window.candidatesTaken === count, counts.candidates,
    );
  }
}));

test("an offer that overtakes the news of its sender is kept", { timeout: 60_000 },
  () => onStage({}, async (stage) => {
  const [weber, anna] = [await stage.person("Weber"), await stage.person("Anna")];
  await reorder(weber, (held, message) => {
    if (message.type === "peer_joined") return { hold: true };
    return { release: message.type === "offer" };
  });
  await weber.join();
  await anna.join();
  for (const person of [weber, anna]) {
    await person.sees(1);
    await person.receivesMedia();
  }
  await weber.seesPerson("Anna", "connected");
  assert.equal(
    await anna.page.locator('#log-lines li[data-direction="out"][data-type="offer"]').count(), 1,
  );
}));

/** Offers and answers come after the first candidates. Returns the counts taken on the way. */
async function holdDescriptions(person) {
  const counts = { overtaken: 0, candidates: 0 };
  await reorder(person, (held, message) => {
    if (message.type === "offer" || message.type === "answer") return { hold: true };
    if (message.type !== "candidate") return {};
    counts.candidates += [message.candidate].flat().length;
    if (held.length > 0) counts.overtaken += 1;
    return { release: true };
  });
  return counts;
}

/** Lets `judge` hold back messages from the server, and release them after a later one. */
async function reorder({ page }, judge) {
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    const held = [];
    server.onMessage((text) => {
      const { hold = false, release = false } = judge(held, JSON.parse(text));
      if (hold) return held.push(text);
      socket.send(text);
      if (release) for (const late of held.splice(0)) socket.send(late);
    });
  });
  await page.reload(); // a route counts from the next page on
}
