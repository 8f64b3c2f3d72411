//! The honest check: two throw-away peers hold a visit through the public way in.
//!
//! They come in as everybody does, join, exchange an offer and an answer, and leave. Nothing else
//! proves at once that the listener or the gateway, the core and whatever keeps the rooms work.
//!
//! It assumes no order but the one that a visit has by itself: each message is sent when the one
//! before it has arrived, and what arrives besides is passed over, so that it holds behind API
//! Gateway too, where messages may cross. It asks no more than the offer of what it sends: media
//! does not pass through this service, so an intact description is all that there is to see.
//!
//! How connections are made, with or without TLS, is the runtime's business ([`Dial`]).

use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub use tokio_tungstenite::tungstenite::http::Uri;

use crate::health::{Check, Report};
use crate::wire::{FromText, PeerId, RoomId, Timestamp, Token};

/// What the names of the throw-away rooms begin with, for whoever reads them where the check has no
/// [pass](super::pass) and its visits are like any other.
const ROOM: &str = "health-check~";
/// How long the end of a connection may take.
const GOODBYE: Duration = Duration::from_millis(500);

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

/// The way in that clients take.
#[derive(Debug, Clone)]
pub struct Entrance<D> {
    request: Request,
    dial: D,
}

/// How connections are made, and what opens the door.
pub trait Dial: Send + Sync {
    /// A connection to the host and port of a `ws:` or `wss:` address.
    fn dial(&self, to: &Uri) -> impl Future<Output = io::Result<Box<dyn Stream>>> + Send;

    /// The token that a peer of the visit brings along, where one is needed.
    fn token(&self, _room: &RoomId, _peer: &PeerId) -> Option<Token> {
        None
    }
}

/// A connection, with TLS or without.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connections in the clear, and no others.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl Dial for Plain {
    async fn dial(&self, to: &Uri) -> io::Result<Box<dyn Stream>> {
        if to.scheme_str() != Some("ws") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Box::new(connect(to).await?))
    }
}

/// The connection below TLS.
pub async fn connect(to: &Uri) -> io::Result<TcpStream> {
    let usual = if to.scheme_str() == Some("ws") { 80 } else { 443 };
    let port = to.port_u16().unwrap_or(usual);
    let stream = TcpStream::connect(format!("{}:{port}", to.host().unwrap_or_default())).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Which sections of the offer arrived as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// What a microphone would have been described by.
    pub audio: bool,
    /// What a camera would have been described by.
    pub video: bool,
}

/// Why the visit did not take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Visits that are under way are not touched by this.
    #[error("the service's own limits do not let in a visit of two")]
    Crowded,
    /// Nobody can visit.
    #[error("{0}")]
    Broken(&'static str),
}

impl<D: Dial> Entrance<D> {
    /// The way in at `url`, if that is a `ws:` or `wss:` address.
    pub fn new(url: &str, dial: D) -> Option<Self> {
        let request = url.into_client_request().ok()?;
        let known = matches!(request.uri().scheme_str(), Some("ws" | "wss"));
        known.then_some(Self { request, dial })
    }

    /// A whole visit, which may take as long as `patience`.
    pub async fn visit(&self, patience: Duration) -> Result<Arrived, Failure> {
        let visit = timeout(patience, visit(self)).await;
        visit.unwrap_or(Err(Failure::Broken("it took too long")))
    }

    /// Opened for one.
    async fn open(&self) -> Result<WebSocketStream<Box<dyn Stream>>, Failure> {
        let stream = self.dial.dial(self.request.uri()).await;
        let stream = stream.map_err(|_| Failure::Broken("the listener is not reached"))?;
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let opened = client_async_with_config(self.request.clone(), stream, Some(config)).await;
        opened.map(|(socket, _)| socket).map_err(|error| match error {
            WsError::Http(answer) if matches!(answer.status().as_u16(), 429 | 503) => {
                Failure::Crowded
            }
            _ => Failure::Broken("the handshake failed"),
        })
    }
}

