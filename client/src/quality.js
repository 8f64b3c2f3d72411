// How good a call is, from what the browser counts.

/**
 * @typedef {object} QualityFields
 * @property {"good" | "fair" | "poor"} level
 * @property {number | null} roundTripMs
 * @property {number} lost  the share of packets that did not arrive, 0 to 1
 * @property {boolean} relayed  through a TURN server
 */

/** @typedef {Readonly<QualityFields>} Quality */

/** How often the calls are looked at. */
const EVERY_MS = 2_500;

/** @typedef {{ received: number, lost: number }} Counted */

const FAIR = { roundTripMs: 250, lost: 0.03 };
const POOR = { roundTripMs: 500, lost: 0.1 };

/**
 * The quality since the last time, and what to pass in the next time.
 *
 * @param {Iterable<any>} reports  the values of an `RTCStatsReport`
 * @param {Counted} before
 * @returns {{ quality: Quality, counted: Counted }}
 */
export function judge(reports, before = { received: 0, lost: 0 }) {
  const all = [...reports];
  const byId = new Map(all.map((one) => [one.id, one]));
  const counted = { received: 0, lost: 0 };
  for (const { type, packetsReceived = 0, packetsLost = 0 } of all) {
    if (type !== "inbound-rtp") continue;
    counted.received += packetsReceived;
    counted.lost += Math.max(0, packetsLost);
  }
  const arrived = Math.max(0, counted.received - before.received);
  const missing = Math.max(0, counted.lost - before.lost);
  const lost = arrived + missing > 0 ? missing / (arrived + missing) : 0;
  const pair = chosenPair(all, byId);
  const roundTripMs = pair?.currentRoundTripTime === undefined
    ? null : Math.round(pair.currentRoundTripTime * 1000);
  const ends = [byId.get(pair?.localCandidateId), byId.get(pair?.remoteCandidateId)];
  const relayed = ends.some((end) => end?.candidateType === "relay");
  const quality = Object.freeze({ level: levelOf(roundTripMs, lost), roundTripMs, lost, relayed });
  return { quality, counted };
}

/** @param {any[]} all @param {Map<string, any>} byId */
function chosenPair(all, byId) {
  const transport = all.find(({ type, selectedCandidatePairId }) => (
    type === "transport" && selectedCandidatePairId));
  if (transport) return byId.get(transport.selectedCandidatePairId);
  // Firefox has no transport report.
  return all.find(({ type, selected }) => type === "candidate-pair" && selected);
}

/** @param {number | null} roundTripMs @param {number} lost @returns {Quality["level"]} */
function levelOf(roundTripMs, lost) {
  const time = roundTripMs ?? 0;
  if (time > POOR.roundTripMs || lost > POOR.lost) return "poor";
  return time > FAIR.roundTripMs || lost > FAIR.lost ? "fair" : "good";
}

/**
 * The worst of these levels, or null if there are none.
 *
 * @param {readonly (Quality | null)[]} qualities
 * @returns {Quality["level"] | null}
 */
export function worst(qualities) {
  const levels = qualities.flatMap((quality) => quality?.level ?? []);
  const order = /** @type {const} */ (["poor", "fair", "good"]);
  return order.find((one) => levels.includes(one)) ?? null;
}

/** Looks at the calls of everybody, again and again, and notes how good they are. */
export class QualityWatch {
  #everybody;
  #changed;
  /** @type {WeakMap<object, Counted>} by the call */
  #counted = new WeakMap();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => import("./person.js").Contact[]} everybody
   * @param {() => void} changed
   */
  constructor(everybody, changed) {
    this.#everybody = everybody;
    this.#changed = changed;
    this.#wait();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait() {
    this.#timer = setTimeout(async () => {
      await Promise.all(this.#everybody().map((contact) => this.#look(contact)));
      if (this.#timer !== undefined) this.#wait();
    }, EVERY_MS);
  }

  /** @param {import("./person.js").Contact} contact */
  async #look(contact) {
    const { call, quality: before } = contact;
    if (call?.state !== "connected") return;
    const { quality, counted } = judge((await call.getStats()).values(), this.#counted.get(call));
    this.#counted.set(call, counted);
    contact.quality = quality;
    if (before?.level !== quality.level || before.relayed !== quality.relayed) this.#changed();
  }
}
