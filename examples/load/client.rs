//! A client of either server: the same code, except for how it takes its seat.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long anything may take. Nothing is lost, so a missing message is a fault.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Where to connect, and how to behave there.
#[derive(Clone)]
pub(super) struct Target {
    /// The WebSocket.
    pub(super) url: String,
    /// The protocol spoken there.
    pub(super) dialect: Dialect,
}

/// What a server expects of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The client joins a room, and a message names its recipient.
    Visio,
    /// The path identifies the pair.
    Blind,
}

/// Two clients who can reach each other.
pub(super) struct Pair {
    pub(super) ada: Client,
    pub(super) bob: Client,
}

/// One WebSocket.
pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
    dialect: Dialect,
    peer: &'static str,
}

/// The fields checked in a message that arrives.
#[derive(Deserialize)]
struct Arrival<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    from: Option<&'a str>,
    n: Option<u64>,
    code: Option<&'a str>,
}

impl Pair {
    /// Two clients in `room` that have both seen each other.
    pub(super) async fn connect(target: &Target, room: &str) -> anyhow::Result<Self> {
        let mut ada = Client::connect(target, room, "ada").await?;
        let bob = Client::connect(target, room, "bob").await?;
        if target.dialect == Dialect::Visio {
            ada.expect("peer_joined").await?;
        }
        Ok(Self { ada, bob })
    }
}

impl Client {
    async fn connect(target: &Target, room: &str, peer: &'static str) -> anyhow::Result<Self> {
        let url = match target.dialect {
            Dialect::Visio => target.url.clone(),
            Dialect::Blind => format!("{}{room}", target.url),
        };
        let request = url.into_client_request()?;
        let host = request.uri().authority().context("expected a URL with a host")?.as_str();
        let stream = TcpStream::connect(host).await.context("could not connect")?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
        let handshake = client_async_with_config(request, stream, Some(config));
        let (socket, _) = timeout(PATIENCE, handshake).await??;
        let mut client = Self { socket, dialect: target.dialect, peer };
        if client.dialect == Dialect::Visio {
            let join = json!({"type": "join", "roomId": room, "peerId": peer});
            client.send(join.to_string()).await?;
            client.expect("joined").await?;
        }
        Ok(client)
    }

    /// Sends a frame, in a write of its own.
    pub(super) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Takes the next message, which must be number `n` of this kind, and from the other client of
    /// the pair according to the server.
    pub(super) async fn expect_from_other(&mut self, kind: &str, n: u64) -> anyhow::Result<()> {
        let text = self.next().await?;
        let arrival = sound(&text, kind)?;
        ensure!(arrival.n == Some(n), "expected {kind} {n}, got {:?}", arrival.n);
        let other = if self.peer == "ada" { "bob" } else { "ada" };
        let vouched = (self.dialect == Dialect::Visio).then_some(other);
        ensure!(arrival.from == vouched, "{kind} {n} came from {:?}", arrival.from);
        Ok(())
    }

    async fn expect(&mut self, kind: &str) -> anyhow::Result<()> {
        sound(&self.next().await?, kind).map(drop)
    }

    /// The halves of its socket, for a client that reads and writes frames itself. Nothing may be
    /// on its way to it.
    pub(super) fn into_halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.socket.into_inner().into_split()
    }

    /// Gives up the seat, and hangs up.
    pub(super) async fn leave(mut self) -> anyhow::Result<()> {
        if self.dialect == Dialect::Visio {
            self.send(json!({"type": "leave"}).to_string()).await?;
        }
        self.socket.close(None).await?;
        while let Some(Ok(_)) = timeout(PATIENCE, self.socket.next()).await? {}
        Ok(())
    }

    async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.context("nothing came")?;
            match frame.context("the server hung up")?? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => bail!("the server closed: {frame:?}"),
                _ => {}
            }
        }
    }
}

fn sound<'a>(text: &'a str, kind: &str) -> anyhow::Result<Arrival<'a>> {
    let arrival: Arrival<'_> = serde_json::from_str(text)?;
    if let Some(code) = arrival.code {
        bail!("expected {kind}, got the error {code}; are the server's limits off?");
    }
    ensure!(arrival.kind == kind, "expected {kind}, got {}", arrival.kind);
    Ok(arrival)
}
