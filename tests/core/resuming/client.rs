//! A good client: it counts what it receives, comes back with its token, and sends again what was
//! not taken.

use std::collections::BTreeSet;

use serde_json::Value;
use visio_signaling::wire::{Role, RoomId};

use super::faults::Fault;
use super::knocks::Lobby;
use super::net::{Net, Runtime, Up};
use super::page::Page;
use super::world::{GRACE_MS, World};

/// Where a client stands, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    Seated,
    /// In the lobby, since then.
    Waiting(u64),
    /// The room was full.
    Refused,
    /// A host has removed it from its own room.
    Out,
}

/// A place in a lobby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    room: usize,
    since: u64,
    /// Its visit token will not end before all is over.
    lasts: bool,
    /// When it lost the connection that waited.
    lost_at: Option<u64>,
}

pub struct Client {
    pub name: String,
    pub room: usize,
    home: usize,
    nth: u64,
    pages: u64,
    pub role: Role,
    pub place: Place,
    /// News of another room, which may be the one that it is about to sit in.
    pub news: Vec<Value>,
    /// What came before the answer.
    pending: Option<Value>,
    /// The room that it asked to move to.
    pub moving: Option<usize>,
    pub conn: Option<usize>,
    /// All connections that it ever had.
    pub conns: Vec<usize>,
    /// The connection before.
    old: Option<usize>,
    /// Connections on which it asked for a seat, and heard no answer.
    unanswered: BTreeSet<usize>,
    pub page: Page,
    /// How often the token of the page was shown.
    pub shown: u64,
    /// How often it asked for a seat.
    asks: u64,
    lost_at: u64,
    pub resting: bool,
    pub runtime: Runtime,
    /// The place in a lobby that it had last, and has not given up.
    waited: Option<Waited>,
    /// The visit token that it showed last will not end before all is over.
    lasts: bool,
    /// Its connection has brought it in before, so that it need not show its token again.
    pub known: bool,
    /// Whom a host knows to wait: the last list, and who has knocked since.
    pub lobby: Lobby,
    /// The rooms from which it was removed.
    removed: BTreeSet<usize>,
}

impl Client {
    pub fn new(nth: u64, room: usize, role: Role, runtime: Runtime) -> Self {
        Self {
            name: format!("p{nth}"),
            room,
            home: room,
            nth,
            pages: 0,
            role,
            place: Place::Nowhere,
            news: Vec::new(),
            pending: None,
            moving: None,
            conn: None,
            conns: Vec::new(),
            old: None,
            unanswered: BTreeSet::new(),
            page: Page::new(nth * 1000),
            shown: 0,
            asks: 0,
            lost_at: 0,
            resting: false,
            runtime,
            waited: None,
            lasts: true,
            known: false,
            lobby: Lobby::default(),
            removed: BTreeSet::new(),
        }
    }

    /// It shows a visit token.
    pub fn shows(&mut self, lasts: bool) {
        self.lasts = lasts;
        if let Some(waited) = &mut self.waited {
            waited.lasts &= lasts;
        }
    }

    /// It asks for a seat. Returns what names the request.
    pub fn ask(&mut self) -> String {
        self.asks += 1;
        self.unanswered.extend(self.conn);
        self.asked()
    }

    /// What names its last request for a seat.
    fn asked(&self) -> String {
        format!("join.{}", self.asks)
    }

    pub fn room_id(&self) -> RoomId {
        crate::room_id(&format!("r{}", self.room))
    }

    pub fn is_seated(&self) -> bool {
        self.place == Place::Seated
    }

    pub fn rests(&self) -> bool {
        let settled = matches!(self.place, Place::Seated | Place::Waiting(_) | Place::Refused);
        self.resting && (self.place == Place::Out || (self.conn.is_some() && settled))
    }

    /// Everything is forgotten, as by a reload. The server counts by connections.
    pub fn turn_page(&mut self) {
        self.pages += 1;
        let sent = std::mem::take(&mut self.page.sent);
        self.page = Page { sent, ..Page::new(self.nth * 1000 + self.pages) };
        self.shown = 0;
    }

    /// It has left, and means it.
    pub fn leave(&mut self) {
        self.turn_page();
        (self.place, self.waited, self.pending) = (Place::Nowhere, None, None);
    }

