//! The driver, its ports, the server's side of each connection, and the order in which all act.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use visio_signaling::core::audit::AuditEvent;
use visio_signaling::core::{Connection, ConnectionId, Room, Rules, UnreadBounds};
use visio_signaling::drive::Driver;
use visio_signaling::ports::{Journal, Registry, Swap, Unavailable};
use visio_signaling::wire::{
    ClientMessage, Code, Incoming, JoinDefaults, Rejection, ResumeSecret, RoomId, RoomSummary,
    ServerMessage, Timestamp, Version,
};

use super::super::dice::{Dice, Task, others_first, step};
use super::client::Client;
use super::door::Door;
use super::faults::Fault;
use super::mailbox::{Parcel, State, Stop};
use super::net::{self, Conn, Runtime, Turn, Up, Wires};

pub const SEATS: u16 = 3;
pub const GRACE_MS: u64 = 1_000;
/// When a world begins.
const BEGIN: u64 = 1_000_000;
/// No seed needs nearly as many.
const MOST_STEPS: u64 = 400_000;

pub struct World {
    pub driver: Driver<Rooms, Wires, Wires>,
    pub wires: Wires,
    pub clients: Vec<Mutex<Client>>,
    pub rooms: usize,
    pub door: Arc<Door>,
    pub log: Arc<Log>,
    /// Of whom hosts have decided, and when they began to.
    decided: Mutex<Vec<(String, Timestamp)>>,
    now: AtomicU64,
    /// Nobody starts anything new.
    pub rests: AtomicBool,
    /// What became due meanwhile is not all done yet.
    pub jumps: AtomicBool,
    born: Mutex<Vec<Task>>,
}

thread_local! {
    static SECRETS: Cell<u64> = const { Cell::new(0) };
}

impl World {
    pub fn new(runtime: Runtime, seed: u64, clients: u64, rooms: u64) -> Self {
        SECRETS.set(0);
        let wires = Wires::new(runtime, seed);
        let unread = match runtime {
            Runtime::Counts => UnreadBounds { messages: 5, bytes: 1_200, bytes_in_room: 2_000 },
            Runtime::Forgets => UnreadBounds::NONE,
        };
        // In some worlds a seat ends with its connection.
        let grace_seconds = u16::from(seed % 5 != 3);
        let rules = Rules { max_peers_per_room: SEATS, grace_seconds, unread, ..Rules::DEFAULT };
        let (door, log) = (Arc::new(Door::new(seed, clients, rooms)), Arc::new(Log::default()));
        let registry =
            Rooms { all: Mutex::default(), wires: wires.clone(), door: Arc::clone(&door) };
        let driver = Driver {
            registry,
            connections: wires.clone(),
            outbox: wires.clone(),
            journal: Arc::clone(&log) as Arc<dyn Journal>,
            rules,
            ice: Arc::default(),
            gatekeeper: door.keeper(),
            mint_secret: || {
                SECRETS.set(SECRETS.get() + 1);
                ResumeSecret::new(format!("s{}", SECRETS.get()))
            },
            mint_peer_id: |_| crate::peer("minted"),
        };
        let rooms = usize::try_from(rooms).unwrap();
        let client = |nth: u64| {
            let place = usize::try_from(nth).unwrap();
            Mutex::new(Client::new(nth, place % rooms, door.role(place), runtime))
        };
        let clients = (0..clients).map(client).collect();
        let (now, born, decided) = (AtomicU64::new(BEGIN), Mutex::default(), Mutex::default());
        let (rests, jumps) = <(AtomicBool, AtomicBool)>::default();
        Self { driver, wires, clients, rooms, door, log, decided, now, rests, jumps, born }
    }

    pub fn grace_ms(&self) -> u64 {
        GRACE_MS * u64::from(self.driver.rules.grace_seconds)
    }

    /// When the server last found a peer gone.
    pub fn gave_up(&self, peer: &str) -> Option<u64> {
        let entries = self.log.entries();
        let left = entries.iter().filter(|it| it.event == "left");
        left.filter(|it| it.peer_id == Some(crate::peer(peer))).map(|it| it.at.0).max()
    }

    /// Whether a host has decided of a peer since about the time when it began to wait.
    pub fn was_decided_on(&self, peer: &str, since: u64) -> bool {
        let decided = self.decided.lock().unwrap();
        decided.iter().any(|(of, at)| of == peer && at.0 + GRACE_MS > since)
    }

