//! A world from a seed: many clients, one driver, and at every await any other task may go first.
//! Deliveries cross, swaps lose races, connections die without a word, goodbyes come late or twice.
//! Once all is quiet, every living peer must know the room as it is, and of every two peers exactly
//! one must have been told to offer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use visio_signaling::core::audit::AuditEvent;
use visio_signaling::core::{Claim, Connection, ConnectionId, Grant, Room, Rules, Unread};
use visio_signaling::drive::Driver;
use visio_signaling::ports::{
    Claimed, Connections, Delivery, Journal, Outbox, Registry, Swap, Unavailable,
};
use visio_signaling::token::{Gatekeeper, Refused};
use visio_signaling::wire::{
    CloseCode, Incoming, JoinDefaults, PeerId, ResumeSecret, Role, RoomId, RoomSummary,
    ServerMessage, Timestamp, Token, Version,
};

use super::dice::{Dice, Task, others_first, step};
use super::{peer, room_id};

const SEEDS: u64 = 400;
const CLIENTS: u64 = 6;
const ACTS: usize = 25;
const SEATS: u16 = 4;

#[test]
fn at_rest_every_living_peer_knows_the_room() {
    for seed in 0..SEEDS {
        let world = Arc::new(World::default());
        play(seed, &world);
        settle(&world);
        world.check(seed);
    }
}

/// Two hosts remove peers at random, while everybody comes and goes.
#[test]
fn at_rest_no_removed_peer_is_there() {
    let mut removals = 0;
    for seed in 0..SEEDS {
        let world = Arc::new(World::let_in_by(Gatekeeper::new(by_name)));
        let visitors =
            (0..CLIENTS).map(|nth| visitor(nth, Dice(seed * CLIENTS + nth), Arc::clone(&world)));
        run(&mut Dice(seed), visitors.map(|task| Box::pin(task) as Task).collect());
        let room = world.room();
        let audit = world.log.0.lock().unwrap();
        for entry in audit.iter().filter(|entry| entry.event == "removed") {
            let removed = entry.peer_id.as_ref().unwrap();
            assert!(room.seat(removed).is_none(), "seed {seed}: {removed:?} was removed");
            removals += 1;
        }
    }
    assert!(removals > SEEDS, "{removals} in {SEEDS} worlds");
}

/// A token is its owner's name. The first two are hosts.
fn by_name(token: &Token, _: Timestamp) -> Result<Grant, Refused> {
    let host = ["p0", "p1"].contains(&token.expose());
    Ok(Grant {
        subject: peer(token.expose()),
        room: room_id("visit"),
        role: if host { Role::Host } else { Role::Guest },
        name: None,
        relay_only: false,
        lobby: false,
        capacity: None,
        expires_at: Timestamp(NOW.0 + 1),
        visit_end: None,
        readmitted_at: None,
    })
}

