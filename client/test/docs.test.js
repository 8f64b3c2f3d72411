// What docs/client.md shows is true: its code is taken from there and run.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Signaling } from "../src/index.js";
import { startServer } from "../../tests/browser/server.js";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const DOCS = read("docs/client.md");
const SECRET = randomBytes(32).toString("hex");
const FOLDER = mkdtempSync(`${tmpdir()}/visio-docs-`);
const CLAIMS = { sub: "anna", room: "visit-1", name: "Anna", role: "host" };

/** The only block of code with this name after its fence. */
function block(language) {
  const found = [...DOCS.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))];
  assert.equal(found.length, 1, `one block of ${language}`);
  return found[0][1];
}

/** Writes a program that ends with `print`, and runs it. */
function run(command, args, name, program) {
  const file = `${FOLDER}/${name}`;
  writeFileSync(file, program);
  const env = { ...process.env, VISIO_JWT_SECRET: SECRET, CLAIMS: JSON.stringify(CLAIMS) };
  return execFileSync(command, [...args, file], { encoding: "utf8", env }).trim();
}

function isThere(command, flag = "--version") {
  try {
    execFileSync(command, [flag], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

let server;
before(async () => { server = await startServer("--jwt-secret", SECRET); });
after(() => server.stop("SIGKILL"));

/** Joins with a token, and answers as whom. */
function joinsAs(token) {
  const signaling = new Signaling({ url: `ws://127.0.0.1:${server.port}/ws`, token });
  return new Promise((resolve, reject) => {
    signaling.on("room", ({ peerId, role }) => { signaling.leave(); resolve({ peerId, role }); });
    signaling.on("ended", reject);
    signaling.connect();
  });
}

const backends = {
  node: () => run("node", [], "mint.mjs", `${block("js node")}
const { VISIO_JWT_SECRET: secret, CLAIMS: claims } = process.env;
console.log(visitToken(secret, JSON.parse(claims)));
`),
  python3: () => run("python3", [], "mint.py", `${block("python")}
import os
print(visit_token(os.environ["VISIO_JWT_SECRET"], json.loads(os.environ["CLAIMS"])))
`),
  go: () => run("go", ["run"], "mint.go", `${block("go").replace('"time"', '"fmt"\n"os"\n"time"')}
func main() {
  claims := map[string]any{}
  if json.Unmarshal([]byte(os.Getenv("CLAIMS")), &claims) != nil { os.Exit(1) }
  token, _ := VisitToken(os.Getenv("VISIO_JWT_SECRET"), claims)
  fmt.Println(token)
}
`),
};

for (const [tool, mint] of Object.entries(backends)) {
  // `go` says its version in another way.
  const missing = !isThere(tool, tool === "go" ? "version" : "--version");
  const skip = missing && `no ${tool} here`;
  test(`a token made as the docs say, in ${tool}`, { skip }, async () => {
    assert.deepEqual(await joinsAs(mint()), { peerId: "anna", role: "host" });
  });
}

test("a token made as the docs say, in Rust", async () => {
  const example = read("examples/mint.rs");
  const [uses, code] = block("rust").split("\n\n");
  for (const part of [uses, code]) assert.ok(example.includes(part), "the docs quote the example");
  const built = fileURLToPath(new URL("../../target/debug/examples/mint", import.meta.url));
  const env = { ...process.env, VISIO_JWT_SECRET: SECRET };
  const claims = JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 60, ...CLAIMS });
  const token = execFileSync(built, [claims], { encoding: "utf8", env });
  assert.deepEqual(await joinsAs(token.trim()), { peerId: "anna", role: "host" });
});
