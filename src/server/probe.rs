//! The honest check: two throw-away peers hold a visit through the real listener.
//!
//! They come in as everybody does, join, exchange an offer and an answer, and leave. What is
//! found holds for ten seconds, and whoever asks meanwhile waits for the one probe that runs, so
//! that a thousand polling navbars cost one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tracing::warn;

use super::now;
use crate::health::{Check, Report};

/// How long a finding holds.
const FRESH: Duration = Duration::from_secs(10);
/// How long a visit of two peers on the same machine may take.
const PATIENCE: Duration = Duration::from_secs(3);

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

/// Runs the check, at most once at a time and once in ten seconds.
pub(super) struct Prober {
    address: SocketAddr,
    last: Mutex<Option<(Instant, Report)>>,
}

impl Prober {
    /// A prober of the server that listens on `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address: reachable(address), last: Mutex::new(None) }
    }

    /// The last finding, or a new one.
    pub(super) async fn report(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((_, report)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return report;
        }
        let report = self.check().await;
        *last = Some((Instant::now(), report));
        report
    }

    async fn check(&self) -> Report {
        let offer = match timeout(PATIENCE, visit(self.address)).await {
            Ok(Ok(offer)) => Ok(offer),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Broken("it took too long")),
        };
        let intact = |section: &str| match &offer {
            Ok(offer) if offer.contains(section) => Check::Operational,
            Ok(_) | Err(Failure::Broken(_)) => Check::Down,
            Err(Failure::Crowded) => Check::Degraded,
        };
        if let Err(failure) = &offer {
            warn!(%failure, "the health check's own visit failed");
        }
        Report {
            api: Check::Operational,
            signaling_server: intact(""),
            video_streaming: intact(VIDEO),
            audio_streaming: intact(AUDIO),
            turn_servers: Check::NotConfigured,
            checked_at: now(),
        }
    }
}

/// Why the probe's visit did not take place.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Visits that are under way are not touched by this.
    #[error("the server's own limits do not let in a visit of two")]
    Crowded,
    #[error("{0}")]
    Broken(&'static str),
}

/// A whole visit; the offer as it arrived.
async fn visit(address: SocketAddr) -> Result<String, Failure> {
    let room = format!("health-check~{}", uuid::Uuid::new_v4().simple());
    let mut doctor = Peer::join(address, &room, "doctor").await?;
    let mut patient = Peer::join(address, &room, "patient").await?;
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
    Ok(offer["sdp"].as_str().unwrap_or_default().to_owned())
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

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn join(address: SocketAddr, room: &str, peer: &str) -> Result<Self, Failure> {
        let broken = |_| Failure::Broken("the listener is not reached");
        let stream = TcpStream::connect(address).await.map_err(broken)?;
        let url = format!("ws://{address}/ws");
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await.map_err(
            |error| match error {
                WsError::Http(answer) if answer.status() == 503 => Failure::Crowded,
                _ => Failure::Broken("the handshake failed"),
            },
        )?;
        let mut this = Self(socket);
        this.send(&json!({"type": "join", "roomId": room, "peerId": peer})).await?;
        this.expect("joined").await?;
        Ok(this)
    }

    async fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let sent = self.0.send(Message::text(message.to_string())).await;
        sent.map_err(|_| Failure::Broken("a message was not taken"))
    }

    async fn expect(&mut self, kind: &str) -> Result<Value, Failure> {
        while let Some(Ok(message)) = self.0.next().await {
            let Message::Text(text) = message else { continue };
            let Ok(message) = serde_json::from_str::<Value>(&text) else { break };
            if message["type"] == kind {
                return Ok(message);
            }
            match message["code"].as_str() {
                Some("room_full" | "rate_limited") => return Err(Failure::Crowded),
                Some(_) => return Err(Failure::Broken("a message was refused")),
                None => {}
            }
        }
        Err(Failure::Broken("an expected message did not come"))
    }
}

/// A wildcard address is listened on, but not connected to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
