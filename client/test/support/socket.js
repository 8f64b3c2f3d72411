// A WebSocket whose other end is the test.

export class FakeSockets {
  /** All that were opened, in order. */
  all = [];
  constructor() {
    const { all } = this;
    this.WebSocket = class FakeSocket {
      readyState = 0;
      sent = [];
      closed = null;
      /** Whether it answers pings. */
      answers = true;

      constructor(url, protocols) {
        this.url = url;
        this.protocols = protocols;
        all.push(this);
      }

      send(text) {
        const message = JSON.parse(text);
        this.sent.push(message);
        const { type, requestId } = message;
        if (type === "ping" && this.answers) this.say({ type: "pong", serverTime: 1, requestId });
      }

      close(code = 1005, reason = "") {
        this.closed ??= { code, reason };
        this.readyState = 3;
      }

      // --- the other end ---

      async open() {
        this.readyState = 1;
        this.onopen?.({});
        // A token may be asked for before the join goes out.
        for (let turn = 0; turn < 5; turn += 1) await null;
      }

      say(message) {
        this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
      }

      end(code = 1006, reason = "") {
        this.readyState = 3;
        this.onclose?.({ code, reason });
      }

      /** The last message but for pings. */
      get last() {
        return this.sent.findLast(({ type }) => type !== "ping");
      }

      get pings() {
        return this.sent.filter(({ type }) => type === "ping").length;
      }
    };
  }

  get last() {
    return this.all.at(-1);
  }
}

/** A `joined` with these fields. */
export function joined(more = {}) {
  return {
    type: "joined", roomId: "r", peerId: "me", version: 1, peers: [], iceServers: [],
    resumeToken: "seat-1", heartbeatSeconds: 25, resumed: false, role: "guest", ...more,
  };
}
