// The visit token, asked for whenever a new one is needed.

/**
 * Why a token is needed: to join, to stay longer than the last one allows, or because the server
 * refused the last one.
 *
 * @typedef {"join" | "renew" | "refused"} TokenReason
 */

/** @typedef {string | null | undefined} Token */

/** @typedef {Token | ((reason: TokenReason) => Token | Promise<Token>)} TokenSource */

/** A token that ends this soon is not worth showing. */
const MARGIN_MS = 30_000;

export class Tokens {
  #source;
  /** @type {Token} */
  #last;
  #refused = false;

  /** @param {TokenSource} source */
  constructor(source) {
    this.#source = source;
  }

  /** Whether asking again can bring another one. */
  get renewable() {
    return typeof this.#source === "function";
  }

  /** A token to join with. */
  async current() {
    if (typeof this.#source !== "function") return this.#source;
    if (this.#refused) return this.fresh("refused");
    if (this.#last && !endsSoon(this.#last)) return this.#last;
    return this.fresh("join");
  }

  /** The server refused the last one. False: no other one can be had. */
  refused() {
    const hope = this.renewable && !this.#refused;
    this.#refused = true;
    return hope;
  }

  accepted() {
    this.#refused = false;
  }

  /** @param {TokenReason} reason */
  async fresh(reason) {
    this.#last = typeof this.#source === "function" ? await this.#source(reason) : this.#source;
    return this.#last;
  }
}

/**
 * The claims of a JSON Web Token, or none if it is something else. Only the server can check them.
 *
 * @param {string} token
 * @returns {{ readonly [claim: string]: unknown }}
 */
export function claimsOf(token) {
  try {
    const base64 = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** @param {string} token */
function endsSoon(token) {
  const { exp } = claimsOf(token);
  return typeof exp === "number" && exp * 1000 - Date.now() < MARGIN_MS;
}
