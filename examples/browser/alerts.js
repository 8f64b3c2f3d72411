// What a doctor notices who looks elsewhere: a sound and a notification when somebody knocks. And
// the screen of everybody stays awake during a visit.

import { element } from "./page.js";
import { strings } from "./strings/index.js";

/** Two short, soft notes. */
const KNOCK = [{ at: 0, hertz: 660 }, { at: 0.18, hertz: 880 }];

/** What somebody hears who tests the sound. */
export const SOUND_TEST = [
  { at: 0, hertz: 523 }, { at: 0.25, hertz: 659 },
  { at: 0.5, hertz: 784 }, { at: 0.75, hertz: 1047 },
];

export function chime(notes = KNOCK, sinkId = "") {
  const context = new AudioContext(sinkId ? { sinkId } : undefined);
  const end = Math.max(...notes.map(({ at }) => at)) + 0.5;
  for (const { at, hertz } of notes) {
    const begin = context.currentTime + at;
    const tone = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.2, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.45);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.5);
  }
  setTimeout(() => context.close(), end * 1000);
}

/** Shows the button that asks for permission, as long as there is something to ask. */
export function offerNotifications() {
  const button = element("notify");
  const show = () => { button.hidden = globalThis.Notification?.permission !== "default"; };
  button.addEventListener("click", async () => {
    await Notification.requestPermission();
    show();
  });
  show();
}

/** No name: a notification lies on the screen for everybody to read. */
export function tellOfKnock() {
  chime();
  if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
  try {
    const about = { body: strings.someoneKnocked, tag: "knock" };
    const notification = new Notification(strings.title, about);
    notification.onclick = () => { focus(); notification.close(); };
  } catch {
    // Chrome on Android allows notifications only to service workers; the sound has to do.
  }
}

/** Keeps the screen awake until `signal` is aborted. */
export async function stayAwake(signal) {
  // In a frame it may be forbidden, and then even asking is an error on the console.
  const allowed = document.featurePolicy?.allowsFeature("screen-wake-lock") ?? true;
  if (!navigator.wakeLock || !allowed) return;
  let lock = null;
  const ask = async () => {
    if (document.hidden || signal.aborted) return;
    try {
      const got = await navigator.wakeLock.request("screen");
      // It may come after the visit is over.
      if (signal.aborted) return void got.release();
      lock = got;
    } catch {
      // A battery that is low says no.
    }
  };
  // The browser takes it away whenever the page is hidden.
  document.addEventListener("visibilitychange", ask, { signal });
  signal.addEventListener("abort", () => lock?.release());
  await ask();
}
