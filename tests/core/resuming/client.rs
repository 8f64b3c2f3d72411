//! A good client: it counts what it receives, comes back with its token, and sends again what was
//! not taken. And a bad network.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::dice::{Dice, Task, others_first};
use super::faults::Fault;
use super::mailbox::Parcel;
use super::net::{Runtime, Up};
use super::page::Page;
use super::world::{GRACE_MS, World};

pub struct Client {
    pub name: String,
    pub room: String,
    nth: u64,
    pages: u64,
    pub conn: Option<usize>,
    /// All connections that it ever had.
    pub conns: Vec<usize>,
    /// The connection before.
    old: Option<usize>,
    pub seated: bool,
    /// The room was full.
    pub refused: bool,
    pub page: Page,
    /// How often the token of the page was shown.
    shown: u64,
    lost_at: u64,
    pub resting: bool,
    runtime: Runtime,
}

impl Client {
    pub fn new(nth: u64, room: u64, runtime: Runtime) -> Self {
        Self {
            name: format!("p{nth}"),
            room: format!("r{room}"),
            nth,
            pages: 0,
            conn: None,
            conns: Vec::new(),
            old: None,
            seated: false,
            refused: false,
            page: Page::new(nth * 1000),
            shown: 0,
            lost_at: 0,
            resting: false,
            runtime,
        }
    }

    pub fn rests(&self) -> bool {
        self.resting && self.conn.is_some() && (self.seated || self.refused)
    }

    /// Everything is forgotten, as by a reload.
    fn turn_page(&mut self) {
        self.pages += 1;
        self.page = Page::new(self.nth * 1000 + self.pages);
        self.shown = 0;
    }

    fn join(&self, forged: bool) -> String {
        let Self { name, room, page, .. } = self;
        let mut join = format!(r#"{{"type":"join","roomId":"{room}","peerId":"{name}""#);
        if forged {
            join += &format!(r#","resumeToken":"{room}/{name}/guess","received":0"#);
        } else if let Some(token) = &page.token {
            join += &format!(r#","resumeToken":"{token}","received":{}"#, page.received);
        }
        join + r#","requestId":"join"}"#
    }

    /// Takes what the server says to a join.
    fn joined(&mut self, world: &World, message: &Value) {
        let mut net = world.wires.net();
        assert_eq!(message["peerId"], *self.name);
        self.seated = true;
        if message["resumed"] == true {
            assert!(self.page.token.is_some(), "{} resumes what it never had", self.name);
            if self.old.is_some_and(|old| !net.conns[old].noticed) {
                net.faults.note(Fault::ResumedBeforeLossNoticed);
            }
            if self.shown > 1 {
                net.faults.note(Fault::ResumedWithTokenBefore);
            }
            let taken = message["received"].as_u64();
            assert_eq!(taken.is_some(), self.runtime == Runtime::Counts);
            let all = std::mem::take(&mut self.page.sent);
            let taken = taken.map_or(all.len(), |taken| usize::try_from(taken).unwrap());
            assert!(taken <= all.len(), "{} sent {}, {taken} were taken", self.name, all.len());
            for text in &all[taken..] {
                net.faults.note(Fault::SentAgain);
                net.conns[self.conn.unwrap()].up.push_back(Up::Text(text.clone()));
            }
            self.page.sent = all[taken..].to_vec();
        } else {
            if self.page.token.is_some() {
                let in_time = world.clock() < self.lost_at + GRACE_MS;
                net.faults.note(if in_time { Fault::MissedTooMuch } else { Fault::CameTooLate });
                self.pages += 1;
                let uid = self.nth * 1000 + self.pages;
                self.page = std::mem::take(&mut self.page).next(uid);
            }
            self.page.arrive(message);
        }
        self.shown = 0;
        self.page.token = message["resumeToken"].as_str().map(str::to_owned);
        self.page.received = 0;
        self.page.note_roster(message);
    }

    /// Takes an error.
    fn refuse(&mut self, world: &World, message: &Value) {
        let code = message["code"].as_str().unwrap();
        let mut net = world.wires.net();
        match code {
            "peer_away" => net.faults.note(Fault::RefusedWhileAway),
            "peer_gone" => {
                net.faults.note(Fault::ToldOfGone);
                self.page.note_gone(message);
                return;
            }
            "room_full" => {
                net.faults.note(Fault::RoomFull);
                self.refused = true;
                return;
            }
            "replaced" | "slow_consumer" | "idle_timeout" | "peer_not_found" | "not_joined"
            | "invalid_message" => {}
            other => panic!("{} is told {other}", self.name),
        }
        self.page.note_refused(message);
    }
}

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
            if self.conn().is_none() {
                self.connect().await;
            }
            self.receive();
        }
    }

