//! What a peer does with what it hears.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::peer::ended;
use super::{Heard, Visit};
use crate::load::tally::Kind;
use crate::load::venue::name;
use crate::load::verifier::MARK;
use crate::reach::{Wrong, plain};

impl Visit<'_> {
    /// Takes in what came, and answers it. `Err` ends the visit.
    pub(super) async fn hear(&mut self, heard: Heard) -> Result<(), Wrong> {
        let (Heard { at, frame }, now) = (heard, Instant::now());
        match frame {
            Some(Message::Text(text)) => {
                let message = serde_json::from_str(&text).unwrap_or(Value::Null);
                self.take(at, message, now).await
            }
            Some(Message::Close(frame)) if !self.peers[at].has_left => {
                Err(ended(frame.map(|frame| frame.code.into())))
            }
            None if !self.peers[at].has_left => Err(ended(None)),
            _ => Ok(()),
        }
    }

    async fn take(&mut self, at: usize, message: Value, now: Instant) -> Result<(), Wrong> {
        match message["type"].as_str() {
            Some("joined") => self.joined(at, &message, now).await,
            Some(kind @ ("peer_joined" | "peer_left" | "peer_away" | "peer_back" | "roster")) => {
                self.told(at, kind, &message, now);
                Ok(())
            }
            Some("error") => self.refused(at, &message),
            Some("waiting") => Err(Wrong::new(
                "A peer has to wait in the lobby.",
                "This server lets nobody in without a host. Give the load the server's secret.",
            )),
            Some("going_away") => Err(Wrong::new(
                "The server is going away.",
                "It is being stopped or replaced. Try again when that is over.",
            )),
            None if message["connectionId"].is_string() => Err(Wrong::new(
                "The gateway answered, not the server: its function failed.",
                "Read the function's log; on AWS: aws logs tail /aws/lambda/NAME.",
            )),
            Some(_) if !is_relayed(&message) => Ok(()),
            _ => self.relayed(at, message, now).await,
        }
    }

    /// The newcomer calls everybody who is there.
    async fn joined(&mut self, at: usize, message: &Value, now: Instant) -> Result<(), Wrong> {
        if message["roomId"] != self.room.as_str() || message["peerId"] != name(at) {
            self.verifier.faults.misrouted += 1;
        }
        let peer = &mut self.peers[at];
        peer.joined_at = Some(now);
        if let Some(seconds) = message["heartbeatSeconds"].as_u64().filter(|it| *it > 0) {
            peer.heartbeat = Duration::from_secs(seconds);
        }
        let others = self.peers_in(message);
        self.peers[at].others.extend(&others);
        for other in others {
            self.call(at, other, Kind::Offer).await?;
        }
        Ok(())
    }

    /// The peers of this visit that a roster lists.
    fn peers_in(&self, message: &Value) -> Vec<usize> {
        let roster = message["peers"].as_array();
        let ids: Vec<_> = roster.into_iter().flatten().map(|peer| &peer["peerId"]).collect();
        (0..self.peers.len()).filter(|nth| ids.iter().any(|id| **id == name(*nth))).collect()
    }

    fn told(&mut self, at: usize, kind: &str, message: &Value, now: Instant) {
        if message["roomId"] != self.room.as_str() {
            self.verifier.faults.misrouted += 1;
            return;
        }
        let others = self.peers_in(message);
        self.peers[at].others.extend(others);
        let Some(leaving) = self.leaving.as_mut().filter(|_| kind == "peer_left") else { return };
        if message["peerId"] == name(leaving.who) {
            leaving.untold.remove(&at);
        }
        if leaving.untold.is_empty() {
            let took = now.saturating_duration_since(leaving.since);
            self.tally.succeed(Kind::Leave, took);
            self.leaving = None;
        }
    }

    fn refused(&mut self, at: usize, message: &Value) -> Result<(), Wrong> {
        let words = |field: &str| plain(message[field].as_str().unwrap_or_default());
        let code = words("code");
        let why = Wrong::new(
            format!("The server refused a message ({code}): {}.", words("message")),
            advice(&code),
        );
        let request = message["requestId"].as_str();
        for kind in request.map(|it| self.verifier.refuse(at, it)).unwrap_or_default() {
            self.tally.fail(kind);
        }
        match request {
            Some("join") => Err(why),
            _ => {
                self.tally.explain(&why);
                Ok(())
            }
        }
    }

    async fn relayed(&mut self, at: usize, message: Value, now: Instant) -> Result<(), Wrong> {
        match self.verifier.hear(at, message, now) {
            Ok(arrived) => {
                self.tally.succeed(arrived.kind, arrived.took);
                if arrived.kind == Kind::Offer {
                    self.call(at, arrived.from, Kind::Answer).await?;
                }
            }
            Err(Some(kind)) => self.tally.fail(kind),
            Err(None) => {}
        }
        Ok(())
    }
}

/// Whether another peer wrote it. A client ignores types that it does not know.
fn is_relayed(message: &Value) -> bool {
    let kinds = ["offer", "answer", "candidate", "chat", "private_message"];
    kinds.iter().any(|kind| message["type"] == *kind) || !message[MARK].is_null()
}

fn advice(code: &str) -> &'static str {
    match code {
        "unauthorized" => {
            "Give the load the server's own secret, in VISIO_JWT_SECRET or --jwt-secret-file, and \
             its --jwt-audience if it has one."
        }
        "rate_limited" => {
            "Let people think longer (--think), or raise the server's --message-rate and \
             --byte-rate."
        }
        "internal" => "Read the server's log.",
        _ => "The table of codes in docs/protocol.md says what it means.",
    }
}
