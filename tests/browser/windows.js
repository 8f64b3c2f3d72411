// The windows that people have.

export const WINDOWS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  portrait: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  landscape: { viewport: { width: 844, height: 390 }, isMobile: true, hasTouch: true },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  // Twice as large: half as many pixels for everything.
  zoomed: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  still: { viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" },
};