    async fn act(&mut self) {
        if self.conn().is_none() {
            if self.dice.one_in(3) {
                return;
            }
            return self.connect().await;
        }
        if !self.with(|client| client.seated) {
            if self.dice.one_in(2) {
                self.lose();
            }
            return;
        }
        match self.dice.below(20) {
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
                self.world.wires.net().faults.note(Fault::PageReplaced);
                self.with(Client::turn_page);
                self.connect().await;
            }
            18 => {
                self.send(r#"{"type":"leave"}"#.to_owned());
                self.with(|client| {
                    // The server counts by connections.
                    let sent = std::mem::take(&mut client.page.sent);
                    client.turn_page();
                    (client.page.sent, client.seated) = (sent, false);
                });
                self.ask().await;
            }
            _ => {
                let ms = if self.dice.one_in(2) { GRACE_MS } else { GRACE_MS / 3 };
                self.world.jump(ms).await;
            }
        }
    }

    /// A numbered message, to one or to all.
    fn say(&mut self, to: Option<u64>) {
        for _ in 0..=self.dice.below(4) {
            let text = self.with(|client| client.page.say(to.map(|to| format!("p{to}"))));
            self.send(text);
        }
    }

    fn send(&self, text: String) {
        let Some(conn) = self.conn() else { return };
        self.with(|client| client.page.sent.push(text.clone()));
        self.world.wires.net().conns[conn].up.push_back(Up::Text(text));
    }

    async fn connect(&mut self) {
        let conn = self.world.open();
        self.with(|client| {
            (client.conn, client.seated) = (Some(conn), false);
            client.conns.push(conn);
            if client.page.token.is_none() {
                client.page.sent.clear();
            }
        });
        self.ask().await;
    }

    /// Asks for a seat, and waits for the answer as long as it likes.
    async fn ask(&mut self) {
        let Some(conn) = self.conn() else { return };
        let token = self.with(|client| client.page.token.is_some());
        let forged = !token && self.dice.one_in(8);
        let again = self.with(|client| {
            client.refused = false;
            client.shown += u64::from(client.page.token.is_some());
            client.shown > 1
        });
        let text = self.with(|client| client.join(forged));
        {
            let mut net = self.world.wires.net();
            if forged {
                net.faults.note(Fault::Forged);
            }
            if again {
                net.faults.note(Fault::TokenUsedAgain);
            }
            net.conns[conn].up.push_back(Up::Text(text));
        }
        loop {
            others_first().await;
            self.receive();
            let rests = self.world.rests.load(Ordering::Relaxed);
            if self.with(|client| client.conn.is_none() || client.seated || client.refused) {
                return;
            }
            if !rests && self.dice.one_in(50) {
                self.world.wires.net().faults.note(Fault::AnswerLost);
                return self.lose();
            }
        }
    }

    /// The connection dies. The server hears of it at once, later, or when all is over.
    fn lose(&mut self) {
        let Some(conn) = self.with(|client| client.conn.take()) else { return };
        let now = self.world.clock();
        self.with(|client| {
            (client.old, client.lost_at) = (Some(conn), now);
            (client.seated, client.refused) = (false, false);
        });
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
        let mut ends = false;
        self.with(|client| {
            client.page.received += 1;
            match message["type"].as_str().unwrap() {
                "joined" => client.joined(&self.world, &message),
                "error" => {
                    ends = message["code"] == "not_joined";
                    client.refuse(&self.world, &message);
                }
                // It came before the answer to the join, as it can where nothing keeps the order.
                "offer" | "chat" if !client.seated => {}
                "offer" | "chat" => {
                    client.page.hear(&message, client.runtime == Runtime::Counts);
                }
                _ => client.page.note_roster(&message),
            }
        });
        if ends {
            self.lose();
        }
    }
}

fn notice_later(world: Arc<World>, conn: usize, steps: u64) -> Task {
    Box::pin(async move {
        for _ in 0..steps {
            others_first().await;
        }
        world.wires.net().conns[conn].noticed = true;
    })
}
