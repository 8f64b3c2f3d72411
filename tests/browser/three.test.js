// Three people in one visit: everybody sees two others. This is hard work for the machine, so there
// is only one such test.

import test from "node:test";
import { onStage, screenshotPath } from "./stage.js";

test("three people all see each other, and two stay when one leaves", { timeout: 120_000 },
  () => onStage({}, async (stage) => {
  const people = [];
  for (const name of ["Dr. Weber", "Anna Keller", "Interpreter"]) {
    const person = await stage.person(name);
    await person.join();
    people.push(person);
  }
  for (const person of people) await person.sees(2);
  for (const person of people) await person.receivesMedia(2);
  await people[0].page.screenshot({ path: screenshotPath("three-desktop") });

  const [weber, anna, interpreter] = people;
  await interpreter.leave();
  for (const person of [weber, anna]) {
    await person.seesPerson("Interpreter", "left");
    await person.sees(1);
    await person.receivesMedia();
  }
}));
