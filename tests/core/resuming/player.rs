//! What a client does, and what a bad network does to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use visio_signaling::wire::Role;

use super::super::dice::{Dice, Task, others_first};
use super::client::{Client, Place};
use super::faults::Fault;
use super::knocks::Lobby;
use super::mailbox::Parcel;
use super::net::{Runtime, Up};
use super::world::{GRACE_MS, World};

/// What one client does.
pub struct Player {
    pub world: Arc<World>,
    pub nth: usize,
    pub dice: Dice,
}

impl Player {
    fn with<T>(&self, then: impl FnOnce(&mut Client) -> T) -> T {
        then(&mut self.world.clients[self.nth].lock().unwrap())
    }

    fn conn(&self) -> Option<usize> {
        self.with(|client| client.conn)
    }

    fn place(&self) -> Place {
        self.with(|client| client.place)
    }

    fn note(&self, fault: Fault) {
        self.world.wires.net().faults.note(fault);
    }

    /// Acts so many times, and then keeps its seat as well as it can.
    pub async fn play(mut self, acts: usize) {
        for _ in 0..acts {
            self.act().await;
            for _ in 0..self.dice.below(6) {
                others_first().await;
            }
            for _ in 0..self.dice.below(4) {
                self.receive();
            }
        }
        self.with(|client| client.resting = true);
        loop {
            others_first().await;
            if self.conn().is_none() && self.place() != Place::Out {
                self.connect().await;
            }
            self.receive();
        }
    }

    async fn act(&mut self) {
        match self.place() {
            Place::Out => {}
            _ if self.conn().is_none() => {
                if !self.dice.one_in(3) {
                    self.connect().await;
                }
            }
            Place::Nowhere | Place::Refused => {
                if self.dice.one_in(2) {
                    self.lose();
                }
            }
            Place::Waiting(_) => self.wait().await,
            Place::Seated => self.take_part().await,
        }
    }

