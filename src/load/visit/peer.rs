//! One peer of a visit: its connection, and what it knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::stream::{self, BoxStream, SplitSink};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::reach::{Socket, Wrong};

/// How long a peer may be silent, until the server says.
const HEARTBEAT: Duration = Duration::from_secs(25);

pub(super) struct Peer {
    out: SplitSink<Socket, Message>,
    pub(super) joined_at: Option<Instant>,
    /// The other peers of the visit that it has been told of.
    pub(super) others: BTreeSet<usize>,
    pub(super) heartbeat: Duration,
    pub(super) has_left: bool,
    spoke_at: Instant,
}

impl Peer {
    /// A peer that has not joined yet, and what comes from its connection.
    pub(super) fn new(socket: Socket) -> (Self, BoxStream<'static, Message>) {
        let (out, frames) = socket.split();
        let frames = frames.filter_map(|frame| std::future::ready(frame.ok()));
        let peer = Self {
            out,
            joined_at: None,
            others: BTreeSet::new(),
            heartbeat: HEARTBEAT,
            has_left: false,
            spoke_at: Instant::now(),
        };
        (peer, stream::StreamExt::boxed(frames))
    }

    pub(super) async fn say(&mut self, text: String, patience: Duration) -> Result<(), Wrong> {
        self.spoke_at = Instant::now();
        match timeout(patience, self.out.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ended(None)),
            Err(_) => Err(Wrong::new(
                "A connection takes no more messages.",
                "The server or a proxy does not read. Look at its load.",
            )),
        }
    }

    /// When it must give a sign of life.
    pub(super) fn ping_at(&self) -> Instant {
        self.spoke_at + self.heartbeat
    }

    /// Gives up the seat, if there is one, and closes the connection.
    pub(super) async fn close(&mut self, patience: Duration) {
        if !self.has_left && self.joined_at.is_some() {
            let _ = self.say(json!({"type": "leave"}).to_string(), patience).await;
        }
        self.has_left = true;
        let _ = timeout(patience, self.out.close()).await;
    }
}

/// A connection ended, with this close code.
pub(super) fn ended(code: Option<u16>) -> Wrong {
    let code = code.map(|code| format!(" with {code}")).unwrap_or_default();
    Wrong::new(
        format!("A connection was closed{code}."),
        "The table of close codes in docs/protocol.md says what the code means. Read the log of \
         the server and of each proxy.",
    )
}
