// useVisit: a visit as React state.
//
//   const { state, visit } = useVisit({ url, token });
//
// The visit is made inside an effect and left by its cleanup. So React's StrictMode, which runs
// every effect twice, makes two visits of which the first has left before the second joins.

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { IDLE, Visit } from "./visit.js";

/** @import { VisitOptions, VisitState } from "./visit-state.js" */

/** @typedef {VisitOptions & { enabled?: boolean }} UseVisitOptions `enabled`: false: not yet */

/**
 * Joins when the component appears, and leaves when it goes. Another `url`, `token`, `room` or
 * `name` is another visit. A `token` function may be written inline: the latest counts.
 *
 * @param {UseVisitOptions} options
 * @returns {{ state: VisitState, visit: Visit | null }}
 */
export function useVisit(options) {
  const { enabled = true, url, token, room, name } = options;
  const latest = useRef(options);
  useEffect(() => { latest.current = options; });
  const [visit, setVisit] = useState(/** @type {Visit | null} */ (null));
  const fixedToken = typeof token === "function" ? "function" : token;

  useEffect(() => {
    if (!enabled) return undefined;
    const { token: source } = latest.current;
    const asked = typeof source !== "function" ? source
      : (/** @type {import("./token.js").TokenReason} */ reason) => {
        const now = latest.current.token;
        return typeof now === "function" ? now(reason) : now;
      };
    const made = new Visit({ ...latest.current, token: asked });
    setVisit(made);
    made.join().catch(() => {}); // its end is in the state
    return () => {
      made.leave();
      setVisit(null);
    };
  }, [enabled, String(url), fixedToken, room, name]);

  const state = useSyncExternalStore(
    (changed) => visit?.subscribe(changed) ?? (() => {}),
    () => visit?.state ?? IDLE,
    () => IDLE,
  );
  return { state, visit };
}

/**
 * A `ref` for a `<video>` that shows this stream.
 *
 * @param {MediaStream | null} stream
 */
export function useStream(stream) {
  const ref = useRef(/** @type {HTMLVideoElement | null} */ (null));
  useEffect(() => {
    const video = ref.current;
    if (video && video.srcObject !== stream) video.srcObject = stream;
  });
  return ref;
}
