/**
 * Moments at which a connection may have died without a word, or a network changed: the page comes
 * back from the background or from the back/forward cache, or the browser says so.
 *
 * Before that a page is `closing`, and then, if the browser wants to keep it, `frozen`. It may
 * throw it away all the same: Chromium does so with a page in a call, and says `persisted` before.
 *
 * @param {Record<"awake" | "offline" | "frozen" | "closing", () => void>} tell
 * @param {AbortSignal} signal
 */
export function watchWakeups({ awake, offline, frozen, closing }, signal) {
  if (typeof document === "undefined") return;
  const options = { signal };
  const look = () => { if (!document.hidden && navigator.onLine) awake(); };
  addEventListener("online", look, options);
  addEventListener("offline", offline, options);
  addEventListener("pageshow", (event) => { if (event.persisted) look(); }, options);
  addEventListener("pagehide", ({ persisted }) => {
    closing();
    if (persisted) frozen();
  }, options);
  document.addEventListener("visibilitychange", look, options);
  /** @type {{ connection?: EventTarget }} */
  const { connection } = /** @type {any} */ (navigator);
  connection?.addEventListener("change", look, options);
}