impl Report {
    /// What a visit says of the service, beside what is known of its `api`.
    pub fn of_visit(visit: Result<Arrived, Failure>, api: Check, checked_at: Timestamp) -> Self {
        let of = |intact: fn(&Arrived) -> bool| match &visit {
            Ok(arrived) if intact(arrived) => Check::Operational,
            Ok(_) | Err(Failure::Broken(_)) => Check::Down,
            Err(Failure::Crowded) => Check::Degraded,
        };
        Self {
            api,
            signaling_server: of(|_| true),
            video_streaming: of(|arrived| arrived.video),
            audio_streaming: of(|arrived| arrived.audio),
            turn_servers: Check::NotConfigured,
            checked_at,
        }
    }
}

async fn visit(entrance: &Entrance<impl Dial>) -> Result<Arrived, Failure> {
    let room = format!("{ROOM}{}", uuid::Uuid::new_v4().simple());
    let room = RoomId::parse(&room).expect("within the alphabet of identifiers");
    let mut doctor = Peer::join(entrance, &room, "doctor").await?;
    let mut patient = Peer::join(entrance, &room, "patient").await?;
    doctor.expect("peer_joined").await?;
    let sdp = format!("v=0\r\n{AUDIO}{VIDEO}");
    let offer = json!({"type": "offer", "to": "doctor", "sdp": sdp});
    let offer = exchange(&mut patient, &offer, &mut doctor, "offer").await?;
    let answer = json!({"type": "answer", "to": "patient", "sdp": sdp});
    let answer = exchange(&mut doctor, &answer, &mut patient, "answer").await?;
    if offer["from"] != "patient" || answer["from"] != "doctor" {
        return Err(Failure::Broken("a sender was not named"));
    }
    exchange(&mut patient, &json!({"type": "leave"}), &mut doctor, "peer_left").await?;
    doctor.send(&json!({"type": "leave"})).await?;
    tokio::join!(patient.close(), doctor.close());
    let sdp = offer["sdp"].as_str().unwrap_or_default();
    Ok(Arrived { audio: sdp.contains(AUDIO), video: sdp.contains(VIDEO) })
}

/// What comes of a message: what the other one is sent, or its refusal.
async fn exchange(
    sender: &mut Peer,
    message: &Value,
    receiver: &mut Peer,
    kind: &str,
) -> Result<Value, Failure> {
    sender.send(message).await?;
    tokio::select! {
        arrived = receiver.expect(kind) => arrived,
        refused = sender.expect("nothing but an error") => refused,
    }
}

struct Peer(WebSocketStream<Box<dyn Stream>>);

impl Peer {
    async fn join(
        entrance: &Entrance<impl Dial>,
        room: &RoomId,
        peer: &str,
    ) -> Result<Self, Failure> {
        let mut this = Self(entrance.open().await?);
        let peer = PeerId::parse(peer).expect("within the alphabet of identifiers");
        let token = entrance.dial.token(room, &peer);
        let token = token.as_ref().map(Token::expose);
        let join = json!({"type": "join", "roomId": room, "peerId": peer, "token": token});
        this.send(&join).await?;
        this.expect("joined").await?;
        Ok(this)
    }

    async fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let sent = self.0.send(Message::text(message.to_string())).await;
        sent.map_err(|_| Failure::Broken("a message was not taken"))
    }

    /// Waits for a message of this type. Others are none of its business, but for an error, and
    /// for what has no type: that is a gateway which could not run its function.
    async fn expect(&mut self, kind: &str) -> Result<Value, Failure> {
        while let Some(Ok(message)) = self.0.next().await {
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).unwrap_or_default();
            match (message["type"].as_str(), message["code"].as_str()) {
                (Some(it), _) if it == kind => return Ok(message),
                (Some("error"), Some("room_full" | "rate_limited")) => {
                    return Err(Failure::Crowded);
                }
                (Some("error"), _) => return Err(Failure::Broken("a message was refused")),
                (Some(_), _) => {}
                (None, _) => return Err(Failure::Broken("what came was not of this service")),
            }
        }
        Err(Failure::Broken("an expected message did not come"))
    }

    /// Waits until the other side closes too: it has then read what came before. The visit has
    /// taken place whether it does or not.
    async fn close(mut self) {
        let goodbye = async {
            let _ = self.0.close(None).await;
            while let Some(Ok(_)) = self.0.next().await {}
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

#[cfg(test)]
#[path = "visit_tests.rs"]
mod tests;