    /// The time. No two events happen at the same one.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now.fetch_add(1, Ordering::Relaxed))
    }

    pub fn clock(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn spawn(&self, task: Task) {
        self.born.lock().unwrap().push(task);
    }

    /// Opens a connection, and serves it.
    pub fn open(self: &Arc<Self>) -> usize {
        let mut net = self.wires.net();
        let place = net.conns.len();
        net.conns.push(Conn::new());
        let task: Task = match net.runtime {
            Runtime::Counts => Box::pin(serve(Arc::clone(self), place)),
            Runtime::Forgets => Box::pin(serve_forgetfully(Arc::clone(self), place)),
        };
        drop(net);
        self.spawn(task);
        place
    }

    fn connection(&self, place: usize) -> Connection {
        let id = ConnectionId::new(format!("c{place}"));
        Connection::new(id, JoinDefaults::default())
    }

    /// Jumps, and ends what is then due.
    pub async fn jump(&self, ms: u64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
        let ids: Vec<_> = self.driver.registry.all.lock().unwrap().keys().cloned().collect();
        for id in ids {
            let now = self.now();
            let room = self.driver.registry.read(&id);
            if room.next_due().is_some_and(|due| due <= now) {
                self.wires.net().faults.note(Fault::PastGrace);
                self.driver.due(&id, now).await.unwrap();
            }
        }
    }

    /// Lets everybody act until `done`.
    pub fn run(&self, dice: &mut Dice, tasks: &mut Vec<Task>, done: impl Fn(&Self) -> bool) {
        for steps in 0.. {
            assert!(steps < MOST_STEPS, "this never comes to rest");
            tasks.append(&mut self.born.lock().unwrap());
            if steps % 32 == 0 && done(self) {
                return;
            }
            step(dice, tasks);
        }
    }

    /// Whether everybody has all that was sent, and wants nothing more.
    pub fn is_quiet(&self) -> bool {
        let idle = |conn: &Conn| {
            let waits = conn.mailbox.state == State::Open && conn.mailbox.parcels.is_empty();
            let waits = waits && conn.writing.is_empty();
            let served = conn.up.is_empty() && !conn.handling && !conn.noticed && !conn.gone;
            (conn.dropped || conn.down.is_empty()) && (conn.ended || (waits && served))
        };
        !self.jumps.load(Ordering::Relaxed)
            && self.wires.net().conns.iter().all(idle)
            && self.clients.iter().all(|client| client.lock().unwrap().rests())
    }

    async fn handle(&self, connection: &mut Connection, text: &str) -> Option<Rejection> {
        let incoming = match Incoming::parse(text) {
            Ok(incoming) => incoming,
            Err(rejection) => return Some(rejection),
        };
        let to = incoming.message.to().cloned();
        let request_id = incoming.request_id.clone();
        let now = self.now();
        if let ClientMessage::Host(said) = &incoming.message {
            let of = said.peer().map(|peer| (peer.as_str().to_owned(), now));
            self.decided.lock().unwrap().extend(of);
        }
        let room = connection.claim.as_ref().map(|claim| self.driver.registry.read(&claim.room));
        {
            let mut net = self.wires.net();
            net.trace(text);
            let id = net::request_id(text).map(str::to_owned);
            let at =
                room.map_or((RoomId::fallback(), Version(0)), |it| (it.id().clone(), it.version()));
            net.handled.extend(id.map(|id| (id, at)));
        }
        let handled = self.driver.receive(connection, incoming, now).await;
        let fault = Rejection::new(Code::Internal, "our fault; nothing was changed");
        handled.err().map(|_| fault.to(to).answering(request_id))
    }
}

