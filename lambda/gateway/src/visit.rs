//! A visit of two peers that can be priced: half an hour by the gateway's clock, with ten ICE
//! candidates from each side.
//!
//! The peers send what browsers send, and wait for every message that must follow. Otherwise they
//! only send a `ping` every nine minutes, because API Gateway closes a connection after ten minutes
//! without a message.

use std::fmt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use visio_signaling::core::Grant;
use visio_signaling::token::mint;
use visio_signaling::wire::{FromText, PeerId, Role, RoomId, Timestamp};

use crate::clock::millis;
use crate::{Bill, Gateway};

/// The length of the visit. It is a little less than half an hour, so that even a slow machine does
/// not start another minute.
const LENGTH: Duration = Duration::from_secs(30 * 60 - 20);
const SILENCE: Duration = Duration::from_secs(9 * 60);
const SDP_BYTES: usize = 2500;
const CANDIDATES: usize = 10;
/// How long to wait for a message. A function that works is faster.
const PATIENCE: Duration = Duration::from_secs(20);

/// How candidates are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// Each in its own message, as a browser finds them.
    OneByOne,
    /// In three messages from each side, each with a list.
    Lists,
}

/// Whether connections last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drops {
    /// They do.
    None,
    /// Each peer loses its connection once, and resumes its seat.
    OneEach,
}

/// Why a visit could not be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Interrupted {
    /// The socket failed.
    #[error("a socket failed")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// A different message arrived, or none.
    #[error("expected `{expected}`, got {got}")]
    Unexpected {
        /// A message type.
        expected: &'static str,
        /// A message type or an error code.
        got: String,
    },
}

/// Plays a visit, with visit tokens signed with `secret`. Without a secret the functions must be in
/// open mode. Returns its bill, which includes everything else the gateway does meanwhile.
pub async fn play(
    gateway: &Gateway,
    batching: Batching,
    drops: Drops,
    secret: Option<&str>,
) -> Result<Bill, Interrupted> {
    let before = gateway.bill();
    let begun = gateway.clock().now();
    let room = format!("visit-{begun}");
    let mut ada = Peer::join(gateway, &room, "ada", secret).await?;
    let mut bob = Peer::join(gateway, &room, "bob", secret).await?;
    ada.expect("peer_joined").await?;
    // The peer that joined later makes the offer.
    bob.tell(&mut ada, sdp("offer")).await?;
    ada.tell(&mut bob, sdp("answer")).await?;
    for message in candidates(batching) {
        bob.tell(&mut ada, message.clone()).await?;
        ada.tell(&mut bob, message).await?;
    }
    if drops == Drops::OneEach {
        ada = ada.resume(gateway, &mut bob).await?;
        bob = bob.resume(gateway, &mut ada).await?;
    }
    let end = begun + millis(LENGTH);
    loop {
        let left = Duration::from_millis(end.saturating_sub(gateway.clock().now()));
        gateway.clock().advance(left.min(SILENCE)).await;
        if left <= SILENCE {
            break;
        }
        ada.ping().await?;
        bob.ping().await?;
    }
    ada.close().await?;
    bob.expect("peer_away").await?;
    bob.close().await?;
    gateway.settle().await;
    Ok(gateway.bill().since(&before))
}

/// Bills side by side.
#[derive(Debug)]
pub struct Comparison<'a>(pub &'a [(&'a str, &'a Bill)]);

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bills = self.0.iter().map(|(_, bill)| bill);
        let rows: Vec<_> = bills.clone().map(|bill| bill.rows()).collect();
        let names = rows.first().into_iter().flatten().map(|row| row.name);
        write!(f, "{:<20}", "")?;
        self.0.iter().try_for_each(|(title, _)| write!(f, "{title:>24}"))?;
        write!(f, "\n{:<20}", "")?;
        self.0.iter().try_for_each(|_| write!(f, "{:>10}{:>14}", "used", "$ per million"))?;
        for (nth, name) in names.enumerate() {
            write!(f, "\n{name:<20}")?;
            for row in rows.iter().map(|rows| &rows[nth]) {
                write!(f, "{:>10}{:>14.2}", row.amount(), row.dollars() * 1e6)?;
            }
        }
        write!(f, "\n{:<20}", "total")?;
        bills.clone().try_for_each(|bill| write!(f, "{:>10}{:>14.2}", "", bill.per_million()))
    }
}

/// One of the two peers.
struct Peer {
    name: &'static str,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Resumes its seat.
    token: Value,
}

impl Peer {
    async fn join(
        gateway: &Gateway,
        room: &str,
        name: &'static str,
        secret: Option<&str>,
    ) -> Result<Self, Interrupted> {
        let mut handshake = gateway.websocket_url().into_client_request().map_err(failed)?;
        let token = secret.and_then(|secret| token(secret, room, name, gateway.clock().now()));
        let protocols = token.and_then(|token| format!("visio, bearer.{token}").parse().ok());
        let protocols = protocols.map(|protocols| (SEC_WEBSOCKET_PROTOCOL, protocols));
        handshake.headers_mut().extend(protocols);
        let display = format!("Dr {name}");
        let join = json!({"type": "join", "roomId": room, "peerId": name, "displayName": display});
        Self::seated(name, handshake, join).await
    }

