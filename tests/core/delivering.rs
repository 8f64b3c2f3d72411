//! What the driver makes of deliveries that fail, in a room of a few peers whose connections may be
//! gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use visio_signaling::core::audit::AuditEvent;
use visio_signaling::core::{Claim, Connection, ConnectionId, Grant, Room, Rules, Unread};
use visio_signaling::drive::Driver;
use visio_signaling::ports::{
    Claimed, Connections, Delivery, Journal, Outbox, Registry, Swap, Unavailable,
};
use visio_signaling::token::Gatekeeper;
use visio_signaling::wire::{
    CloseCode, Incoming, JoinDefaults, ResumeSecret, RoomId, RoomSummary, ServerMessage, Timestamp,
    Version,
};

use super::{peer, room_id};

const GRACE_MS: u64 = Rules::DEFAULT.grace_seconds as u64 * 1000;

#[test]
fn a_message_is_delivered_once_even_if_news_for_a_third_peer_find_it_gone() {
    let mut world = World::of(["ada", "bob", "cy", "dee"]);
    world.loses("dee");
    world.now += GRACE_MS;
    world.hangs_up("cy");
    world.hears("ada", r#"{"type":"offer","to":"bob"}"#);
    let offer = r#"{"from":"ada","type":"offer","to":"bob"}"#;
    assert_eq!(world.sent("bob").iter().filter(|it| *it == offer).count(), 1);
    assert_eq!(world.seated(), ["ada", "bob", "cy"], "cy is away");
}

#[test]
fn a_sender_that_has_just_gone_hears_of_dropped_messages_when_it_comes_back() {
    let mut world = World::of(["ada", "bob"]);
    world.loses("bob");
    world.hears("ada", r#"{"type":"offer","to":"bob"}"#);
    world.now += GRACE_MS - 1;
    world.hangs_up("ada");
    world.now += 1;
    world.due();
    let resume = r#"{"type":"join","resumeToken":"visit/ada/s1"}"#;
    world.opens("ada");
    world.hears("ada", resume);
    let sent = world.sent("ada");
    assert!(sent[0].contains(r#""resumed":true"#), "{sent:?}");
    let gone = sent.iter().filter(|it| it.contains(r#""code":"peer_gone""#));
    let gone: Vec<_> = gone.collect();
    assert_eq!(gone.len(), 1, "{sent:?}");
    assert!(gone[0].contains(r#""to":"bob","count":1"#), "{gone:?}");
}

#[test]
fn the_first_message_brings_the_join_of_the_url_along_and_no_later_one() {
    let mut world = World::of(["ada"]);
    world.opens("bob");
    world.connection("bob").defaults = JoinDefaults::parse("roomId=visit&peerId=bob");
    world.hears("bob", r#"{"type":"peers"}"#);
    assert_eq!(world.seated(), ["ada", "bob"]);
    assert!(world.sent("bob").last().unwrap().contains(r#""type":"roster""#));
    world.hears("bob", r#"{"type":"leave"}"#);
    assert_eq!(world.connection("bob").claim, None);
    world.hears("bob", r#"{"type":"peers"}"#);
    assert!(world.sent("bob").last().unwrap().contains(r#""code":"not_joined""#));
    assert_eq!(world.seated(), ["ada"]);
}

#[test]
fn a_connection_whose_url_asks_for_nothing_sits_nowhere_and_one_that_sits_stays() {
    let mut world = World::of(["ada", "bob"]);
    world.opens("cy");
    world.hears("cy", r#"{"type":"peers"}"#);
    assert!(world.sent("cy").last().unwrap().contains(r#""code":"not_joined""#));
    for _ in 0..2 {
        world.hears("ada", r#"{"type":"offer","to":"bob"}"#);
    }
    let offer = r#"{"from":"ada","type":"offer","to":"bob"}"#;
    assert_eq!(world.sent("bob").iter().filter(|it| *it == offer).count(), 2);
}

#[test]
fn what_is_due_is_told_though_nobody_says_anything() {
    let mut world = World::of(["ada", "bob"]);
    world.loses("bob");
    world.now += GRACE_MS;
    world.due();
    let left = world.sent("ada").last().cloned().unwrap();
    assert!(left.contains(r#""type":"peer_left""#) && left.contains(r#""timeout""#), "{left}");
}

#[test]
fn a_sender_is_told_of_a_peer_that_its_message_could_not_reach_in_time() {
    let mut world = World::of(["ada", "bob", "cy"]);
    world.busy("bob", Delivery::Busy);
    world.hears("ada", r#"{"type":"offer","to":"bob","requestId":"r1"}"#);
    let refused = world.sent("ada").last().cloned().unwrap();
    for part in [r#""code":"internal""#, r#""to":"bob""#, r#""requestId":"r1""#, "retryAfterMs"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let told = world.sent("ada").len();
    world.hears("ada", r#"{"type":"chat"}"#);
    assert_eq!(world.sent("ada").len(), told, "the others have it");
    world.busy("bob", Delivery::Full);
    world.hears("ada", r#"{"type":"chat"}"#);
    let dropped = world.sent("ada").last().cloned().unwrap();
    assert!(dropped.contains(r#""code":"peer_away""#), "{dropped}");
}

#[test]
fn a_sender_hears_nothing_of_a_peer_that_its_message_was_not_for() {
    let mut world = World::of(["ada", "bob", "cy", "dee"]);
    world.loses("dee");
    world.now += GRACE_MS;
    world.busy("cy", Delivery::Busy);
    world.hears("ada", r#"{"type":"offer","to":"bob"}"#);
    let (ada, bob) = (world.sent("ada"), world.sent("bob"));
    assert!(bob.last().unwrap().contains(r#""type":"offer""#), "{bob:?}");
    assert!(ada.last().unwrap().contains(r#""type":"peer_left""#), "{ada:?}");
}

#[test]
fn what_happens_in_a_visit_is_written_down_unless_it_is_the_health_checks_own() {
    let joined = |room| {
        let world = World::within(room, ["ada"]);
        let events = world.audit.0.lock().unwrap();
        events.clone()
    };
    assert_eq!(joined(room_id("visit")), ["joined"]);
    assert_eq!(joined(room_id("visit").own()), [""; 0]);
}

/// A driver, its ports, and the connections of some peers.
pub struct World {
    pub driver: Driver<OneRoom, Wires, Wires>,
    connections: Vec<(&'static str, Connection)>,
    audit: Arc<Audit>,
    now: u64,
}

impl World {
    pub fn of<const N: usize>(names: [&'static str; N]) -> Self {
        Self::within(room_id("visit"), names)
    }

    pub fn within<const N: usize>(room: RoomId, names: [&'static str; N]) -> Self {
        let wires = Wires::default();
        let audit = Arc::<Audit>::default();
        let driver = Driver {
            registry: OneRoom(Mutex::new(Room::empty(room, Version(0)))),
            connections: wires.clone(),
            outbox: wires,
            journal: audit.clone(),
            rules: Rules::DEFAULT,
            ice: Arc::default(),
            gatekeeper: Gatekeeper::default(),
            mint_secret: || ResumeSecret::new("s1"),
            mint_peer_id: |_| peer("minted"),
        };
        let mut world = Self { driver, connections: Vec::new(), audit, now: 1 };
        for name in names {
            world.opens(name);
            let join = format!(r#"{{"type":"join","roomId":"visit","peerId":"{name}"}}"#);
            world.hears(name, &join);
        }
        world
    }

    /// A peer opens a connection, its only one from now on.
    pub fn opens(&mut self, name: &'static str) {
        let id = ConnectionId::new(format!("{name}{}", self.connections.len()));
        self.connections.retain(|(of, _)| *of != name);
        self.connections.push((name, Connection::new(id, JoinDefaults::default())));
    }

    pub fn connection(&mut self, name: &str) -> &mut Connection {
        let connection = self.connections.iter_mut().find(|(of, _)| *of == name);
        &mut connection.expect("a connection").1
    }

    /// The server hears what a peer says.
    pub fn hears(&mut self, name: &str, text: &str) {
        let now = Timestamp(self.now);
        let connection = self.connections.iter_mut().find(|(of, _)| *of == name);
        let connection = &mut connection.expect("a connection").1;
        let incoming = Incoming::parse(text).expect("a message");
        let handled = self.driver.receive(connection, incoming, now).now_or_never();
        handled.expect("nothing waits").expect("the ports answer");
    }

    /// The server learns that a peer's connection has ended.
    fn loses(&mut self, name: &str) {
        let now = Timestamp(self.now);
        let connection = self.connections.iter_mut().find(|(of, _)| *of == name);
        let lost = self.driver.lost(&mut connection.expect("a connection").1, now);
        lost.now_or_never().expect("nothing waits").expect("the ports answer");
    }

    /// A peer's connection ends, and nobody knows.
    fn hangs_up(&self, name: &str) {
        let id = self.id(name);
        self.driver.outbox.0.lock().unwrap().gone.insert(id);
    }

    /// What is sent to a peer does not reach it from now on.
    fn busy(&self, name: &str, how: Delivery) {
        let id = self.id(name);
        self.driver.outbox.0.lock().unwrap().busy.insert(id, how);
    }

    fn due(&self) {
        let room = room_id("visit");
        let due = self.driver.due(&room, Timestamp(self.now)).now_or_never();
        due.expect("nothing waits").expect("the ports answer");
    }

    fn id(&self, name: &str) -> ConnectionId {
        self.connections.iter().find(|(of, _)| *of == name).expect("a connection").1.id.clone()
    }

    /// What a peer was sent on the connection that it has now.
    pub fn sent(&self, name: &str) -> Vec<String> {
        let id = self.id(name);
        let net = self.driver.outbox.0.lock().unwrap();
        net.sent.iter().filter(|(to, _)| *to == id).map(|(_, text)| text.clone()).collect()
    }

    pub fn seated(&self) -> Vec<String> {
        let room = self.driver.registry.0.lock().unwrap();
        room.seats().iter().map(|seat| seat.peer.as_str().to_owned()).collect()
    }
}

pub struct OneRoom(Mutex<Room>);

impl Registry for OneRoom {
    async fn load(&self, _: &RoomId) -> Result<Arc<Room>, Unavailable> {
        Ok(Arc::new(self.0.lock().unwrap().clone()))
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        let mut room = self.0.lock().unwrap();
        if room.version() != seen {
            return Ok(Swap::Raced);
        }
        *room = next;
        Ok(Swap::Done)
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        Ok(None)
    }
}

#[derive(Clone, Default)]
pub struct Wires(pub Arc<Mutex<Net>>);

#[derive(Default)]
pub struct Net {
    gone: BTreeSet<ConnectionId>,
    busy: BTreeMap<ConnectionId, Delivery>,
    sent: Vec<(ConnectionId, String)>,
    /// What every connection leaves behind.
    pub unread: Unread,
}

/// What was written down.
#[derive(Debug, Default)]
struct Audit(Mutex<Vec<&'static str>>);

impl Journal for Audit {
    fn record(&self, entry: AuditEvent) {
        self.0.lock().unwrap().push(entry.event);
    }
}

impl Connections for Wires {
    async fn claim(
        &self,
        _: &mut Connection,
        _: &Claim,
        _: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        Ok(Claimed::Noted)
    }
}

impl Outbox for Wires {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        let mut net = self.0.lock().unwrap();
        if net.gone.contains(to) {
            return Ok(Delivery::Gone);
        }
        if let Some(busy) = net.busy.get(to) {
            return Ok(*busy);
        }
        net.sent.push((to.clone(), message.encode()));
        Ok(Delivery::Accepted)
    }

    async fn close(&self, _: &ConnectionId, _: CloseCode) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn detach(&self, _: &ConnectionId) -> Result<Unread, Unavailable> {
        Ok(self.0.lock().unwrap().unread.clone())
    }

    async fn probe(&self, _: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        Ok(Vec::new())
    }
}
