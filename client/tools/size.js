// What a browser loads for a visit: the modules behind src/index.js, as they are and with gzip.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const found = new Map();
visit(new URL("../src/index.js", import.meta.url));
const sizes = [...found.values()];
const sum = (of) => sizes.reduce((total, text) => total + of(text), 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`${sizes.length} modules, ${kilobytes(sum(({ length }) => length))}`);
console.log(`with gzip, each by itself: ${kilobytes(sum((text) => gzipSync(text).length))}`);
console.log(`with gzip, as one file: ${kilobytes(gzipSync(sizes.join("\n")).length)}`);

function visit(url) {
  if (found.has(url.href)) return;
  const text = readFileSync(url, "utf8");
  found.set(url.href, text);
  for (const [, path] of text.matchAll(/^(?:import|export) .*?from "(\.[^"]+)";$/gm)) {
    visit(new URL(path, url));
  }
}
