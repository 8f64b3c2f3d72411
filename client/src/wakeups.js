/**
 * Moments at which a connection may have died without a word, or a network changed: the page comes
 * back from the background or from the back/forward cache, or the browser says so.
 *
 * @param {{ awake: () => void, offline: () => void, closing: () => void }} tell
 * @param {AbortSignal} signal
 */
export function watchWakeups({ awake, offline, closing }, signal) {
  if (typeof document === "undefined") return;
  const options = { signal };
  const look = () => { if (!document.hidden && navigator.onLine) awake(); };
  addEventListener("online", look, options);
  addEventListener("offline", offline, options);
  addEventListener("pageshow", (event) => { if (event.persisted) look(); }, options);
  addEventListener("pagehide", (event) => { if (!event.persisted) closing(); }, options);
  document.addEventListener("visibilitychange", look, options);
  /** @type {{ connection?: EventTarget }} */
  const { connection } = /** @type {any} */ (navigator);
  connection?.addEventListener("change", look, options);
}
