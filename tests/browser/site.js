// Other people's web sites, each at an address of its own.

import { once } from "node:events";
import { createServer } from "node:http";

/** Serves `html` at `/` while `play` runs. */
export function withPage(html, play) {
  const kind = "text/html; charset=utf-8";
  return withSite((path) => (path === "" ? { kind, content: String(html) } : null), play);
}

/** Serves what `find` answers for a path, `{kind, content}` or null, while `play` runs. */
export async function withSite(find, play) {
  const server = createServer((request, response) => {
    const found = find(new URL(request.url, "http://site").pathname.slice(1));
    // An icon that nobody has is not an error.
    response.writeHead(found ? 200 : 204, found ? { "content-type": found.kind } : {});
    response.end(found?.content);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await play(server.address().port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
