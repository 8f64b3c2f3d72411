// What a strict TypeScript app does with the package; it has only to compile.

import { Code, Signaling, TabIdentity, VisioError, Visit, checkConnection, joinVisit } from "visio-client";
import type { ChatLine, Person, ServerMessage, VisitState } from "visio-client";
import { useStream, useVisit } from "visio-client/react";
import "visio-client/element";

export async function threeLines(token: string): Promise<void> {
  const visit: Visit = await joinVisit({ url: "/ws", token });
  const stop: () => void = visit.subscribe((state: VisitState) => draw(state.people));
  visit.on("chat", (line: ChatLine) => console.log(line.text.length));
  // @ts-expect-error: there is no such event
  visit.on("chatt", () => {});
  // @ts-expect-error: a state never changes
  visit.state.phase = "ended";
  // @ts-expect-error: the protocol has no such message
  visit.send({ type: "chatt" });
  visit.send({ type: "signal", to: "ada", hand: "raised" });
  stop();
}

function draw(people: readonly Person[]): void {
  for (const { name, stream, quality } of people) console.log(name, stream?.id, quality?.level);
}

export function why(error: unknown): string {
  if (!(error instanceof VisioError)) return "a bug";
  switch (error.code) {
    case Code.Removed: return error.reason ?? "removed";
    case "room_full": return "full";
    default: return error.code;
  }
}

export async function alone(token: () => Promise<string>): Promise<void> {
  const signaling = new Signaling({ url: "wss://visio.example.org/ws", token });
  signaling.on("message", (message: ServerMessage) => {
    if (message.type === "chat") console.log(message.from);
  });
  const { status }: { status: string } = (await checkConnection("/ws").next()).value!;
  console.log(status, new TabIdentity().peerId);
}

export function Room({ token, name }: { token: string; name?: string | undefined }) {
  const { state, visit } = useVisit({ url: "/ws", token, name });
  const ref = useStream(state.people[0]?.stream ?? null);
  return <video ref={ref} onClick={() => visit?.mute()} />;
}
