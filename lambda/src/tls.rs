//! Client connections to the WebSocket API, for the health check.
//!
//! They use rustls with ring, which is the only TLS stack of this package, and the machine's root
//! certificates. [`Tls`] is created once, because reading the certificates takes longer than a
//! handshake, and because the second connection resumes the session of the first.

use std::io;
use std::time::SystemTime;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::Error;
use visio_signaling::health_check::pass::Pass;
use visio_signaling::health_check::roots;
use visio_signaling::health_check::visit::{Dial, Stream, Uri, connect};
use visio_signaling::wire::{PeerId, RoomId, Token};

/// Connects with TLS to `wss:` URLs, and without TLS to `ws:` URLs, which an emulator has.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    pass: Option<Pass>,
}

impl Tls {
    /// `pass` provides the tokens for a service that requires them.
    pub fn new(pass: Option<Pass>) -> Result<Self, Error> {
        Ok(Self { connector: roots::connector()?, pass })
    }
}

impl Dial for Tls {
    async fn dial(&self, to: &Uri) -> io::Result<Box<dyn Stream>> {
        let stream = connect(to).await?;
        if to.scheme_str() == Some("ws") {
            return Ok(Box::new(stream));
        }
        let name = roots::name_of(to.host().unwrap_or_default());
        let name = name.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Box::new(self.connector.connect(name, stream).await?))
    }

    fn token(&self, room: &RoomId, peer: &PeerId) -> Option<Token> {
        self.pass.as_ref()?.token(room, peer, SystemTime::now().into())
    }
}
