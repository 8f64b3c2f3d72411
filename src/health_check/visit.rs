//! The end-to-end check: two throw-away peers hold a visit through the public endpoint.
//!
//! They connect as any client does, join, exchange an offer and an answer, and leave. Nothing else
//! proves at once that the listener or the gateway, the core and the room store all work.
//!
//! The check sends each message only after the one before it has arrived, and ignores messages it
//! does not wait for. So it also works behind API Gateway, where messages may overtake each other.
//! It only checks that the offer arrives unchanged. Media does not pass through this service, so
//! there is nothing more to check.
//!
//! The runtime decides how connections are made, with or without TLS ([`Dial`]).

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

use crate::health::{Check, Report, Took};
use crate::wire::{FromText, PeerId, RoomId, Timestamp, Token};

/// The prefix of the throw-away rooms. It makes them recognizable where the check has no
/// [pass](super::pass), so that its visits look like any other.
const ROOM: &str = "health-check~";
/// How long the closing handshake may take.
const GOODBYE: Duration = Duration::from_millis(500);

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

/// The endpoint that clients connect to.
#[derive(Debug, Clone)]
pub struct Entrance<D> {
    request: Request,
    dial: D,
}

/// Makes the check's connections, and provides its tokens.
pub trait Dial: Send + Sync {
    /// Connects to the host and port of a `ws:` or `wss:` URL.
    fn dial(&self, to: &Uri) -> impl Future<Output = io::Result<Box<dyn Stream>>> + Send;

    /// The token that a peer of the visit presents, if the service requires one.
    fn token(&self, _room: &RoomId, _peer: &PeerId) -> Option<Token> {
        None
    }
}

/// A connection, with TLS or without.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects without TLS only.
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

/// Opens the TCP connection, which TLS may run over.
pub async fn connect(to: &Uri) -> io::Result<TcpStream> {
    let usual = if to.scheme_str() == Some("ws") { 80 } else { 443 };
    let port = to.port_u16().unwrap_or(usual);
    let stream = TcpStream::connect(format!("{}:{port}", to.host().unwrap_or_default())).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Which sections of the offer arrived unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Whether the audio section did.
    pub audio: bool,
    /// Whether the video section did.
    pub video: bool,
}

/// Why the visit failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The service is full. Visits that have started are not affected.
    #[error("the service has reached its limits and cannot take a visit of two")]
    Crowded,
    /// Visits do not work.
    #[error("{0}")]
    Broken(&'static str),
}

impl<D: Dial> Entrance<D> {
    /// The endpoint at `url`; `None` unless that is a `ws:` or `wss:` URL.
    pub fn new(url: &str, dial: D) -> Option<Self> {
        let request = url.into_client_request().ok()?;
        let known = matches!(request.uri().scheme_str(), Some("ws" | "wss"));
        known.then_some(Self { request, dial })
    }

    /// Holds a whole visit, which may take at most `patience`.
    pub async fn visit(&self, patience: Duration) -> Result<Arrived, Failure> {
        let visit = timeout(patience, visit(self)).await;
        visit.unwrap_or(Err(Failure::Broken("the visit took too long")))
    }

    /// Opens a WebSocket for one peer.
    async fn open(&self) -> Result<WebSocketStream<Box<dyn Stream>>, Failure> {
        let stream = self.dial.dial(self.request.uri()).await;
        let stream = stream.map_err(|_| Failure::Broken("could not connect to the listener"))?;
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
    /// Builds a report from the outcome of a visit and from what is known of the `api`, as if there
    /// were no TURN servers.
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
            took: Took::default(),
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
        return Err(Failure::Broken("a message did not name its sender"));
    }
    exchange(&mut patient, &json!({"type": "leave"}), &mut doctor, "peer_left").await?;
    doctor.send(&json!({"type": "leave"})).await?;
    tokio::join!(patient.close(), doctor.close());
    let sdp = offer["sdp"].as_str().unwrap_or_default();
    Ok(Arrived { audio: sdp.contains(AUDIO), video: sdp.contains(VIDEO) })
}

/// Sends a message, and returns what the receiver gets. Fails if the message is refused.
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
        sent.map_err(|_| Failure::Broken("could not send a message"))
    }

    /// Waits for a message of this type and ignores others. It fails on an error, and on a message
    /// without a type, which comes from a gateway that could not run its function.
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
                (None, _) => return Err(Failure::Broken("a message had no type")),
            }
        }
        Err(Failure::Broken("an expected message did not arrive"))
    }

    /// Closes the connection and waits until the other side closes too, because it has then read
    /// everything sent before. If it does not, the visit still counts as successful.
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
