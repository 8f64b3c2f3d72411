// A network that lets nothing through but TURN: coturn, and calls that may use nothing else.

import assert from "node:assert/strict";
import test from "node:test";
import { withCertificate } from "./certificate.js";
import { withPage } from "./site.js";
import { onStage, screenshotPath } from "./stage.js";
import { BY_SECRET, SECRET, freePort, usersOf, withTurn } from "./turn.js";

const page = (port, turn) => `<!doctype html><meta charset="utf-8"><title>Relay</title>
  <script type="module">
    import { checkConnection, joinVisit } from "http://127.0.0.1:${port}/demo/client/index.js";
    const iceServers = [${JSON.stringify(turn)}];
    const steps = [];
    for await (const step of checkConnection("ws://127.0.0.1:${port}/ws", null, { iceServers })) {
      if (step.status !== "running") steps.push([step.name, step.status]);
    }
    window.steps = Object.fromEntries(steps);
    window.visit = await joinVisit({
      url: "ws://127.0.0.1:${port}/ws", room: "relayed", name: location.hash, iceServers,
      iceTransportPolicy: "relay", media: { quality: "low" },
    });
    const video = document.createElement("video");
    Object.assign(video, { autoplay: true, muted: true });
    document.body.append(video);
    visit.subscribe(({ people }) => { video.srcObject ??= people[0]?.stream ?? null; });
  </script>`;

test("a call through TURN alone", { timeout: 60_000 }, () => withTurn((turn) => onStage({},
  async (stage) => {
  await withPage(page(stage.server.port, turn), async (site) => {
    const people = [];
    for (const name of ["anna", "ben"]) {
      people.push(await stage.visitor(name, `http://127.0.0.1:${site}/#${name}`));
    }
    for (const person of people) {
      await person.page.waitForFunction(() => window.visit?.state.people[0]?.quality);
      await person.receivesMedia();
      const { relayed } = await person.page.evaluate(() => window.visit.state.people[0].quality);
      assert.equal(relayed, true);
      assert.deepEqual(await person.page.evaluate(() => window.steps.relay), "ok");
    }
    await people[0].page.screenshot({ path: screenshotPath("relay") });
  });
})));

for (const transport of ["udp", "tcp", "tls"]) {
  test(`the page uses the relay that the server names, over ${transport}`, { timeout: 60_000 }, () =>
    withCertificate((certificate) => withTurn((turn, log, tls) => onStage({ certificate, flags: [
      "--turn-url", transport === "tls" ? tls : `${turn.urls}?transport=${transport}`,
      "--turn-secret", SECRET, "--relay-only", "--turn-ttl-seconds", "20",
    ] }, async (stage) => {
      const people = [];
      for (const name of ["Anna Keller", "Dr. Weber"]) {
        people.push(await stage.person(name));
        await people.at(-1).join();
      }
      for (const person of people) {
        await person.receivesMedia();
        await person.page.waitForFunction(() => [...document.querySelectorAll(".person-state")]
          .some((state) => state.textContent === "Connected through a relay"));
      }
      // Each has credentials of their own, which name nobody, and gets new ones in time.
      const users = [...usersOf(log())];
      assert.equal(users.length >= 2, true, log());
      assert.equal(users.some((user) => /anna|weber|keller/i.test(user)), false);
      for (const person of people) await person.logged("in", "ice_servers");
    }), BY_SECRET, certificate)));
}

test("the check says that a relay does not work", { timeout: 60_000 }, () => onStage({},
  async (stage) => {
  const turn = { urls: `turn:127.0.0.1:${await freePort()}`, username: "visit", credential: "no" };
  await withPage(page(stage.server.port, turn), async (site) => {
    const anna = await stage.visitor("Anna", `http://127.0.0.1:${site}/`);
    await anna.page.waitForFunction(() => window.steps);
    const { network, relay } = await anna.page.evaluate(() => window.steps);
    assert.deepEqual([network, relay], ["ok", "warning"]);
  });
}));
