//! A connection of an attacker: TCP or TLS, and frames written by hand.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::certificate::Certificate;

/// Either kind of connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// The route to the server.
#[derive(Clone)]
pub(super) struct Door {
    address: String,
    tls: Option<TlsConnector>,
}

impl Door {
    pub(super) fn new(url: &str, certificate: Option<&Certificate>) -> anyhow::Result<Self> {
        let address = url.split('/').nth(2).context("a URL")?.to_owned();
        let tls = certificate.map(Certificate::connector).transpose()?;
        Ok(Self { address, tls })
    }

    /// The server's port.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        Ok(self.address.parse::<SocketAddr>()?.port())
    }

    /// Whether the port speaks TLS.
    pub(super) const fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// A TCP connection that sends nothing, with a small receive window.
    pub(super) async fn knock(&self) -> anyhow::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = socket.connect(self.address.parse()?).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// With TLS, if it is used.
    pub(super) async fn open(&self) -> anyhow::Result<Box<dyn Stream>> {
        let stream = self.knock().await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        Ok(Box::new(tls.connect(ServerName::try_from("localhost")?, stream).await?))
    }

    /// A WebSocket that has joined.
    pub(super) async fn join(&self, room: &str, peer: &str) -> anyhow::Result<Box<dyn Stream>> {
        let mut stream = self.open().await?;
        let handshake = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        send(&mut stream, handshake.as_bytes()).await?;
        read_until(&mut stream, "\r\n\r\n").await?;
        let join = format!(r#"{{"type":"join","roomId":"{room}","peerId":"{peer}"}}"#);
        send(&mut stream, &frame(0x81, join.as_bytes())).await?;
        read_until(&mut stream, r#""type":"joined""#).await?;
        Ok(stream)
    }
}

/// Writes it all, through TLS as well.
pub(super) async fn send(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> anyhow::Result<()> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn read_until(stream: &mut Box<dyn Stream>, end: &str) -> anyhow::Result<()> {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(end) {
        ensure!(stream.read_buf(&mut read).await? > 0, "the server hung up");
    }
    Ok(())
}

/// A frame of a client (RFC 6455, section 5.2), masked with zeros.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => frame.push(0x80 | short as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
