import assert from "node:assert/strict";
import test from "node:test";
import { Emitter } from "../src/events.js";

test("a listener stops when told, and when its signal is aborted", () => {
  const emitter = new Emitter();
  const heard = [];
  const controller = new AbortController();
  const stop = emitter.on("word", (word) => heard.push(`a ${word}`));
  emitter.on("word", (word) => heard.push(`b ${word}`), { signal: controller.signal });
  emitter.emit("word", 1);
  stop();
  emitter.emit("word", 2);
  controller.abort();
  emitter.emit("word", 3);
  emitter.on("word", () => heard.push("too late"), { signal: controller.signal });
  emitter.emit("word", 4);
  assert.deepEqual(heard, ["a 1", "b 1", "b 2"]);
});

test("a listener that fails keeps no other from hearing, and is reported", (t) => {
  const reported = [];
  t.mock.method(globalThis, "queueMicrotask", (report) => {
    assert.throws(report, (error) => { reported.push(error.message); return true; });
  });
  const emitter = new Emitter();
  const heard = [];
  emitter.on("word", () => { throw new Error("mine"); });
  emitter.on("word", (word) => heard.push(word));
  emitter.emit("word", 1);
  assert.deepEqual([heard, reported], [[1], ["mine"]]);
});
