// A certificate for this machine, made for one test, and what makes a browser trust it alone.

import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `use` with a certificate, which is gone after it. */
export async function withCertificate(use) {
  const directory = mkdtempSync(join(tmpdir(), "visio-certificate-"));
  try {
    await use(make(directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function make(directory) {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert,
  ], { stdio: "pipe" });
  const { publicKey } = new X509Certificate(readFileSync(cert));
  const pin = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
  return {
    forServer: ["--tls-cert", cert, "--tls-key", key],
    // Everything but this key is refused as ever.
    forBrowser: [`--ignore-certificate-errors-spki-list=${pin}`],
  };
}
