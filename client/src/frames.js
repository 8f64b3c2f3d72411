// Frames: what goes over the socket, as text and as messages.

/** @param {string} text @returns {any} null: it is not JSON */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @typedef {{ direction: "in" | "out", message: any, bytes: number }} Frame */

/**
 * A frame, for a log. Anybody who holds a token can act for its owner, so tokens are left out.
 *
 * @param {"in" | "out"} direction @param {any} message @param {string} text
 * @returns {Frame}
 */
export function frameOf(direction, message, text) {
  const logged = { ...message };
  for (const key of ["token", "resumeToken"]) if (key in logged) logged[key] = "(left out)";
  return { direction, message: logged, bytes: new TextEncoder().encode(text).length };
}

/**
 * `fields` without those that are undefined.
 *
 * @template {object} T
 * @param {T} fields
 * @returns {{ [Field in keyof T]?: Exclude<T[Field], undefined> }}
 */
export function withoutAbsent(fields) {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return /** @type {any} */ (Object.fromEntries(there));
}