    /// It has lost its connection.
    pub fn lose(&mut self, now: u64) -> Option<usize> {
        let conn = self.conn.take()?;
        (self.old, self.lost_at, self.moving) = (Some(conn), now, None);
        self.news.clear();
        self.pending = None;
        if let Some(waited) = &mut self.waited {
            waited.lost_at.get_or_insert(now);
        }
        if self.place != Place::Out {
            self.place = Place::Nowhere;
        }
        Some(conn)
    }

    /// Notes whether this answers its last request for a seat.
    pub fn note_answer(&mut self, message: &Value) {
        if message["requestId"] == self.asked()
            && let Some(conn) = self.conn
        {
            self.unanswered.remove(&conn);
        }
    }

    /// Takes what the server says to a join.
    pub fn joined(&mut self, world: &World, message: &Value) {
        let mut net = world.wires.net();
        let room = number(message["roomId"].as_str().unwrap());
        let version = message["version"].as_u64().unwrap();
        assert_eq!(message["peerId"], *self.name);
        let waits = matches!(self.place, Place::Waiting(_));
        if waits && room == self.room && version < self.page.placed {
            net.faults.note(Fault::NewsOvertaken);
            return;
        }
        if room != self.room && self.moving != Some(room) && message["requestId"].is_null() {
            // A host of the room that it has left let it in meanwhile.
            net.faults.note(Fault::NewsOfAnotherRoom);
            return;
        }
        assert!(!self.removed.contains(&room), "{} was removed from r{room}", self.name);
        if message["resumed"] == true {
            assert!(self.page.token.is_some(), "{} resumes what it never had", self.name);
            assert_eq!(room, self.room, "{} resumes what it had elsewhere", self.name);
            self.resume(&mut net, message["received"].as_u64());
        } else {
            self.sit(world, &mut net, room);
            self.page.arrive(message);
        }
        (self.place, self.waited, self.known) = (Place::Seated, None, true);
        self.shown = 0;
        self.page.placed = version;
        self.page.token = message["resumeToken"].as_str().map(str::to_owned);
        self.page.received = 0;
        self.page.note_roster(message);
        for news in std::mem::take(&mut self.news) {
            if news["roomId"] == message["roomId"] {
                match news["type"].as_str() {
                    Some("knock") => self.lobby.knock(&news),
                    Some("lobby") => self.lobby.list(&news),
                    _ => self.page.note_roster(&news),
                }
            }
        }
    }

    /// Takes what came before the answer to its request for a seat.
    pub fn catch_up(&mut self, world: &World) {
        if self.place != Place::Nowhere
            && let Some(message) = self.pending.take()
            && message["roomId"] == format!("r{}", self.room)
        {
            self.waits(world, &message);
        }
    }

    /// Sends again what was not taken.
    fn resume(&mut self, net: &mut Net, taken: Option<u64>) {
        if self.old.is_some_and(|old| !net.conns[old].noticed) {
            net.faults.note(Fault::ResumedBeforeLossNoticed);
        }
        if self.shown > 1 {
            net.faults.note(Fault::ResumedWithTokenBefore);
        }
        assert_eq!(taken.is_some(), self.runtime == Runtime::Counts);
        let all = std::mem::take(&mut self.page.sent);
        let taken = taken.map_or(all.len(), |taken| usize::try_from(taken).unwrap());
        assert!(taken <= all.len(), "{} sent {}, {taken} were taken", self.name, all.len());
        for text in &all[taken..] {
            net.faults.note(Fault::SentAgain);
            net.conns[self.conn.unwrap()].up.push_back(Up::Text(text.clone()));
        }
        self.page.sent = all[taken..].to_vec();
    }

    /// It sits on a page of its own.
    fn sit(&mut self, world: &World, net: &mut Net, room: usize) {
        if self.moving.take_if(|moving| *moving == room).is_some() {
            net.faults.note(Fault::Moved);
            self.turn_page();
            (self.room, self.lobby) = (room, Lobby::default());
            return;
        }
        assert_eq!(room, self.room, "{} sits where it did not ask to", self.name);
        if matches!(self.place, Place::Waiting(_)) {
            net.faults.note(Fault::Admitted);
        }
        if self.page.token.is_some() {
            if world.clock() >= self.lost_at + world.grace_ms() {
                net.faults.note(Fault::CameTooLate);
            } else if world.door.is_open {
                net.faults.note(Fault::MissedTooMuch);
            }
            self.pages += 1;
            let uid = self.nth * 1000 + self.pages;
            self.page = std::mem::take(&mut self.page).next(uid);
        }
    }

