//! One visit, and whether all goes well in it.
//!
//! Peers join one after the other. Whoever finds others in the room sends each of them an offer
//! with candidates, and gets an answer with candidates. Then they write texts at the times of the
//! [`Plan`], and leave.
//!
//! A message that follows from another is due when that one has come. Texts are due at their
//! times, whether or not earlier ones have arrived: a server that stalls would otherwise slow down
//! its own measurement.

mod hear;
mod peer;

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use serde_json::{Value, json};
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::message::{CANDIDATES, candidate, sdp, text};
use super::plan::Plan;
use super::tally::{Kind, Tally};
use super::venue::{Venue, name};
use super::verifier::Verifier;
use crate::reach::Wrong;
use crate::wire::RoomId;
use peer::Peer;

/// How long the closing handshakes may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Holds a visit that is due at this time, and counts what comes of it.
pub(super) async fn hold(venue: &Venue, id: &str, plan: &Plan, due: Instant) -> Tally {
    let mut visit = Visit::new(venue, id, plan);
    let ended = visit.run(due).await;
    visit.goodbye().await;
    let Visit { verifier, mut tally, .. } = visit;
    tally.faults += verifier.faults;
    match ended {
        Ok(()) => tally.visits.held += 1,
        Err(why) => {
            tally.visits.failed += 1;
            tally.explain(&why);
        }
    }
    tally
}

/// What came from a peer's connection: a frame, or its end.
struct Heard {
    at: usize,
    frame: Option<Message>,
}

struct Visit<'a> {
    venue: &'a Venue,
    plan: &'a Plan,
    room: RoomId,
    verifier: Verifier,
    tally: Tally,
    peers: Vec<Peer>,
    heard: SelectAll<BoxStream<'static, Heard>>,
    leaving: Option<Leaving>,
    texts: usize,
}

/// A peer that says goodbye, and those who have not been told yet.
struct Leaving {
    who: usize,
    since: Instant,
    untold: BTreeSet<usize>,
}

impl<'a> Visit<'a> {
    fn new(venue: &'a Venue, id: &str, plan: &'a Plan) -> Self {
        let room = venue.room(id);
        let names = (0..plan.joins.len()).map(name).collect();
        Self {
            venue,
            plan,
            verifier: Verifier::new(room.as_str().to_owned(), names),
            room,
            tally: Tally::default(),
            peers: Vec::new(),
            heard: SelectAll::new(),
            leaving: None,
            texts: 0,
        }
    }

    async fn run(&mut self, due: Instant) -> Result<(), Wrong> {
        // A visit that begins late has lost that time at its first join, and nowhere else.
        let begun = due.max(Instant::now());
        for nth in 0..self.plan.joins.len() {
            let offset = self.plan.joins[nth];
            self.pause_until(begun + offset).await?;
            self.join(if nth == 0 { due } else { begun + offset }).await?;
        }
        self.wait_for(Self::is_complete).await?.ok_or_else(|| never("peer_joined"))?;
        let complete = Instant::now();
        for &(offset, who) in &self.plan.texts {
            self.pause_until(complete + offset).await?;
            self.write(who, complete + offset).await?;
        }
        self.pause_until(complete + self.plan.leave).await?;
        if self.wait_for(|it| it.verifier.is_settled()).await?.is_none() {
            for kind in self.verifier.give_up() {
                self.tally.fail(kind);
            }
        }
        self.leave().await
    }

    /// Lets the next peer in.
    async fn join(&mut self, due: Instant) -> Result<(), Wrong> {
        let venue = self.venue;
        let opened = self.meanwhile(venue.open()).await?;
        let socket = opened.inspect_err(|_| self.tally.fail(Kind::Connect))?;
        let opened_at = Instant::now();
        self.tally.succeed(Kind::Connect, opened_at.saturating_duration_since(due));
        let at = self.peers.len();
        let (peer, frames) = Peer::new(socket);
        self.peers.push(peer);
        let end = futures_util::stream::once(std::future::ready(None));
        self.heard.push(frames.map(Some).chain(end).map(move |frame| Heard { at, frame }).boxed());
        let join = venue.join(&self.room, &name(at), self.plan.length);
        self.say(at, join.to_string()).await?;
        let joined = self.wait_for(|it| it.peers[at].joined_at.is_some()).await;
        match self.peers[at].joined_at {
            Some(joined_at) => self.tally.succeed(Kind::Join, joined_at - opened_at),
            None => self.tally.fail(Kind::Join),
        }
        joined?.ok_or_else(|| never("joined"))
    }

    /// Whether everybody knows everybody.
    fn is_complete(&self) -> bool {
        self.peers.iter().all(|peer| peer.others.len() + 1 == self.peers.len())
    }

