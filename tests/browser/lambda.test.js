// The same page over API Gateway, Lambda and DynamoDB: the real functions, behind the gateway of lambda/gateway.

import test from "node:test";
import { startGateway } from "./server.js";
import { onStage, screenshotPath } from "./stage.js";

test("two people complete a visit through the functions", { timeout: 90_000 }, () => onStage({ start: startGateway }, async (stage) => {
  const [anna, weber] = [await stage.person("Anna Keller"), await stage.person("Dr. Weber")];
  await anna.join();
  await weber.join();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
    await person.page.waitForSelector('#health[data-state="online"]');
  }
  await weber.says("Can you hear me?");
  await anna.hears("Dr. Weber", "Can you hear me?");
  await anna.page.screenshot({ path: screenshotPath("visit-lambda") });

  await anna.page.reload(); // a new connection takes her seat, whoever handles the end of the old one
  await anna.inVisit();
  for (const person of [anna, weber]) {
    await person.sees(1);
    await person.receivesMedia();
  }
  await anna.leave();
  await weber.seesPerson("Anna Keller", "left");
}));