    /// Takes a place in the lobby.
    pub fn waits(&mut self, world: &World, message: &Value) {
        if self.place == Place::Nowhere && message["requestId"] != self.asked() {
            // It is of a place that was given up meanwhile, or has overtaken the answer.
            self.pending = Some(message.clone());
            return;
        }
        let room = number(message["roomId"].as_str().unwrap());
        if room != self.room && self.moving != Some(room) {
            // It has moved on.
            return;
        }
        let since = message["since"].as_u64().unwrap();
        let version = message["version"].as_u64().unwrap();
        let placed = matches!(self.place, Place::Seated | Place::Waiting(_));
        if placed && room == self.room && version < self.page.placed {
            world.wires.net().faults.note(Fault::NewsOvertaken);
            return;
        }
        if self.is_seated() && self.moving != Some(room) {
            world.wires.net().faults.note(Fault::SentBack);
        }
        if self.is_seated() {
            self.turn_page();
        } else if self.page.token.is_some() {
            // What it sent on the connection before is lost with the seat.
            self.page.sent.clear();
            self.turn_page();
        }
        (self.room, self.moving) = (room, self.moving.filter(|moving| *moving != room));
        let place = Waited { room, since, lasts: self.lasts, lost_at: None };
        let before = self.waited.replace(place).filter(|it| it.room == room);
        // The grace time counts from when the server began to handle what found it gone.
        let in_time = |lost: u64| world.clock() + GRACE_MS / 3 < lost + world.grace_ms();
        if let Some(before) = before
            && self.place == Place::Nowhere
            && before.lasts
            && before.lost_at.is_none_or(in_time)
            && world.gave_up(&self.name).is_none_or(|at| at > before.since && in_time(at))
            && !world.was_decided_on(&self.name, before.since)
        {
            assert_eq!(since, before.since, "{} lost its place in the lobby", self.name);
            world.wires.net().faults.note(Fault::PlaceKept);
        }
        self.page.placed = version;
        (self.place, self.known) = (Place::Waiting(since), true);
    }

    /// Takes an error. True if it ends the connection.
    pub fn refuse(&mut self, world: &World, message: &Value) -> bool {
        let code = message["code"].as_str().unwrap();
        let mut net = world.wires.net();
        match code {
            "peer_gone" => {
                net.faults.note(Fault::ToldOfGone);
                self.page.note_gone(message);
                return false;
            }
            "room_full" if self.place == Place::Nowhere && message["requestId"] == self.asked() => {
                net.faults.note(Fault::RoomFull);
                self.place = Place::Refused;
                return false;
            }
            "room_full" if self.moving.is_some() && message["requestId"] == self.asked() => {
                net.faults.note(Fault::MovedNowhere);
                self.moving = None;
                return false;
            }
            "room_full" => net.faults.note(Fault::AdmittedNobody),
            "peer_away" => net.faults.note(Fault::RefusedWhileAway),
            "unauthorized" => {
                let sat = matches!(self.place, Place::Seated | Place::Waiting(_));
                net.faults.note(if sat { Fault::Expired } else { Fault::Unauthorized });
                self.leave();
                return true;
            }
            "removed" => {
                net.faults.note(Fault::Removed);
                self.go_away();
                return true;
            }
            "replaced" => {
                // What it asked for on a connection that it gave up came late.
                assert!(self.unanswered.iter().any(|it| Some(*it) != self.conn), "by whom?");
                net.faults.note(Fault::OutdoneByItself);
                // The late request may have shown a token that ends soon, and the place with it.
                self.waited = None;
                return true;
            }
            "not_joined" => {
                self.page.note_refused(message);
                return !matches!(self.place, Place::Waiting(_));
            }
            "forbidden" | "slow_consumer" | "idle_timeout" | "peer_not_found"
            | "invalid_message" => {}
            other => panic!("{} is told {other}", self.name),
        }
        self.page.note_refused(message);
        false
    }

    /// It was removed. It tries once more, and then gives up.
    fn go_away(&mut self) {
        if self.moving.is_some() {
            // Nobody says from which of the two rooms.
            return;
        }
        let again = !self.removed.insert(self.room);
        if self.room != self.home {
            self.room = self.home;
            self.leave();
        } else if again {
            self.leave();
            self.place = Place::Out;
        }
    }
}

/// The number of a room.
fn number(name: &str) -> usize {
    name[1..].parse().unwrap()
}
