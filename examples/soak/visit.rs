//! One visit of two, in which anything may happen.

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two rounds of a conversation.
const PAUSE: Duration = Duration::from_millis(250);
const ROUNDS: u64 = 16;

/// What came of a visit.
#[derive(Default, Clone, Copy)]
pub(super) struct Held {
    pub(super) messages: u64,
    pub(super) resumes: u64,
}

/// Holds a visit. Its number decides what goes wrong in it, and when.
pub(super) async fn hold(url: String, nth: u64) -> anyhow::Result<Held> {
    let room = format!("visit-{nth}");
    let mut held = Held::default();
    let mut ada = Peer::join(&url, &room, "ada").await?;
    let mut bob = Peer::join(&url, &room, "bob").await?;
    ada.wait_for("peer_joined").await?;
    let sdp = "x".repeat(3000);
    held.messages += pass(&mut bob, &mut ada, json!({"type": "offer", "sdp": sdp})).await?;
    held.messages += pass(&mut ada, &mut bob, json!({"type": "answer", "sdp": sdp})).await?;
    let what = nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let (fate, when) = (what % 8, what / 8 % ROUNDS);
    for round in 0..ROUNDS {
        sleep(PAUSE).await;
        let candidate = json!({"type": "candidate", "candidate": "candidate:1 1 udp 2122260223"});
        held.messages += pass(&mut ada, &mut bob, candidate.clone()).await?;
        held.messages += pass(&mut bob, &mut ada, candidate).await?;
        held.messages += pass(&mut ada, &mut bob, json!({"type": "chat", "message": sdp})).await?;
        if round != when {
            continue;
        }
        match fate {
            // The connection is cut, and resumed.
            0..3 => {
                bob = bob.resume(&url).await?;
                ada.wait_for("peer_back").await?;
                held.resumes += 1;
            }
            // One vanishes, and what is said to it waits in vain.
            3 => {
                drop(bob);
                ada.wait_for("peer_away").await?;
                ada.send(json!({"type": "chat", "to": "bob", "message": sdp})).await?;
                ada.leave().await?;
                return Ok(held);
            }
            // Both vanish.
            4 => return Ok(held),
            // Another page takes the seat.
            5 => {
                bob = Peer::join(&url, &room, "bob").await?;
                ada.wait_for("peer_joined").await?;
            }
            _ => {}
        }
    }
    bob.leave().await?;
    ada.wait_for("peer_left").await?;
    ada.leave().await?;
    Ok(held)
}

async fn pass(from: &mut Peer, to: &mut Peer, mut message: Value) -> anyhow::Result<u64> {
    let kind = message["type"].as_str().context("a type")?.to_owned();
    message["to"] = to.name.into();
    from.send(message).await?;
    to.wait_for(&kind).await?;
    Ok(1)
}

/// One client.
pub(super) struct Peer {
    name: &'static str,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    token: Value,
    received: u64,
}

impl Peer {
    pub(super) async fn join(url: &str, room: &str, name: &'static str) -> anyhow::Result<Self> {
        let join = json!({"type": "join", "roomId": room, "peerId": name});
        Ok(Self::enter(url, name, join).await?.0)
    }

    /// Hangs up without a word, and comes back.
    async fn resume(self, url: &str) -> anyhow::Result<Self> {
        let Self { name, socket, token, received } = self;
        drop(socket);
        let join = json!({"type": "join", "resumeToken": token, "received": received});
        let (peer, joined) = Self::enter(url, name, join).await?;
        ensure!(joined["resumed"] == true, "not resumed: {joined}");
        Ok(peer)
    }

    async fn enter(url: &str, name: &'static str, join: Value) -> anyhow::Result<(Self, Value)> {
        let (socket, _) = timeout(PATIENCE, connect_async(url)).await??;
        let mut peer = Self { name, socket, token: Value::Null, received: 0 };
        peer.send(join).await?;
        let joined = peer.wait_for("joined").await?;
        (peer.token, peer.received) = (joined["resumeToken"].clone(), 0);
        Ok((peer, joined))
    }

    pub(super) async fn send(&mut self, message: Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// The next message of this type, whatever comes before it.
    pub(super) async fn wait_for(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await;
            let frame = frame.with_context(|| format!("{}: no {kind} came", self.name))?;
            let Message::Text(text) = frame.context("the server hung up")?? else { continue };
            self.received += 1;
            let message: Value = serde_json::from_str(&text)?;
            ensure!(message["type"] != "error", "expected {kind}, got {message}");
            if message["type"] == kind {
                return Ok(message);
            }
        }
    }

    pub(super) async fn leave(mut self) -> anyhow::Result<()> {
        self.send(json!({"type": "leave"})).await?;
        self.socket.close(None).await?;
        while let Some(Ok(_)) = timeout(PATIENCE, self.socket.next()).await? {}
        Ok(())
    }
}