/// One peer: it joins, leaves, loses its connection, comes back, and removes others if it may.
async fn visitor(nth: u64, mut dice: Dice, world: Arc<World>) {
    let mut connection = world.open();
    for _ in 0..ACTS {
        let to = dice.below(CLIENTS);
        let text = match dice.below(8) {
            0..=4 => format!(r#"{{"type":"join","token":"p{nth}"}}"#),
            5 => r#"{"type":"leave"}"#.to_owned(),
            6 => format!(r#"{{"type":"remove","peerId":"p{to}"}}"#),
            _ => {
                world.kill(&connection.id);
                world.driver.lost(&mut connection, NOW).await.unwrap();
                continue;
            }
        };
        if !world.lives(&connection.id) {
            connection = world.open();
        }
        world.say(&mut connection, &text).await;
    }
}

/// Lets every client act at random, all at once.
fn play(seed: u64, world: &Arc<World>) {
    let clients =
        (0..CLIENTS).map(|nth| client(nth, Dice(seed * CLIENTS + nth), Arc::clone(world)));
    run(&mut Dice(seed), clients.map(|task| Box::pin(task) as Task).collect());
}

/// One peer: it joins, signals, leaves, loses its connection and comes back.
async fn client(nth: u64, mut dice: Dice, world: Arc<World>) {
    let name = format!("p{nth}");
    let mut connection = world.open();
    for _ in 0..ACTS {
        let to = dice.below(CLIENTS);
        match dice.below(10) {
            0..=3 => world.say(&mut connection, &join(&name)).await,
            4 | 5 => {
                world.say(&mut connection, &format!(r#"{{"type":"offer","to":"p{to}"}}"#)).await
            }
            6 => world.say(&mut connection, r#"{"type":"chat","message":"x"}"#).await,
            7 => world.say(&mut connection, r#"{"type":"leave"}"#).await,
            // The connection dies. Its end may be noticed, noticed twice, or never.
            8 => {
                world.kill(&connection.id);
                let mut twin = Connection { claim: connection.claim.clone(), ..world.open() };
                for _ in 0..dice.below(3) {
                    world.driver.lost(&mut twin, NOW).await.unwrap();
                    twin.claim.clone_from(&connection.claim);
                }
                connection = world.open();
            }
            // A second page of the same peer takes over; the goodbye of the first comes late.
            _ => {
                let mut old = std::mem::replace(&mut connection, world.open());
                world.say(&mut connection, &join(&name)).await;
                world.kill(&old.id);
                world.driver.lost(&mut old, NOW).await.unwrap();
            }
        }
    }
}

/// Every peer that is still there sends a message to all, which discovers the connections that died
/// without a word.
fn settle(world: &Arc<World>) {
    for conn in world.living() {
        let claim = world.claim_of(&conn);
        let mut connection = Connection { claim, ..Connection::new(conn, JoinDefaults::default()) };
        let world = Arc::clone(world);
        let task = async move { world.say(&mut connection, r#"{"type":"chat"}"#).await };
        run(&mut Dice(0), vec![Box::pin(task)]);
    }
}

fn join(name: &str) -> String {
    format!(r#"{{"type":"join","roomId":"visit","peerId":"{name}"}}"#)
}

const NOW: Timestamp = Timestamp(1);

/// The driver, its ports, and what reached each connection.
struct World {
    driver: Driver<Rooms, OnTheStack, Inboxes>,
    log: Arc<Log>,
}

impl Default for World {
    fn default() -> Self {
        Self::let_in_by(Gatekeeper::default())
    }
}

impl World {
    fn let_in_by(gatekeeper: Gatekeeper) -> Self {
        let rules = Rules { max_peers_per_room: SEATS, grace_seconds: 0, ..Rules::default() };
        let mint_peer_id = |_: &ConnectionId| peer("minted");
        let log = Arc::new(Log::default());
        let driver = Driver {
            mint_secret: || ResumeSecret::new("s"),
            registry: Rooms::default(),
            connections: OnTheStack,
            outbox: Inboxes::default(),
            journal: Arc::clone(&log) as Arc<dyn Journal>,
            rules,
            ice: Arc::default(),
            gatekeeper,
            mint_peer_id,
        };
        Self { driver, log }
    }

    fn open(&self) -> Connection {
        let mut inboxes = self.driver.outbox.0.lock().unwrap();
        let id = ConnectionId::new(format!("c{}", inboxes.len()));
        inboxes.insert(id.to_string(), Inbox { alive: true, messages: Vec::new() });
        Connection::new(id, JoinDefaults::default())
    }

    async fn say(&self, connection: &mut Connection, text: &str) {
        let incoming = Incoming::parse(text).unwrap();
        self.driver.receive(connection, incoming, NOW).await.unwrap();
    }

    fn kill(&self, conn: &ConnectionId) {
        self.driver.outbox.0.lock().unwrap().get_mut(&conn.to_string()).unwrap().alive = false;
    }

    fn lives(&self, conn: &ConnectionId) -> bool {
        self.driver.outbox.0.lock().unwrap()[&conn.to_string()].alive
    }

    fn room(&self) -> Room {
        self.driver.registry.read(&room_id("visit"))
    }

    /// The connections that hold a seat and live.
    fn living(&self) -> Vec<ConnectionId> {
        let inboxes = self.driver.outbox.0.lock().unwrap();
        let room = self.room();
        let seats = room.seats().iter().map(|seat| seat.here().unwrap().clone());
        seats.filter(|conn| inboxes[&conn.to_string()].alive).collect()
    }

    fn claim_of(&self, conn: &ConnectionId) -> Option<visio_signaling::core::Claim> {
        let room = self.room();
        let seat = room.seats().iter().find(|seat| seat.here() == Some(conn))?;
        Some(super::claim(&conn.to_string(), "visit", seat.peer.as_str()))
    }

    fn check(&self, seed: u64) {
        let room = self.room();
        let inboxes = self.driver.outbox.0.lock().unwrap();
        let mut offers = BTreeSet::new();
        for seat in room.seats() {
            let inbox = &inboxes[&seat.here().unwrap().to_string()];
            assert!(inbox.alive, "seed {seed}: a ghost holds a seat");
            let mut others: Vec<_> = room.seats().iter().map(|seat| &seat.peer).collect();
            others.retain(|other| **other != seat.peer);
            assert_eq!(inbox.last_roster(), others, "seed {seed}: {}", seat.peer.as_str());
            for earlier in inbox.told_at_joining() {
                offers.insert((seat.peer.clone(), earlier));
            }
        }
        for (nth, early) in room.seats().iter().enumerate() {
            for late in &room.seats()[nth + 1..] {
                let offer = (late.peer.clone(), early.peer.clone());
                assert!(offers.contains(&offer), "seed {seed}: nobody offers");
            }
        }
    }
}

/// The messages that a connection was sent.
struct Inbox {
    alive: bool,
    messages: Vec<ServerMessage>,
}

impl Inbox {
    /// The peers that it was told to offer to when it last joined.
    fn told_at_joining(&self) -> Vec<PeerId> {
        let joined = self.messages.iter().rev().find_map(|message| match message {
            ServerMessage::Joined { peers, .. } => Some(peers),
            _ => None,
        });
        let peers = joined.expect("whoever sits was told so");
        peers.iter().map(|peer| peer.peer_id.clone()).collect()
    }

    /// The peers of the highest version seen, as a client keeps them.
    fn last_roster(&self) -> Vec<&PeerId> {
        let rosters = self.messages.iter().filter_map(|message| match message {
            ServerMessage::Joined { version, peers, .. }
            | ServerMessage::PeerJoined { version, peers, .. }
            | ServerMessage::PeerLeft { version, peers, .. } => Some((version, peers)),
            _ => None,
        });
        let (_, peers) = rosters.max_by_key(|(version, _)| **version).expect("a roster");
        peers.iter().map(|peer| &peer.peer_id).collect()
    }
}

/// A registry in which other tasks may go first at every call.
#[derive(Default)]
struct Rooms(Mutex<BTreeMap<RoomId, Room>>);

impl Rooms {
    fn read(&self, id: &RoomId) -> Room {
        let empty = || Room::empty(id.clone(), Version(0));
        self.0.lock().unwrap().get(id).cloned().unwrap_or_else(empty)
    }
}

impl Registry for Rooms {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        others_first().await;
        Ok(Arc::new(self.read(room)))
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        others_first().await;
        if self.read(next.id()).version() != seen {
            return Ok(Swap::Raced);
        }
        self.0.lock().unwrap().insert(next.id().clone(), next);
        Ok(Swap::Done)
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        Ok(None)
    }
}

/// Claims that nobody else has to search.
struct OnTheStack;

impl Connections for OnTheStack {
    async fn claim(
        &self,
        _: &mut Connection,
        _: &Claim,
        _: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        Ok(Claimed::Noted)
    }
}

/// An audit log that can be read.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<AuditEvent>>);

impl Journal for Log {
    fn record(&self, entry: AuditEvent) {
        self.0.lock().unwrap().push(entry);
    }
}

/// An outbox in which other tasks may go first at every call.
#[derive(Default)]
struct Inboxes(Mutex<BTreeMap<String, Inbox>>);

impl Outbox for Inboxes {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        others_first().await;
        let mut inboxes = self.0.lock().unwrap();
        let inbox = inboxes.get_mut(&to.to_string()).unwrap();
        if !inbox.alive {
            return Ok(Delivery::Gone);
        }
        inbox.messages.push(message);
        Ok(Delivery::Accepted)
    }

    async fn close(&self, conn: &ConnectionId, _: CloseCode) -> Result<(), Unavailable> {
        others_first().await;
        self.0.lock().unwrap().get_mut(&conn.to_string()).unwrap().alive = false;
        Ok(())
    }

    async fn detach(&self, _: &ConnectionId) -> Result<Unread, Unavailable> {
        others_first().await;
        Ok(Unread::default())
    }

    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        others_first().await;
        let inboxes = self.0.lock().unwrap();
        Ok(conns.iter().filter(|conn| !inboxes[&conn.to_string()].alive).cloned().collect())
    }
}

/// Polls the tasks in random order, until all are done.
fn run(dice: &mut Dice, mut tasks: Vec<Task>) {
    while !tasks.is_empty() {
        step(dice, &mut tasks);
    }
}
