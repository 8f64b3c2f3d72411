/** How long the connection stays open after `leave` at most. */
const LIMIT_MS = 2_000;

/**
 * On API Gateway every message is handled by itself, and so is the end of the connection. If the
 * end were handled before `leave`, the others would wait for this peer until its grace time is
 * over. So the connection stays open until the server says that it has no seat any more.
 *
 * @param {WebSocket} socket
 */
export function closeOnceLeft(socket) {
  const close = () => socket.close(1000, "leave");
  const timer = setTimeout(close, LIMIT_MS);
  const ask = () => socket.send(JSON.stringify({ type: "peers" }));
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(data);
    if (answer.code === "not_joined") close();
    else if (answer.type === "roster") ask();
  };
  socket.onclose = () => clearTimeout(timer);
  ask();
}