/// The server's side of a connection, as the standalone server has it.
async fn serve(world: Arc<World>, place: usize) {
    let mut connection = world.connection(place);
    let mut taken = 0;
    let end = loop {
        let text = match world.wires.turn(place).await {
            Turn::End(end) => break end,
            Turn::Frame(text) => text,
        };
        world.wires.net().conns[place].handling = true;
        let joins = text.starts_with(r#"{"type":"join"#);
        let refusal = world.handle(&mut connection, &text).await;
        taken += u64::from(!joins);
        let mut net = world.wires.net();
        let net = &mut *net;
        let conn = &mut net.conns[place];
        conn.handling = false;
        conn.mailbox.unmark();
        if let Some(refusal) = refusal {
            let _ = conn.mailbox.post(vec![refusal.into()], &mut net.faults);
        }
    };
    finish(&world, place, taken);
    let replaced = end == Some(Stop::Replaced);
    if !replaced {
        give_up(&world, &mut connection).await;
    }
    farewell(&world, place, end);
    if replaced {
        give_up(&world, &mut connection).await;
    }
    let mut net = world.wires.net();
    (net.conns[place].gone, net.conns[place].ended) = (true, true);
}

fn finish(world: &World, place: usize, taken: u64) {
    let mut net = world.wires.net();
    let writing = &net.conns[place].writing;
    let unwritten = writing.iter().filter(|it| matches!(it, Parcel::Text(_))).count();
    if unwritten > 0 {
        net.faults.note(Fault::NotWritten);
    }
    net.conns[place].mailbox.finish(taken, unwritten);
}

/// Tells the client why the server ends the connection.
fn farewell(world: &World, place: usize, end: Option<Stop>) {
    let mut net = world.wires.net();
    let conn = &mut net.conns[place];
    conn.up.clear();
    if let Some(stop) = end {
        let code = match stop {
            Stop::Full => Code::SlowConsumer,
            Stop::Replaced => Code::Replaced,
            Stop::Silent => Code::IdleTimeout,
        };
        let rejection = Rejection::new(code, "the connection ends");
        conn.down.push_back(Parcel::Text(ServerMessage::from(rejection).encode()));
        conn.down.push_back(Parcel::Close);
    }
}

/// The end of a connection may be told twice.
async fn give_up(world: &World, connection: &mut Connection) {
    let claim = connection.claim.clone();
    world.driver.lost(connection, world.now()).await.unwrap();
    if claim.is_some() && world.wires.net().dice.one_in(4) {
        world.wires.net().faults.note(Fault::LossNoticedTwice);
        connection.claim = claim;
        world.driver.lost(connection, world.now()).await.unwrap();
    }
}

/// The server's side of a connection where a gateway has it. Its end may never be told.
async fn serve_forgetfully(world: Arc<World>, place: usize) {
    let mut connection = world.connection(place);
    loop {
        let frame = world.wires.net().conns[place].up.pop_front();
        if let Some(Up::Text(text)) = frame {
            world.wires.net().conns[place].handling = true;
            if let Some(refusal) = world.handle(&mut connection, &text).await {
                world.driver.answer(&connection.id, refusal).await.unwrap();
            }
            world.wires.net().conns[place].handling = false;
        }
        if world.wires.net().conns[place].ends() {
            break;
        }
        others_first().await;
    }
    if world.wires.net().dice.below(4) > 0 {
        give_up(&world, &mut connection).await;
    }
    world.wires.net().conns[place].ended = true;
}

/// A registry in which others may go first at every call.
pub struct Rooms {
    pub all: Mutex<BTreeMap<RoomId, Room>>,
    wires: Wires,
    door: Arc<Door>,
}

impl Rooms {
    pub fn read(&self, id: &RoomId) -> Room {
        let empty = || Room::empty(id.clone(), Version(0));
        self.all.lock().unwrap().get(id).cloned().unwrap_or_else(empty)
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
            self.wires.net().faults.note(Fault::SwapRaced);
            return Ok(Swap::Raced);
        }
        let mut peers: Vec<_> = next.seats().iter().map(|seat| &seat.peer).collect();
        let number = next.id().as_str()[1..].parse().unwrap();
        assert!(peers.len() <= self.door.seats(number), "too many seats: {peers:?}");
        peers.sort();
        peers.dedup();
        assert_eq!(peers.len(), next.seats().len(), "a peer has two seats");
        assert!(next.version() > seen, "versions run forwards");
        self.wires.net().lobbies.note(&next);
        self.all.lock().unwrap().insert(next.id().clone(), next);
        Ok(Swap::Done)
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        Ok(None)
    }
}

/// An audit log that can be read.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<AuditEvent>>);

impl Log {
    pub fn entries(&self) -> MutexGuard<'_, Vec<AuditEvent>> {
        self.0.lock().unwrap()
    }
}

impl Journal for Log {
    fn record(&self, entry: AuditEvent) {
        self.0.lock().unwrap().push(entry);
    }
}
