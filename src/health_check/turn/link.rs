//! The way to a STUN or TURN server: datagrams, or a stream with TLS or without.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Trouble;
use super::messages::{Answer, Request};
use crate::health_check::roots::name_of;
use crate::health_check::visit::Stream;
use crate::wire::{IceUrl, Transport};

/// How long the first try over UDP waits for an answer. Each later one waits for twice as long
/// (RFC 8489, section 6.2.1).
const FIRST_TRY: Duration = Duration::from_millis(500);
/// The length of the header of a STUN message.
const HEADER: usize = 20;
/// No answer that is read here is nearly as long.
const MOST_BYTES: usize = 1500;

pub(super) enum Link {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

impl Link {
    pub(super) async fn open(url: &IceUrl, tls: &TlsConnector) -> Result<Self, Trouble> {
        let mut addresses =
            lookup_host((url.host.as_str(), url.port)).await.map_err(|_| Trouble::Nowhere)?;
        let address = addresses.next().ok_or(Trouble::Nowhere)?;
        match url.transport {
            Transport::Udp => {
                let own: SocketAddr = match address {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(own).await?;
                socket.connect(address).await?;
                Ok(Self::Datagrams(socket))
            }
            Transport::Tcp => Ok(Self::Stream(Box::new(TcpStream::connect(address).await?))),
            Transport::Tls => {
                let name = name_of(&url.host).ok_or(Trouble::Nowhere)?;
                let stream = TcpStream::connect(address).await?;
                let stream = tls.connect(name, stream).await;
                let stream = stream.map_err(|error| Trouble::Tls(error.to_string()))?;
                Ok(Self::Stream(Box::new(stream)))
            }
        }
    }

    /// Sends a request, and waits for its answer for as long as the caller likes.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Answer, Trouble> {
        let mut wait = FIRST_TRY;
        loop {
            self.send(request).await?;
            let Self::Datagrams(socket) = self else { break };
            if let Ok(answer) = timeout(wait, datagram(socket, request)).await {
                return answer;
            }
            wait *= 2;
        }
        let Self::Stream(stream) = self else { return Err(Trouble::Garbled) };
        let mut bytes = [0; MOST_BYTES];
        stream.read_exact(&mut bytes[..HEADER]).await?;
        let length = HEADER + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let body = bytes.get_mut(HEADER..length).ok_or(Trouble::Garbled)?;
        stream.read_exact(body).await?;
        request.answer(&bytes[..length]).ok_or(Trouble::Garbled)
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<(), Trouble> {
        match self {
            Self::Datagrams(socket) => drop(socket.send(&request.bytes).await?),
            Self::Stream(stream) => {
                stream.write_all(&request.bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }
}

/// Waits for the answer to a request. Any other datagram is ignored.
async fn datagram(socket: &UdpSocket, request: &Request) -> Result<Answer, Trouble> {
    let mut bytes = [0; MOST_BYTES];
    loop {
        let length = socket.recv(&mut bytes).await?;
        if let Some(answer) = request.answer(&bytes[..length]) {
            return Ok(answer);
        }
    }
}
