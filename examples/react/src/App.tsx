// A visit: `?server=wss://HOST/ws&health=https://HOST/health`, and `#token=...` or
// `&room=...&name=...`.

import { useState } from "react";
import type { Me, Person } from "visio-client";
import { useStream, useVisit } from "visio-client/react";
import { VisioHealthIndicator } from "./VisioHealthIndicator";

const query = new URLSearchParams(location.search);
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;

export function App() {
  const [open, setOpen] = useState(false);
  return (
    <main>
      <VisioHealthIndicator url={query.get("health") ?? undefined} />
      {open
        ? <Visit onLeave={() => setOpen(false)} />
        : <button id="join" onClick={() => setOpen(true)}>Join</button>}
    </main>
  );
}

function Visit({ onLeave }: { onLeave: () => void }) {
  const { state, visit } = useVisit({
    url: query.get("server") ?? "ws://localhost:8080/ws",
    token,
    room: query.get("room") ?? undefined,
    name: query.get("name") ?? undefined,
    media: { quality: "low" },
  });
  const { phase, me, people, reason, lobby, connected } = state;
  return (
    <section data-phase={phase}>
      {phase === "waiting" && <p>{lobby?.message ?? "Please wait. You will be let in."}</p>}
      {phase === "ended" && <p>The visit is over: {reason?.code}</p>}
      {phase === "joined" && !connected && <p>Reconnecting…</p>}
      <Picture name="You" stream={me.stream} muted />
      {people.filter((person) => person.state !== "left").map((person) => (
        <Someone key={person.peerId} {...person} />
      ))}
      <Controls
        me={me}
        onMute={() => visit?.mute(me.mic)}
        onCamera={() => visit?.camera(!me.camera)}
      />
      <button id="leave" onClick={onLeave}>Leave</button>
    </section>
  );
}

function Someone({ name, stream, state }: Person) {
  return <Picture name={`${name} (${state})`} stream={stream} />;
}

function Picture({ name, stream, muted = false }: {
  name: string; stream: MediaStream | null; muted?: boolean;
}) {
  return (
    <figure>
      <video ref={useStream(stream)} autoPlay playsInline muted={muted} width={320} />
      <figcaption>{name}</figcaption>
    </figure>
  );
}

function Controls({ me, onMute, onCamera }: { me: Me; onMute: () => void; onCamera: () => void }) {
  return (
    <p>
      <button onClick={onMute}>{me.mic ? "Mute" : "Unmute"}</button>{" "}
      <button onClick={onCamera}>{me.camera ? "Camera off" : "Camera on"}</button>
    </p>
  );
}
