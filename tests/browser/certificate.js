// A certificate for this machine, made for one test, and the settings that make a browser trust
// only it.

import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `use` with a certificate, and deletes the certificate afterwards. */
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
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-keyout", key, "-out", cert,
  ], { stdio: "pipe" });
  const { publicKey } = new X509Certificate(readFileSync(cert));
  const pin = createHash("sha256").update(
    publicKey.export({ type: "spki", format: "der" }),
  ).digest("base64");
  return {
    cert,
    key,
    forServer: ["--tls-cert", cert, "--tls-key", key],
    // The browser refuses every other key as usual.
    forBrowser: [`--ignore-certificate-errors-spki-list=${pin}`],
  };
}
