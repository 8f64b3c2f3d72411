// VisioHealthIndicator: a small light for a navbar that shows whether video visits work right now.
//
//   import { VisioHealthIndicator } from "./VisioHealthIndicator";
//   <VisioHealthIndicator />                     // in Next: NEXT_PUBLIC_VISIO_HEALTH_URL
//   <VisioHealthIndicator url={import.meta.env.VITE_VISIO_HEALTH_URL} />               // in Vite
//   <VisioHealthIndicator url="https://visio.example.org/health" className="ml-4" />
//
// Copy this one file; it needs React 18 or newer and nothing else. With no URL it renders nothing.
// It asks every 30 seconds, and pauses while the tab is hidden. It understands both vocabularies of
// the health answer: `OK | DEGRADED | DOWN` with checks `operational | degraded | down |
// not_configured`, and `healthy | unhealthy` with checks `ok | error`.
//
// The look is inline and small; `data-state` and `className` are there to replace it.

"use client";

import { useEffect, useState } from "react";
import type { CSSProperties } from "react";

declare const process: { env: { NEXT_PUBLIC_VISIO_HEALTH_URL?: string } };

type State = "checking" | "online" | "degraded" | "offline";

interface Health {
  state: State;
  /** The names of the checks that fail. */
  troubled: string[];
}

interface Answer {
  status?: string;
  checks?: Record<string, string>;
}

const LIMIT_MS = 8_000;
const CHECKING: Health = { state: "checking", troubled: [] };
const OFFLINE: Health = { state: "offline", troubled: [] };
const FINE = ["operational", "ok", "not_configured"];

const LABELS: Record<State, string> = {
  checking: "Visio: checking",
  online: "Visio: online",
  degraded: "Visio: degraded",
  offline: "Visio: offline",
};

const COLORS: Record<State, string> = {
  checking: "#6f8790",
  online: "#1f9d5b",
  degraded: "#d98300",
  offline: "#d13a30",
};

export interface VisioHealthIndicatorProps {
  url?: string | undefined;
  everyMs?: number | undefined;
  className?: string | undefined;
}

export function VisioHealthIndicator({
  url = urlOfNext(),
  everyMs = 30_000,
  className,
}: VisioHealthIndicatorProps) {
  const { state, troubled } = useVisioHealth(url, everyMs);
  if (!url) return null;
  const names = troubled.join(", ");
  const title = names ? `Not working as it should: ${names}` : undefined;
  return (
    <span role="status" data-state={state} title={title} className={className} style={ROW}>
      <span aria-hidden="true" style={{ ...LIGHT, backgroundColor: COLORS[state] }} />
      {LABELS[state]}
    </span>
  );
}

/** Next writes the value in here when it builds; elsewhere there is no `process`. */
function urlOfNext(): string | undefined {
  try {
    return process.env.NEXT_PUBLIC_VISIO_HEALTH_URL;
  } catch {
    return undefined;
  }
}

/** The health at `url`, refreshed every `everyMs` while the page is visible. */
export function useVisioHealth(url: string | undefined, everyMs: number): Health {
  const [health, setHealth] = useState<Health>(CHECKING);

  useEffect(() => {
    setHealth(CHECKING);
    if (!url) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = new AbortController();

    // A cancelled request is no longer the current one, so its answer does not count.
    const rest = () => {
      clearTimeout(timer);
      asking.abort();
      asking = new AbortController();
    };
    const check = async () => {
      rest();
      const own = asking;
      const answer = await readHealth(url, own);
      if (own !== asking) return;
      setHealth(answer);
      timer = setTimeout(check, everyMs);
    };
    const look = () => (document.hidden ? rest() : void check());

    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      rest();
    };
  }, [url, everyMs]);

  return health;
}

/** Asks once, and never rejects: no answer in time is "offline". */
async function readHealth(url: string, asking: AbortController): Promise<Health> {
  const limit = setTimeout(() => asking.abort(), LIMIT_MS);
  try {
    const response = await fetch(url, { cache: "no-store", signal: asking.signal });
    return judge(await response.json());
  } catch {
    return OFFLINE;
  } finally {
    clearTimeout(limit);
  }
}

function judge({ status, checks = {} }: Answer): Health {
  const troubled = Object.keys(checks).filter((name) => !FINE.includes(checks[name] ?? ""));
  if (status === "DEGRADED") return { state: "degraded", troubled };
  if (status !== "OK" && status !== "healthy") return { state: "offline", troubled };
  return { state: troubled.length > 0 ? "degraded" : "online", troubled };
}

const ROW: CSSProperties = {
  display: "inline-flex", alignItems: "center", gap: 8, fontSize: 14, whiteSpace: "nowrap",
};
const LIGHT: CSSProperties = { width: 10, height: 10, borderRadius: "50%" };
