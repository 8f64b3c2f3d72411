"""Opens WebSockets through Caddy that claim to come from different addresses.

The server allows two for one address. It must count them all as one client's.
"""

import socket
import ssl
import sys

port, authority = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=authority)


def opened(claim):
    """The status of a handshake, and its socket, which stays open."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    stream = context.wrap_socket(raw, server_hostname="localhost")
    stream.sendall(
        f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"X-Forwarded-For: {claim}\r\n\r\n".encode()
    )
    return stream.recv(4096).split(b" ")[1], stream


answers = [opened(f"192.0.2.{number}") for number in range(1, 4)]
statuses = [status for status, _ in answers]
assert statuses == [b"101", b"101", b"503"], statuses
