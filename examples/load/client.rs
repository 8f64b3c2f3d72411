//! A client of either server: the same code, except for how it takes its seat.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::others;

/// How long anything may take. Nothing is lost, so a missing message is a fault.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How many connections come from one address of this machine, which has 28,000 ports for them.
const PER_ADDRESS: u32 = 10_000;

/// Where to connect, and how to behave there.
#[derive(Clone)]
pub(super) struct Target {
    /// The WebSocket.
    pub(super) url: String,
    /// The protocol spoken there.
    pub(super) dialect: Dialect,
    /// For TLS.
    pub(super) tls: Option<TlsConnector>,
}

/// What a server expects of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The client joins a room, and a message names its recipient.
    Visio,
    /// The path identifies the group.
    Blind,
    /// The path identifies the pair, and messages name peers by ids that the server makes.
    Matchbox,
    /// One peer starts a session with another one.
    Gstreamer,
    /// The client chooses its id, and a message names its recipient.
    PeerJs,
}

/// Two clients who can reach each other.
pub(super) struct Pair {
    pub(super) ada: Client,
    pub(super) bob: Client,
}

/// A connection, with TLS or without.
pub(super) trait Connection: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection for S {}

/// The half of a connection that is read.
pub(super) type Reads = ReadHalf<Box<dyn Connection>>;
/// The half that is written.
pub(super) type Writes = WriteHalf<Box<dyn Connection>>;

/// One WebSocket.
pub(super) struct Client {
    socket: WebSocketStream<Box<dyn Connection>>,
    pub(super) dialect: Dialect,
    /// Its id, and that of the other client of the pair.
    pub(super) peer: String,
    pub(super) other: String,
    /// What some servers call a pair.
    pub(super) session: String,
    /// Whether it may offer, where that is fixed.
    pub(super) offers: bool,
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
        match target.dialect {
            Dialect::Visio | Dialect::Blind => {
                let mut both = group(target, room, 2).await?;
                let (bob, ada) = both.pop().zip(both.pop()).context("two clients")?;
                Ok(Self { ada, bob })
            }
            _ => others::pair(target, room).await,
        }
    }
}

/// Clients in `room` that have all seen each other.
pub(super) async fn group(target: &Target, room: &str, size: usize) -> anyhow::Result<Vec<Client>> {
    let url = match target.dialect {
        Dialect::Blind if size > 2 => format!("{}{room}?{size}", target.url),
        Dialect::Blind => format!("{}{room}", target.url),
        _ => target.url.clone(),
    };
    let mut clients: Vec<Client> = Vec::with_capacity(size);
    for nth in 0..size {
        let mut client = Client::open(target, &url).await?;
        client.peer = name(nth);
        client.other = name(usize::from(nth == 0));
        if target.dialect == Dialect::Visio {
            let join = json!({"type": "join", "roomId": room, "peerId": client.peer});
            client.write(join.to_string()).await?;
            client.expect("joined").await?;
            for earlier in &mut clients {
                earlier.expect("peer_joined").await?;
            }
        }
        clients.push(client);
    }
    Ok(clients)
}

fn name(nth: usize) -> String {
    match nth {
        0 => "ada".to_owned(),
        1 => "bob".to_owned(),
        nth => format!("p{nth}"),
    }
}

impl Client {
    /// Opens a WebSocket.
    pub(super) async fn open(target: &Target, url: &str) -> anyhow::Result<Self> {
        let request = url.into_client_request()?;
        let host = request.uri().authority().context("expected a URL with a host")?.as_str();
        let stream = connect(host).await?;
        let stream: Box<dyn Connection> = match &target.tls {
            Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, stream).await?),
            None => Box::new(stream),
        };
        let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
        let handshake = client_async_with_config(request, stream, Some(config));
        let (socket, _) = timeout(PATIENCE, handshake).await??;
        let [peer, other, session] = Default::default();
        Ok(Self { socket, dialect: target.dialect, peer, other, session, offers: false })
    }

    /// Sends a message to the other client, in a write of its own.
    pub(super) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        let text = others::wrapped(self, text);
        self.write(text).await
    }

    /// Sends a frame, in a write of its own.
    pub(super) async fn write(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Takes the next message, which must be number `n` of this kind, and from the other client of
    /// the pair according to the server.
    pub(super) async fn expect_from_other(&mut self, kind: &str, n: u64) -> anyhow::Result<()> {
        let text = others::unwrapped(self.dialect, self.next().await?)?;
        let arrival = sound(&text, kind)?;
        ensure!(arrival.n == Some(n), "expected {kind} {n}, got {:?}", arrival.n);
        let vouched = (self.dialect == Dialect::Visio).then_some(&*self.other);
        ensure!(arrival.from == vouched, "{kind} {n} came from {:?}", arrival.from);
        Ok(())
    }

    async fn expect(&mut self, kind: &str) -> anyhow::Result<()> {
        sound(&self.next().await?, kind).map(drop)
    }

    /// The halves of its socket, for a client that reads and writes frames itself. Nothing may be
    /// on its way to it.
    pub(super) fn into_halves(self) -> (Reads, Writes) {
        split(self.socket.into_inner())
    }

    /// Gives up the seat, and hangs up.
    pub(super) async fn leave(mut self) -> anyhow::Result<()> {
        if self.dialect == Dialect::Visio {
            self.write(json!({"type": "leave"}).to_string()).await?;
        }
        self.socket.close(None).await?;
        while let Some(Ok(_)) = timeout(PATIENCE, self.socket.next()).await? {}
        Ok(())
    }

    pub(super) async fn next(&mut self) -> anyhow::Result<String> {
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

/// Connects to a server. One on this machine is reached from many addresses.
async fn connect(host: &str) -> anyhow::Result<TcpStream> {
    static NTH: AtomicU32 = AtomicU32::new(0);
    let to = lookup_host(host).await?.next().context("an address")?;
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if to.is_ipv4() && to.ip().is_loopback() {
        let nth = NTH.fetch_add(1, Ordering::Relaxed) / PER_ADDRESS;
        // Other processes begin elsewhere.
        let third = std::process::id() % 200;
        let from = [127, 1, u8::try_from(third)?, u8::try_from(1 + nth % 250)?];
        socket.bind(SocketAddr::from((from, 0)))?;
    }
    let stream = socket.connect(to).await.context("could not connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn sound<'a>(text: &'a str, kind: &str) -> anyhow::Result<Arrival<'a>> {
    let arrival: Arrival<'_> = serde_json::from_str(text)?;
    if let Some(code) = arrival.code {
        bail!("expected {kind}, got the error {code}; are the server's limits off?");
    }
    ensure!(arrival.kind == kind, "expected {kind}, got {}", arrival.kind);
    Ok(arrival)
}
