/**
 * Calls `show` with the loudness, 0 to 1, ten times a second. Returns the function that stops it.
 *
 * @param {MediaStreamTrack} track
 * @param {(loudness: number) => void} show
 */
export function watchLevel(track, show) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  // An interrupted context, as during a phone call, must not be woken.
  const wake = () => { if (context.state === "suspended") void context.resume(); };
  addEventListener("pointerdown", wake, { once: true });
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
    show(track.enabled ? Math.min(1, loudness * 5) : 0);
  }, 100);
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    void context.close();
  };
}