    async fn seated(
        name: &'static str,
        handshake: Request,
        join: Value,
    ) -> Result<Self, Interrupted> {
        let (socket, _) = connect_async(handshake).await.map_err(failed)?;
        let mut peer = Self { name, socket, token: Value::Null };
        peer.send(join).await?;
        let mut joined = peer.expect("joined").await?;
        peer.token = joined["resumeToken"].take();
        Ok(peer)
    }

    /// Loses its connection, and comes back on another one.
    async fn resume(self, gateway: &Gateway, other: &mut Self) -> Result<Self, Interrupted> {
        let (name, token) = (self.name, self.token);
        drop(self.socket);
        other.expect("peer_away").await?;
        let handshake = gateway.websocket_url().into_client_request().map_err(failed)?;
        let join = json!({"type": "join", "resumeToken": token, "received": 0});
        let back = Self::seated(name, handshake, join).await?;
        other.expect("peer_back").await?;
        Ok(back)
    }

    /// Sends a message to the other peer, and waits until it arrives.
    async fn tell(&mut self, other: &mut Self, mut message: Value) -> Result<(), Interrupted> {
        let expected = match message["type"].as_str() {
            Some("offer") => "offer",
            Some("answer") => "answer",
            _ => "candidate",
        };
        message["to"] = json!(other.name);
        self.send(message).await?;
        other.expect(expected).await.map(drop)
    }

    async fn ping(&mut self) -> Result<(), Interrupted> {
        self.send(json!({"type": "ping"})).await?;
        self.expect("pong").await.map(drop)
    }

    async fn send(&mut self, message: Value) -> Result<(), Interrupted> {
        self.socket.send(Message::text(message.to_string())).await.map_err(failed)
    }

    async fn expect(&mut self, expected: &'static str) -> Result<Value, Interrupted> {
        let unexpected = |got: &str| Interrupted::Unexpected { expected, got: got.to_owned() };
        let came =
            timeout(PATIENCE, self.socket.next()).await.map_err(|_| unexpected("nothing"))?;
        let came = came.ok_or_else(|| unexpected("the end"))?.map_err(failed)?;
        let text = came.to_text().map_err(failed)?;
        let came: Value = serde_json::from_str(text).map_err(|_| unexpected("no JSON"))?;
        // It may be an error from the function, or an error frame from the gateway.
        let told = ["code", "type", "message"].iter().find_map(|field| came[*field].as_str());
        let told = told.unwrap_or_default();
        if came["type"] == expected { Ok(came) } else { Err(unexpected(told)) }
    }

    async fn close(mut self) -> Result<(), Interrupted> {
        self.socket.close(None).await.map_err(failed)?;
        while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.socket.next()).await {}
        Ok(())
    }
}

/// A guest's token for the handshake, which is where the page sends it.
fn token(secret: &str, room: &str, name: &str, now: u64) -> Option<String> {
    let grant = Grant {
        subject: PeerId::parse(name)?,
        room: RoomId::parse(room)?,
        role: Role::Guest,
        name: None,
        relay_only: false,
        lobby: false,
        capacity: None,
        expires_at: Timestamp(now + 2 * millis(LENGTH)),
        visit_end: None,
        readmitted_at: None,
    };
    mint(secret, &grant, None).ok().map(|token| token.expose().to_owned())
}

fn sdp(kind: &str) -> Value {
    const LINE: &str = "a=rtpmap:96 VP8/90000\r\n";
    // In JSON the end of a line takes two more bytes.
    json!({"type": kind, "sdp": LINE.repeat(SDP_BYTES / (LINE.len() + 2))})
}

/// The ICE candidates of one side.
fn candidates(batching: Batching) -> Vec<Value> {
    let found = (0..CANDIDATES).map(|number| {
        let line = format!(
            "candidate:842163049{number} 1 udp 1677729535 203.0.113.{number} 4915{number} \
             typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag 4ZcD network-cost 999"
        );
        json!({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})
    });
    let found: Vec<Value> = found.collect();
    let message = |candidate: Value| json!({"type": "candidate", "candidate": candidate});
    match batching {
        Batching::OneByOne => found.into_iter().map(message).collect(),
        Batching::Lists => {
            found.chunks(CANDIDATES.div_ceil(3)).map(|list| message(json!(list))).collect()
        }
    }
}

fn failed(error: tokio_tungstenite::tungstenite::Error) -> Interrupted {
    Interrupted::Socket(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_usual_sizes() {
        assert!((2450..2600).contains(&sdp("offer").to_string().len()));
        let single = candidates(Batching::OneByOne);
        assert_eq!(single.len(), 10);
        assert!(single.iter().all(|message| (170..260).contains(&message.to_string().len())));
        let lists = candidates(Batching::Lists);
        let counts = lists.iter().map(|message| message["candidate"].as_array().unwrap().len());
        assert_eq!(counts.collect::<Vec<_>>(), [4, 4, 2]);
    }

    #[test]
    fn two_bills_are_printed_side_by_side() {
        let (one, other) = (
            Bill { messages_in: 30, ..Bill::default() },
            Bill { messages_in: 16, ..Bill::default() },
        );
        let text = Comparison(&[("one by one", &one), ("in lists", &other)]).to_string();
        let row = "messages in                 30         30.00        16         16.00";
        assert!(text.contains(row), "{text}");
        assert!(text.ends_with("         30.00                   16.00"), "{text}");
    }
}
