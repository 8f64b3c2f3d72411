//! THE WAY TO A SERVER, as a client goes it: `visio doctor` and `visio load` go it.
//!
//! Each step is a question with an [`Answer`]: whether the name resolves, whether something
//! listens, whether its certificate is trusted, whether the WebSocket handshake gets through. An
//! answer says what was found in a sentence, and what to do about it.

mod answer;
mod flags;
mod minter;
mod name;
mod plain;
mod target;
mod tcp;
mod tls;
mod trust;
mod upgrade;

pub(crate) use answer::{Answer, Good, Verdict, Wrong};
pub use flags::{BadSecret, BadWay};
pub(crate) use flags::{MinterFlags, WayFlags};
pub(crate) use minter::Minter;
pub(crate) use plain::plain;
pub(crate) use target::Target;
pub use trust::BadRoots;
pub(crate) use trust::Trust;
pub(crate) use upgrade::Socket;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use tls::Opened;

/// Where a server is, and how to go there.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) target: Target,
    pub(crate) trust: Trust,
    /// The origin of the page that is to connect, if there is one.
    pub(crate) origin: Option<String>,
    /// How long each step waits for an answer.
    pub(crate) patience: Duration,
}

impl Way {
    /// Does the host's name resolve?
    pub(crate) async fn resolves(&self) -> Answer<Vec<SocketAddr>> {
        name::resolves(&self.target, self.patience).await
    }

    /// Does anything listen there?
    pub(crate) async fn connects(&self, addresses: &[SocketAddr]) -> Answer<TcpStream> {
        tcp::connects(addresses, self.patience).await
    }

    /// Is its certificate trusted, and for how long?
    pub(crate) async fn is_trusted(&self, stream: TcpStream) -> Answer<Opened> {
        tls::is_trusted(stream, &self.target, &self.trust, self.patience).await
    }

    /// Does the WebSocket handshake get through?
    pub(crate) async fn gets_through(&self, stream: Opened) -> Answer<Socket> {
        upgrade::gets_through(stream, self).await
    }

    /// Goes all of the way but for the name.
    pub(crate) async fn open(&self, addresses: &[SocketAddr]) -> Result<Socket, Wrong> {
        let stream = self.connects(addresses).await?.value;
        let stream = self.is_trusted(stream).await?.value;
        Ok(self.gets_through(stream).await?.value)
    }
}
