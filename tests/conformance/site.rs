//! What a client knows about the runtime it talks to.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::client::Client;
use super::{Profile, Runtime};

/// A runtime, as a client sees it. It can move into a task.
#[derive(Clone)]
pub struct Site {
    url: String,
    profile: Profile,
    rest: Rest,
}

impl Site {
    pub fn of<R: Runtime>(runtime: &R) -> Self {
        Self { url: runtime.websocket_url(), profile: R::PROFILE, rest: runtime.rest() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Waits until the runtime rests.
    pub async fn rest(&self) {
        (self.rest.0)().await;
    }

    /// Where its WebSockets are.
    pub fn address(&self) -> SocketAddr {
        let url = self.url.as_str().into_client_request().expect("a URL");
        let authority = url.uri().authority().expect("a host and a port");
        authority.as_str().parse().expect("an address")
    }

    /// Connects.
    pub async fn open(&self) -> Client {
        let stream = TcpStream::connect(self.address()).await.expect("a connection");
        let handshake = Client::shake_hands(self, stream, &self.url, &[]);
        handshake.await.expect("a handshake").0
    }
}

/// Waits until a runtime rests: everything that it has read is handled, and every message that
/// follows is on its way. By default that is at once.
#[derive(Clone)]
pub struct Rest(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

impl Rest {
    /// Waits for this future.
    pub fn new<F>(wait: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(wait())))
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self::new(|| std::future::ready(()))
    }
}
