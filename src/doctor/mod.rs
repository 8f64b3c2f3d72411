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
mod pass;
mod peer;
mod relay;
mod report;

pub use finding::Step;
pub use flags::{DoctorFlags, FlagError};
pub use report::Report;

use pass::Passes;
use peer::Peer;
use report::Examination;

use crate::reach::Way;

/// What to examine, and how.
pub struct Doctor {
    way: Way,
    passes: Passes,
    /// The last step to take.
    until: Step,
}

impl Doctor {
    /// Asks every question until one fails.
    pub async fn examine(&self) -> Report {
        let mut examination = Examination::new(self.until);
        let _ = self.ask(&mut examination).await;
        examination.report(&self.way.target)
    }

    /// The questions, in the order in which a client depends on them.
    async fn ask(&self, examination: &mut Examination) -> Option<()> {
        let Self { way, passes, .. } = self;
        let addresses = examination.ask(Step::Name, way.resolves()).await?;
        let stream = examination.ask(Step::Tcp, way.connects(&addresses)).await?;
        let stream = examination.ask(Step::Tls, way.is_trusted(stream)).await?;
        let socket = examination.ask(Step::Upgrade, way.gets_through(stream)).await?;
        let first = Peer::new(socket, way.patience);
        let first = join::is_let_in(first, passes);
        let mut first = examination.ask(Step::Join, first).await?;
        let second = relay::reaches(&mut first, self, &addresses);
        let second = examination.ask(Step::Relay, second).await;
        if let Some(mut second) = second {
            let took = latency::is_short(&mut first, &mut second);
            examination.ask(Step::Latency, took).await;
            second.leave().await;
        }
        let servers = ice::work(&first.ice_servers, &way.trust);
        examination.ask(Step::Ice, servers).await;
        first.leave().await;
        Some(())
    }
}