    /// What a guest does in the lobby.
    async fn wait(&mut self) {
        match self.dice.below(12) {
            0 | 1 => self.send(r#"{"type":"chat","lobby":true}"#.to_owned()),
            2 => {
                self.note(Fault::SpokeFromTheLobby);
                self.say(None);
            }
            3 => self.renew(),
            4 => self.leave().await,
            5..=7 => self.lose(),
            _ => (0..9).for_each(|_| self.receive()),
        }
    }

    async fn take_part(&mut self) {
        if self.with(|client| client.role == Role::Host) && self.dice.one_in(3) {
            return self.decide();
        }
        match self.dice.below(22) {
            0..=4 => {
                let to = self.dice.below(self.world.clients.len() as u64);
                self.say(Some(to));
            }
            5..=8 => self.say(None),
            9 => self.send(r#"{"type":"peers"}"#.to_owned()),
            10..=12 => (0..9).for_each(|_| self.receive()),
            13..=16 => self.lose(),
            17 => {
                self.lose();
                self.note(Fault::PageReplaced);
                self.with(Client::turn_page);
                self.connect().await;
            }
            18 => self.leave().await,
            19 => {
                let ms = if self.dice.one_in(2) { GRACE_MS } else { GRACE_MS / 3 };
                self.world.jump(ms).await;
            }
            20 => self.renew(),
            _ => self.move_on().await,
        }
    }

    /// What a host decides of somebody: most often of one that waits.
    fn decide(&mut self) {
        let waiting = self.with(|client| client.lobby.waiting().pop_first());
        let anybody = format!("p{}", self.dice.below(self.world.clients.len() as u64));
        let (kind, peer) = match (self.dice.below(16), waiting) {
            (0..=10, Some(waiting)) => ("admit", waiting),
            (11, Some(waiting)) => ("deny", waiting),
            (12, Some(waiting)) => ("hold", waiting),
            (13, Some(waiting)) => {
                let text = format!(r#"{{"type":"chat","lobby":true,"to":"{waiting}"}}"#);
                return self.send(text);
            }
            (0..=4, None) => return self.say(None),
            (5..=13, None) => ("to_lobby", anybody),
            (14, _) => ("to_lobby", anybody),
            _ => ("remove", anybody),
        };
        self.send(format!(r#"{{"type":"{kind}","peerId":"{peer}"}}"#));
    }

    /// Shows a new token, or one that is not its own.
    fn renew(&mut self) {
        if self.world.door.is_open {
            return;
        }
        let room = self.with(|client| client.room);
        let whose = if self.dice.one_in(3) { 0 } else { self.nth };
        self.note(if whose == self.nth { Fault::Renewed } else { Fault::RenewedByAnother });
        let token = self.world.door.token(whose, room, self.world.clock(), false);
        self.send(format!(r#"{{"type":"renew","token":"{token}"}}"#));
    }

    /// A numbered message, to one or to all.
    fn say(&mut self, to: Option<u64>) {
        for _ in 0..=self.dice.below(4) {
            let to = to.map(|to| format!("p{to}"));
            let text = self.with(|client| client.page.say(to, client.is_seated()));
            self.send(text);
        }
    }

    fn send(&self, text: String) {
        let Some(conn) = self.conn() else { return };
        self.with(|client| client.page.sent.push(text.clone()));
        self.world.wires.net().conns[conn].up.push_back(Up::Text(text));
    }

    async fn leave(&mut self) {
        self.send(r#"{"type":"leave"}"#.to_owned());
        self.with(Client::leave);
        self.ask().await;
    }

    async fn connect(&mut self) {
        let conn = self.world.open();
        self.with(|client| {
            (client.conn, client.place, client.known) = (Some(conn), Place::Nowhere, false);
            client.lobby = Lobby::default();
            client.conns.push(conn);
            if client.page.token.is_none() {
                // Nothing is handed over from the connection before.
                client.turn_page();
                client.page.sent.clear();
            }
        });
        self.ask().await;
    }

    /// Asks for a seat, and waits for the answer as long as it likes.
    async fn ask(&mut self) {
        let text = self.join("join", self.with(|client| client.room));
        self.push(text);
        self.answered(|client| client.place != Place::Nowhere).await;
    }

    /// Asks for a seat in another room.
    async fn move_on(&mut self) {
        let rooms = self.world.rooms;
        let room = (self.with(|client| client.room) + 1) % rooms;
        if rooms == 1 {
            return;
        }
        self.with(|client| client.moving = Some(room));
        let text = self.join("join_room", room);
        self.push(text);
        self.answered(|client| client.moving.is_none()).await;
    }

    fn push(&self, text: String) {
        let Some(conn) = self.conn() else { return };
        self.world.wires.net().conns[conn].up.push_back(Up::Text(text));
    }

    /// Waits until `done`, unless it loses patience or its connection.
    async fn answered(&mut self, done: impl Fn(&Client) -> bool) {
        loop {
            others_first().await;
            self.receive();
            let rests = self.world.rests.load(Ordering::Relaxed);
            if self.with(|client| client.conn.is_none() || done(client)) {
                return;
            }
            if !rests && self.dice.one_in(50) {
                self.note(Fault::AnswerLost);
                return self.lose();
            }
        }
    }

    /// A request for a seat, with all that may open one.
    fn join(&mut self, kind: &str, room: usize) -> String {
        let moves = kind == "join_room";
        let own = self.with(|client| client.page.token.clone()).filter(|_| !moves);
        let mut join = format!(r#"{{"type":"{kind}","roomId":"r{room}","peerId":"p{}""#, self.nth);
        let key = self.key(own.as_deref(), room);
        if let Some(key) = &key {
            let received = self.with(|client| client.page.received);
            join += &format!(r#","resumeToken":"{key}","received":{received}"#);
        }
        let shown = self.with(|client| {
            client.shown += u64::from(own.is_some());
            client.shown
        });
        if own.is_some() && shown > 1 {
            self.note(Fault::TokenUsedAgain);
        }
        if !self.world.door.is_open && !self.needs_no_token(own.is_some(), moves) {
            let rests = self.world.rests.load(Ordering::Relaxed);
            let soon = !rests && self.dice.one_in(6);
            let token = self.world.door.token(self.nth, room, self.world.clock(), soon);
            self.with(|client| client.shows(!soon || client.role == Role::Host));
            join += &format!(r#","token":"{token}""#);
        }
        let asked = self.with(Client::ask);
        join + &format!(r#","requestId":"{asked}"}}"#)
    }

    /// Its own key, or one that it should not have.
    fn key(&mut self, own: Option<&str>, room: usize) -> Option<String> {
        if own.is_some() {
            return own.map(str::to_owned);
        }
        match self.dice.below(16) {
            0 | 1 => {
                self.note(Fault::Forged);
                Some(format!("r{room}/p{}/guess", self.nth))
            }
            2 => {
                let other = (self.nth + 1) % self.world.clients.len();
                let stolen = self.world.clients[other].lock().unwrap().page.token.clone();
                stolen.inspect(|_| self.note(Fault::Stolen))
            }
            _ => None,
        }
    }

    /// A resume token may come alone, and a connection is known once it has shown a visit token.
    fn needs_no_token(&mut self, resumes: bool, moves: bool) -> bool {
        let known = self.with(|client| client.known) && !moves;
        (resumes || known) && self.dice.one_in(3)
    }

    /// The connection dies. The server hears of it at once, later, or when all is over.
    fn lose(&mut self) {
        let now = self.world.clock();
        let Some(conn) = self.with(|client| client.lose(now)) else { return };
        let mut net = self.world.wires.net();
        let kept = self.dice.below(net.conns[conn].up.len() as u64 + 1);
        let lost = net.conns[conn].up.split_off(usize::try_from(kept).unwrap());
        if lost.iter().any(|it| matches!(it, Up::Text(_))) {
            net.faults.note(Fault::NotTaken);
        }
        if !std::mem::take(&mut net.conns[conn].down).is_empty() {
            net.faults.note(Fault::NotReceived);
        }
        net.conns[conn].dropped = true;
        match self.dice.below(4) {
            0 | 1 => net.conns[conn].noticed = true,
            2 => {
                net.faults.note(Fault::LossNoticedLate);
                let steps = self.dice.below(200);
                self.world.spawn(notice_later(Arc::clone(&self.world), conn, steps));
            }
            _ => net.faults.note(Fault::LossNeverNoticed),
        }
    }

    /// Takes one parcel, if one has come.
    fn receive(&mut self) {
        let Some(conn) = self.conn() else { return };
        let parcel = self.world.wires.net().conns[conn].down.pop_front();
        match parcel {
            None => {}
            Some(Parcel::Ping(number)) => {
                self.world.wires.net().conns[conn].up.push_back(Up::Pong(number));
            }
            Some(Parcel::Close) => {
                self.lose();
                self.world.wires.net().conns[conn].noticed = true;
            }
            Some(Parcel::Text(text) | Parcel::Joined(text)) => self.take(&text),
        }
    }

    fn take(&mut self, text: &str) {
        self.world.wires.net().trace(text);
        let message: Value = serde_json::from_str(text).unwrap();
        let ends = self.with(|client| {
            client.page.received += 1;
            client.note_answer(&message);
            let ends = heard(client, &self.world, &message);
            client.catch_up(&self.world);
            ends
        });
        if ends {
            self.lose();
        }
    }
}

/// What a client makes of a message. True if it has nothing more to say on this connection.
fn heard(client: &mut Client, world: &World, message: &Value) -> bool {
    match message["type"].as_str().unwrap() {
        "joined" => client.joined(world, message),
        "waiting" => client.waits(world, message),
        "denied" => {
            world.wires.net().faults.note(Fault::Denied);
            client.leave();
            return true;
        }
        "error" => return client.refuse(world, message),
        "knock" | "lobby" if message["roomId"] != format!("r{}", client.room) => {
            client.news.push(message.clone());
        }
        "knock" => client.lobby.knock(message),
        "lobby" => client.lobby.list(message),
        "renewed" => {}
        "offer" | "chat" if message["lobby"] == true => {}
        // It came before the answer to the join, as it can where nothing keeps the order.
        "offer" | "chat" if !client.is_seated() => {}
        "offer" | "chat" => client.page.hear(message, client.runtime == Runtime::Counts),
        _ if message["roomId"] == format!("r{}", client.room) => client.page.note_roster(message),
        _ => {
            world.wires.net().faults.note(Fault::NewsOfAnotherRoom);
            client.news.push(message.clone());
        }
    }
    false
}

fn notice_later(world: Arc<World>, conn: usize, steps: u64) -> Task {
    Box::pin(async move {
        for _ in 0..steps {
            others_first().await;
        }
        world.wires.net().conns[conn].noticed = true;
    })
}
