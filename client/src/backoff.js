const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Full jitter over a growing range, so that a thousand clients do not all reconnect at once.
 *
 * @param {number} attempt
 */
export function pause(attempt, random = Math.random) {
  const range = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return range / 4 + random() * range * 0.75;
}
