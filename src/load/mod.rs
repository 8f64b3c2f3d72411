//! THE LOAD: how many visits a server holds, and how well.
//!
//! Users come and go in pairs (if their number is odd, one visit has three). Each pair holds one
//! visit after the other, in rooms of its own, and thinks in between as people do. What arrives is
//! compared with what was sent (`verifier.rs`): a frame that is lost, doubled, misrouted, reordered
//! or changed fails the run.
//!
//! The times at which visits begin are fixed beforehand, and latencies count from when something
//! was due. So a server that stalls cannot slow down its own measurement.
//!
//! It uses only the protocol that every client speaks, so it works on both runtimes, and through
//! whatever proxies are in front of them. It prints no token, no room and no peer.

mod crowd;
mod flags;
mod message;
mod plan;
mod progress;
mod report;
mod scenario;
mod statistics;
mod tally;
mod venue;
mod verifier;
mod visit;

pub use flags::{FlagError, LoadFlags};
pub use report::{Report, Trouble};

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crowd::Crowd;
use plan::Plan;
use progress::Progress;
use tally::Tally;
use venue::Venue;

use crate::reach::{Minter, Way};

/// The load to put on a server.
pub struct Load {
    way: Way,
    minter: Option<Minter>,
    users: usize,
    duration: Duration,
    ramp_up: Duration,
    think: Duration,
    /// Whether frames may overtake each other.
    any_order: bool,
    /// Whether the server may be on another machine.
    anywhere: bool,
    /// In words: the scenario, if it is one.
    name: String,
}

impl Load {
    /// How many connections there will be at the same time.
    pub const fn connections(&self) -> usize {
        self.users
    }

    /// Holds one visit to see that it works, says what it will do, and does it until the time is
    /// over or `stopped`.
    pub async fn run(&self, stopped: impl Future<Output = ()>) -> Result<Report, Trouble> {
        let address = self.address().await?;
        let venue = Venue::new(self.way.clone(), address, self.minter.clone());
        let mut stopped = std::pin::pin!(stopped);
        let trial = tokio::select! {
            trial = self.trial(&venue) => trial?,
            () = &mut stopped => return Err(Trouble::Stopped),
        };
        eprintln!("{self}");
        let crowd = Crowd { venue, users: self.users, think: self.think };
        let mut progress = Progress::new(self.duration);
        let begun = Instant::now();
        let (mut tally, stopped) =
            crowd.come(self.duration, self.ramp_up, &mut progress, stopped).await;
        let took = begun.elapsed();
        tally.faults += trial.faults;
        Ok(Report::new(self, tally, took, stopped))
    }

    /// The address that takes connections, if it may be put under load.
    async fn address(&self) -> Result<SocketAddr, Trouble> {
        let addresses = self.way.resolves().await?.value;
        let is_here = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        if !self.anywhere && !addresses.iter().all(is_here) {
            return Err(Trouble::Elsewhere(self.way.target.to_string()));
        }
        let stream = self.way.connects(&addresses).await?.value;
        let address = stream.peer_addr();
        Ok(address.unwrap_or(addresses[0]))
    }

    /// A visit that does not count.
    async fn trial(&self, venue: &Venue) -> Result<Tally, Trouble> {
        let tally = visit::hold(venue, "trial", &Plan::at_once(2), Instant::now()).await;
        match tally.visits.held {
            0 => Err(Trouble::of(tally)),
            _ => Ok(tally),
        }
    }
}

/// What it will do.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, duration, ramp_up, think, .. } = self;
        let longest = Duration::from_secs(Plan::longest(2, *think).as_secs() + 1);
        let [duration, ramp_up, think, longest] =
            [*duration, *ramp_up, *think, longest].map(humantime::format_duration);
        write!(
            f,
            "{users} users hold visits of two with {} for {duration}, and then end those that have \
             begun (up to {longest} more). The last user comes after {ramp_up}, and each thinks \
             about {think} between two actions. Ctrl-C ends it.",
            self.way.target,
        )
    }
}
