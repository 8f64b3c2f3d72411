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
    // One that was found later may still be on its way.
    while (await person.page.evaluate(() => window.candidatesTaken) !== counts.candidates) {
      await person.page.waitForFunction(
        (count) => window.candidatesTaken >= count, counts.candidates,
      );
    }
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

/**
 * The candidates of every description come before it, in a message of their own. Returns the counts
 * taken on the way.
 */
async function holdDescriptions({ page }) {
  const counts = { overtaken: 0, candidates: 0 };
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const message = JSON.parse(text);
      if (message.type === "candidate") counts.candidates += [message.candidate].flat().length;
      if (message.type !== "offer" && message.type !== "answer") return socket.send(text);
      const { candidates, sdp } = takeApart(message.sdp);
      counts.overtaken += 1;
      counts.candidates += candidates.length;
      // Without a number: as from a client that does not number its messages.
      const { from, call } = message;
      socket.send(JSON.stringify({ type: "candidate", from, call, candidate: candidates }));
      return socket.send(JSON.stringify({ ...message, sdp }));
    });
  });
  await page.reload(); // a route counts from the next page on
  return counts;
}

function takeApart(sdp) {
  const candidates = [];
  let sdpMLineIndex = -1;
  const lines = sdp.split("\r\n").filter((line) => {
    if (line.startsWith("m=")) sdpMLineIndex += 1;
    if (!line.startsWith("a=candidate:")) return true;
    candidates.push({ candidate: line.slice(2), sdpMLineIndex });
    return false;
  });
  return { candidates, sdp: lines.join("\r\n") };
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
