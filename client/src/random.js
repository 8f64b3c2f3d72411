/**
 * `length` characters that nobody can guess: in open mode, anybody who knows a peer id can take its
 * seat.
 *
 * @param {number} length
 */
export function randomId(length) {
  const alphabet = "abcdefghijkmnopqrstuvwxyz234567890"; // no l and 1, they look alike
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}
