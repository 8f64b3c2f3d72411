//! The steps of a relayed offer, one at a time and many times over, for `tests/instructions` to
//! count what each of them costs.
//!
//! No sockets, no clock and no other threads: the same step takes the same instructions each time.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use futures_util::FutureExt;
use visio_signaling::core::{
    Claim, Connection, ConnectionId, Grant, Room, Rules, Said, Standing, Unread,
};
use visio_signaling::drive::Driver;
use visio_signaling::ports::{Claimed, Connections, Delivery, Outbox, Registry, Swap, Unavailable};
use visio_signaling::token::Gatekeeper;
use visio_signaling::wire::{
    ClientMessage, CloseCode, Envelope, FromText, Incoming, JoinDefaults, PeerId, ResumeSecret,
    RoomId, RoomSummary, ServerMessage, Stamp, Timestamp, Version,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const USAGE: &str = "steps (parse|splice|decide|relay) TIMES";

fn main() -> anyhow::Result<()> {
    let mut flags = std::env::args().skip(1);
    let step = flags.next().context(USAGE)?;
    let times: usize = flags.next().context(USAGE)?.parse().context(USAGE)?;
    let (mut visit, offer) = (Visit::of_two()?, offer());
    match step.as_str() {
        "parse" => (0..times).try_for_each(|_| parse(&offer)),
        "splice" => splice(&offer, times),
        "decide" => visit.decide(&offer, times),
        "relay" => (0..times).try_for_each(|_| visit.hears(0, &offer)),
        _ => anyhow::bail!(USAGE),
    }
}

/// An offer of 2,500 bytes, with the escapes of an SDP.
fn offer() -> String {
    let line = r"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n";
    let mut text = r#"{"type":"offer","to":"bob","sdp":"v=0\r\n"#.to_owned();
    while text.len() + line.len() + 2 <= 2500 {
        text.push_str(line);
    }
    text + r#""}"#
}

fn parse(offer: &str) -> anyhow::Result<()> {
    let incoming = Incoming::parse(black_box(offer));
    anyhow::ensure!(matches!(black_box(incoming), Ok(Incoming { .. })), "not parsed");
    Ok(())
}

fn splice(offer: &str, times: usize) -> anyhow::Result<()> {
    let frame = Envelope::parse(offer)?.frame;
    let ada = PeerId::parse("ada").context("a name")?;
    for _ in 0..times {
        black_box(black_box(frame).stamped(Stamp { from: &ada, sent_at: None }));
    }
    Ok(())
}

/// Two peers in a room, and a driver with ports that do as little as ports can.
struct Visit {
    driver: Driver<OneRoom, Ends, Ends>,
    connections: Vec<Connection>,
}

impl Visit {
    fn of_two() -> anyhow::Result<Self> {
        let room = RoomId::parse("visit").context("a name")?;
        let driver = Driver {
            registry: OneRoom(Mutex::new(Arc::new(Room::empty(room, Version(0))))),
            connections: Ends,
            outbox: Ends,
            journal: Arc::new(()),
            rules: Rules::DEFAULT,
            ice: Arc::default(),
            gatekeeper: Gatekeeper::default(),
            mint_secret: || ResumeSecret::new("s"),
            mint_peer_id: |_| unreachable!("everybody has a name"),
        };
        let mut visit = Self { driver, connections: Vec::new() };
        for (nth, peer) in ["ada", "bob"].into_iter().enumerate() {
            let id = ConnectionId::new(peer);
            visit.connections.push(Connection::new(id, JoinDefaults::default()));
            let join = format!(r#"{{"type":"join","roomId":"visit","peerId":"{peer}"}}"#);
            visit.hears(nth, &join)?;
        }
        Ok(visit)
    }

    fn hears(&mut self, nth: usize, text: &str) -> anyhow::Result<()> {
        let incoming = Incoming::parse(black_box(text)).ok().context("not parsed")?;
        let from = &mut self.connections[nth];
        let handled = self.driver.receive(from, incoming, NOW).now_or_never();
        Ok(handled.context("a port had to wait")??)
    }

    fn decide(&self, offer: &str, times: usize) -> anyhow::Result<()> {
        let room = self.driver.registry.room();
        let who = self.connections[0].claim.as_ref().context("no seat")?;
        let incoming = Incoming::parse(offer).ok().context("not parsed")?;
        let ClientMessage::Signal(signal) = incoming.message else { anyhow::bail!("no signal") };
        let event = who.says(Said::Signal(signal));
        for _ in 0..times {
            let decision = black_box(&room).decide(black_box(&event), NOW, &self.driver.rules);
            anyhow::ensure!(black_box(decision).standing == Standing::Seated, "not relayed");
        }
        Ok(())
    }
}

/// A registry of a single room.
struct OneRoom(Mutex<Arc<Room>>);

impl OneRoom {
    fn room(&self) -> Arc<Room> {
        Arc::clone(&self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Registry for OneRoom {
    async fn load(&self, _: &RoomId) -> Result<Arc<Room>, Unavailable> {
        Ok(self.room())
    }

    async fn swap(&self, _: Version, next: Room) -> Result<Swap, Unavailable> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(next);
        Ok(Swap::Done)
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        Ok(None)
    }
}

/// Clients that take everything.
struct Ends;

impl Connections for Ends {
    async fn claim(
        &self,
        _: &mut Connection,
        _: &Claim,
        _: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        Ok(Claimed::Noted)
    }
}

impl Outbox for Ends {
    async fn send(
        &self,
        _: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        black_box(message);
        Ok(Delivery::Accepted)
    }

    async fn close(&self, _: &ConnectionId, _: CloseCode) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn detach(&self, _: &ConnectionId) -> Result<Unread, Unavailable> {
        Ok(Unread::UNKNOWN)
    }

    async fn probe(&self, _: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        Ok(Vec::new())
    }
}
