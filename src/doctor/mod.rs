//! THE DOCTOR: finds out why a visit does not work, from where the client is.
//!
//! It goes the way that a browser goes, and asks one [`Step`] at a time: whether the name resolves,
//! whether something listens, whether its certificate is trusted, whether the WebSocket handshake
//! gets through, whether a peer is let in, whether two peers reach each other, how long that takes,
//! and whether the ICE servers they are given work. Each question has a file of its own. A question
//! that fails says what is wrong and what to do, and those after it are not asked.
//!
//! It uses only the protocol that every client speaks, so it examines both runtimes, and whatever
//! proxies are in front of them. It leaves nothing behind: its two peers leave the room.
//!
//! Its output is meant to be pasted into a ticket. It holds no token, no SDP, and no room or peer.

mod clock;
mod finding;
mod flags;
mod ice;
mod join;
mod latency;
mod name;
mod pass;
mod peer;
mod plain;
mod relay;
mod report;
mod target;
mod tcp;
mod tls;
mod trust;
mod upgrade;

pub use finding::Step;
pub use flags::{DoctorFlags, FlagError};
pub use report::Report;

use std::net::SocketAddr;
use std::time::Duration;

use pass::Passes;
use peer::Peer;
use report::Examination;
use target::Target;
use trust::Trust;
use upgrade::Socket;

/// What to examine, and how.
pub struct Doctor {
    target: Target,
    trust: Trust,
    passes: Passes,
    origin: Option<String>,
    /// How long a step waits for an answer.
    patience: Duration,
    /// The last step to take.
    until: Step,
}

impl Doctor {
    /// Asks every question until one fails.
    pub async fn examine(&self) -> Report {
        let mut examination = Examination::new(self.until);
        let _ = self.ask(&mut examination).await;
        examination.report(&self.target)
    }

    /// The questions, in the order in which a client depends on them.
    async fn ask(&self, examination: &mut Examination) -> Option<()> {
        let Self { target, trust, passes, patience, .. } = self;
        let addresses = name::resolves(target, *patience);
        let addresses = examination.ask(Step::Name, addresses).await?;
        let stream = tcp::connects(&addresses, *patience);
        let stream = examination.ask(Step::Tcp, stream).await?;
        let stream = tls::is_trusted(stream, target, trust, *patience);
        let stream = examination.ask(Step::Tls, stream).await?;
        let socket = upgrade::gets_through(stream, self);
        let socket = examination.ask(Step::Upgrade, socket).await?;
        let first = Peer::new(socket, *patience);
        let first = join::is_let_in(first, passes);
        let mut first = examination.ask(Step::Join, first).await?;
        let second = relay::reaches(&mut first, self, &addresses);
        let second = examination.ask(Step::Relay, second).await;
        if let Some(mut second) = second {
            let took = latency::is_short(&mut first, &mut second);
            examination.ask(Step::Latency, took).await;
            second.leave().await;
        }
        let servers = ice::work(&first.ice_servers, trust);
        examination.ask(Step::Ice, servers).await;
        first.leave().await;
        Some(())
    }

    /// Opens another connection, the way that the first one went.
    async fn another(&self, addresses: &[SocketAddr]) -> Option<Socket> {
        let stream = tcp::connects(addresses, self.patience).await.ok()?.value;
        let stream = tls::is_trusted(stream, &self.target, &self.trust, self.patience);
        let stream = stream.await.ok()?.value;
        Some(upgrade::gets_through(stream, self).await.ok()?.value)
    }
}
