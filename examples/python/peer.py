"""A peer in Python: holds a call with everybody in a visit, on aiortc.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python peer.py ws://localhost:8080/ws --room visit-1 --name Recorder

It sends a test picture and silence, counts what it receives, and answers chat. With visit tokens:
`--token eyJ...` in place of room and name. It prints a line of JSON for everything that happens.
"""

import argparse
import asyncio
import json

import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp


class Peer:
    """This peer in one visit: one connection to the server, and one call to each other peer."""

    def __init__(self, socket):
        self.socket = socket
        self.calls = {}

    async def run(self, join):
        await self.send(type="join", **join)
        async for text in self.socket:
            message = json.loads(text)
            handle = getattr(self, "on_" + message.get("type", "").replace("-", "_"), None)
            if handle:
                await handle(message)

    async def on_joined(self, message):
        say("joined", peerId=message["peerId"])
        for peer in message["peers"]:  # who joined later calls
            call = self.call(peer["peerId"])
            await call.setLocalDescription(await call.createOffer())
            await self.describe(peer["peerId"], call)

    async def on_offer(self, message):
        # Another `call` is another page of that peer.
        call = self.call(message["from"], message.get("call"))
        await call.setRemoteDescription(description(message))
        await call.setLocalDescription(await call.createAnswer())
        await self.describe(message["from"], call)

    async def on_answer(self, message):
        await self.calls[message["from"]].setRemoteDescription(description(message))

    async def on_candidate(self, message):
        found = message["candidate"]
        for one in found if isinstance(found, list) else [found]:
            if one and one.get("candidate"):
                candidate = candidate_from_sdp(one["candidate"].split(":", 1)[1])
                candidate.sdpMid, candidate.sdpMLineIndex = one.get("sdpMid"), one.get("sdpMLineIndex")
                await self.calls[message["from"]].addIceCandidate(candidate)

    async def on_chat(self, message):
        await self.send(type="chat", message=f"I heard: {message['message']}")

    async def on_peer_left(self, message):
        call = self.calls.pop(message["peerId"], None)
        if call:
            await call.close()
        say("left", peerId=message["peerId"])

    async def on_waiting(self, _message):
        say("waiting")

    async def on_error(self, message):
        say("error", code=message["code"])

    def call(self, peer, call_id=None):
        """The call to a peer; another id is a new one."""
        known = self.calls.get(peer)
        if known and call_id in (None, known.call_id):
            return known
        call = self.calls[peer] = RTCPeerConnection()
        call.call_id = call_id
        call.addTrack(AudioStreamTrack())
        call.addTrack(VideoStreamTrack())
        call.on("track", lambda track: asyncio.ensure_future(count(peer, track)))
        call.on("connectionstatechange", lambda: say("call", peerId=peer, state=call.connectionState))
        return call

    async def describe(self, peer, call):
        """Sends our description, with all candidates: aiortc finds them before it answers."""
        own = call.localDescription
        extra = {"call": call.call_id} if call.call_id else {}
        await self.send(type=own.type, to=peer, sdp=own.sdp, **extra)

    async def send(self, **message):
        await self.socket.send(json.dumps(message))


async def count(peer, track):
    """Receives for as long as the other side sends."""
    frames = 0
    try:
        while True:
            await track.recv()
            frames += 1
            if frames in (1, 50):
                say("frames", peerId=peer, kind=track.kind, frames=frames)
    except Exception:  # the end of a track is an exception in aiortc
        pass


def description(message):
    sdp = message["sdp"]
    return RTCSessionDescription(sdp if isinstance(sdp, str) else sdp["sdp"], message["type"])


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--room", default="default")
    parser.add_argument("--name", default="Python")
    parser.add_argument("--token")
    given = parser.parse_args()
    join = {"token": given.token} if given.token else {"roomId": given.room, "displayName": given.name}
    async with websockets.connect(given.server) as socket:
        await Peer(socket).run(join)


if __name__ == "__main__":
    asyncio.run(main())
