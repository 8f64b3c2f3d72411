//! Client connections to the WebSocket API, for the health check.
//!
//! They use rustls with ring, which is the only TLS stack of this package, and the machine's root
//! certificates. [`Tls`] is created once, because reading the certificates takes longer than a
//! handshake, and because the second connection resumes the session of the first.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};
use visio_signaling::health_check::pass::Pass;
use visio_signaling::health_check::visit::{Dial, Stream, Uri, connect};
use visio_signaling::wire::{PeerId, RoomId, Token};

/// Connects with TLS to `wss:` URLs, and without TLS to `ws:` URLs, which an emulator has.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    pass: Option<Pass>,
}

impl Tls {
    /// Trusts the machine's root certificates. If there are none, it trusts no server. `pass`
    /// provides the tokens for a service that requires them.
    pub fn new(pass: Option<Pass>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), pass })
    }
}

impl Dial for Tls {
    async fn dial(&self, to: &Uri) -> io::Result<Box<dyn Stream>> {
        let stream = connect(to).await?;
        if to.scheme_str() == Some("ws") {
            return Ok(Box::new(stream));
        }
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        Ok(Box::new(self.connector.connect(name, stream).await?))
    }

    fn token(&self, room: &RoomId, peer: &PeerId) -> Option<Token> {
        self.pass.as_ref()?.token(room, peer, SystemTime::now().into())
    }
}