    /// Sends an offer or an answer, and candidates.
    async fn call(&mut self, from: usize, to: usize, kind: Kind) -> Result<(), Wrong> {
        let (due, other) = (Instant::now(), name(to));
        let salt = self.tally.requests_so_far().0;
        let description = sdp(&kind.to_string(), &other, salt);
        self.send(from, &[to], kind, description, due).await?;
        for nth in 0..CANDIDATES {
            self.send(from, &[to], Kind::Candidate, candidate(&other, nth), due).await?;
        }
        Ok(())
    }

    /// Writes a text: every third to one peer, the others to all.
    async fn write(&mut self, from: usize, due: Instant) -> Result<(), Wrong> {
        self.texts += 1;
        let others: Vec<_> = (0..self.peers.len()).filter(|at| *at != from).collect();
        if self.texts.is_multiple_of(3) {
            let private = text(Some(&name(others[0])), self.texts);
            return self.send(from, &others[..1], Kind::Text, private, due).await;
        }
        self.send(from, &others, Kind::Text, text(None, self.texts), due).await
    }

    async fn send(
        &mut self,
        from: usize,
        to: &[usize],
        kind: Kind,
        message: Value,
        due: Instant,
    ) -> Result<(), Wrong> {
        let text = self.verifier.send(from, to, kind, message, due);
        self.say(from, text).await
    }

    async fn say(&mut self, at: usize, text: String) -> Result<(), Wrong> {
        self.peers[at].say(text, self.venue.way.patience).await
    }

    /// One after the other leaves, and the others are told.
    async fn leave(&mut self) -> Result<(), Wrong> {
        for who in (0..self.peers.len()).rev() {
            let since = Instant::now();
            self.leaving = Some(Leaving { who, since, untold: (0..who).collect() });
            self.say(who, json!({"type": "leave"}).to_string()).await?;
            self.peers[who].has_left = true;
            let told = self.wait_for(|it| it.leaving.is_none() || who == 0).await?;
            if told.is_none() {
                self.tally.fail(Kind::Leave);
                return Err(never("peer_left"));
            }
        }
        Ok(())
    }

    /// Leaves, if that has not happened, closes all connections, and hears what still comes.
    async fn goodbye(&mut self) {
        self.leaving = None;
        for peer in &mut self.peers {
            peer.close(GOODBYE).await;
        }
        let rest = async {
            while let Some(heard) = self.heard.next().await {
                let _ = self.hear(heard).await;
            }
        };
        let _ = timeout(GOODBYE, rest).await;
        for kind in self.verifier.withdraw() {
            self.tally.fail(kind);
        }
    }

    /// Hears what comes until that time.
    async fn pause_until(&mut self, time: Instant) -> Result<(), Wrong> {
        let was_early = Instant::now() < time;
        self.meanwhile(sleep_until(time.into())).await?;
        if was_early {
            self.tally.lateness.push(time.elapsed());
        }
        Ok(())
    }

    /// Hears what comes until something is so; `None` if that takes too long.
    async fn wait_for(&mut self, is_so: impl Fn(&Self) -> bool) -> Result<Option<()>, Wrong> {
        let end = Instant::now() + self.venue.way.patience;
        while !is_so(self) {
            let heard = tokio::select! {
                heard = self.heard.next(), if !self.heard.is_empty() => heard,
                () = sleep_until(end.into()) => return Ok(None),
            };
            if let Some(heard) = heard {
                self.hear(heard).await?;
            }
        }
        Ok(Some(()))
    }

    /// Hears what comes until this is done. Whoever has been silent for too long sends a `ping`.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Wrong> {
        let mut work = std::pin::pin!(work);
        loop {
            let ping = self.peers.iter().map(Peer::ping_at).min();
            let ping_at = ping.unwrap_or_else(|| Instant::now() + GOODBYE);
            let heard = tokio::select! {
                biased;
                heard = self.heard.next(), if !self.heard.is_empty() => heard,
                done = &mut work => return Ok(done),
                () = sleep_until(ping_at.into()) => None,
            };
            match heard {
                Some(heard) => self.hear(heard).await?,
                None => self.ping().await?,
            }
        }
    }

    /// API Gateway closes a connection that was silent for ten minutes, and sends no pings itself.
    async fn ping(&mut self) -> Result<(), Wrong> {
        let now = Instant::now();
        for at in 0..self.peers.len() {
            if self.peers[at].ping_at() <= now {
                self.say(at, json!({"type": "ping"}).to_string()).await?;
            }
        }
        Ok(())
    }
}

fn never(kind: &str) -> Wrong {
    Wrong::new(
        format!("A `{kind}` did not come in time."),
        "Read the server's log, and that of each proxy. If it comes later, wait longer: \
         --timeout-seconds.",
    )
}
