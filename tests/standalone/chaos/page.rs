//! A page of a visit that never gives up: a client as `docs/protocol.md` asks for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::dice::Dice;
use super::ledger::Ledger;

/// A connection from which nothing came for so long is given up. It is longer than any stall.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a page is silent before it asks for a sign of life.
const IDLE: Duration = Duration::from_millis(500);

pub type Socket = WebSocketStream<TcpStream>;
pub type Shared = Arc<Mutex<Ledger>>;

/// One peer of a visit of two.
pub struct Page {
    pub door: SocketAddr,
    pub room: String,
    pub name: &'static str,
    pub other: &'static str,
    /// What it says, and what the other says.
    pub says: Shared,
    pub hears: Shared,
    pub dice: Dice,
    pub story: Story,
    pub socket: Option<Socket>,
    ticket: Option<Ticket>,
    /// The text frames since `joined` that the server may not have taken.
    untaken: VecDeque<String>,
    /// The other is known to sit and to be connected.
    other_is_here: bool,
    /// When the other sat down. If that changes, it is a new page, whether or not news of it came.
    other_since: Option<u64>,
    /// How many messages were refused, and are to be said again.
    owed: u64,
    heard_at: Instant,
}

/// What resumes the seat.
struct Ticket {
    token: Value,
    /// How many text frames came after the `joined` that brought the token.
    received: u64,
}

/// What happened to a page.
#[derive(Debug, Default)]
pub struct Story {
    pub resumed: u64,
    pub not_resumed: u64,
    pub killed: u64,
    /// The errors that ended a connection, except those of a byte that was changed.
    pub ended: Vec<String>,
}

impl Page {
    pub fn new(door: SocketAddr, room: &str, names: [&'static str; 2], seed: u64) -> Self {
        Self {
            door,
            room: room.to_owned(),
            name: names[0],
            other: names[1],
            says: Shared::default(),
            hears: Shared::default(),
            dice: Dice(seed),
            story: Story::default(),
            socket: None,
            ticket: None,
            untaken: VecDeque::new(),
            other_is_here: false,
            other_since: None,
            owed: 0,
            heard_at: Instant::now(),
        }
    }

    pub fn says(&self) -> MutexGuard<'_, Ledger> {
        self.says.lock().unwrap()
    }

    fn hears(&self) -> MutexGuard<'_, Ledger> {
        self.hears.lock().unwrap()
    }

    /// The page is closed without a word, and another one of the same peer knows nothing of it.
    pub fn kill(&mut self) {
        self.socket = None;
        self.ticket = None;
        self.become_new();
        self.story.killed += 1;
    }

    fn become_new(&mut self) {
        self.says().tell();
        self.untaken.clear();
        self.owed = 0;
    }

    /// Connects and joins, again and again, until the server says `joined`.
    pub async fn come_back(&mut self) {
        while self.socket.is_none() {
            if let Ok(Ok((socket, joined))) = timeout(SILENCE, self.attempt()).await {
                self.sit_down(socket, &joined).await;
            }
        }
    }

    async fn attempt(&self) -> Result<(Socket, Value), Error> {
        let stream = TcpStream::connect(self.door).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}/ws", self.door);
        let (mut socket, _) = client_async(url, stream).await?;
        let mut join = json!({"type": "join", "roomId": self.room, "peerId": self.name});
        if let Some(ticket) = &self.ticket {
            join["resumeToken"] = ticket.token.clone();
            join["received"] = ticket.received.into();
        }
        socket.send(Message::text(join.to_string())).await?;
        loop {
            match socket.next().await.ok_or(Error::ConnectionClosed)?? {
                Message::Text(text) => {
                    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                    let joined = answer["type"] == "joined";
                    return if joined { Ok((socket, answer)) } else { Err(Error::AlreadyClosed) };
                }
                Message::Close(_) => return Err(Error::ConnectionClosed),
                _ => {}
            }
        }
    }

    async fn sit_down(&mut self, socket: Socket, joined: &Value) {
        if joined["resumed"] == true {
            self.story.resumed += 1;
            let taken = joined["received"].as_u64().expect("this server counts") as usize;
            assert!(taken <= self.untaken.len(), "it took {taken} of {}", self.untaken.len());
            self.untaken.drain(..taken);
        } else {
            self.story.not_resumed += u64::from(self.ticket.is_some());
            self.become_new();
        }
        self.ticket = Some(Ticket { token: joined["resumeToken"].clone(), received: 0 });
        self.socket = Some(socket);
        self.heard_at = Instant::now();
        self.look_around(joined);
        for text in self.untaken.clone() {
            self.write(text).await;
        }
    }

    /// Says the next message, or once more what was refused.
    pub async fn say(&mut self) {
        let number = self.says().say();
        let filler = "x".repeat(self.dice.below(600) as usize);
        let message = json!({"type": "signal", "to": self.other, "n": number,
            "requestId": number.to_string(), "filler": filler});
        self.send(message).await;
    }

    pub async fn say_again_what_was_refused(&mut self) {
        while self.owed > 0 && self.other_is_here && self.socket.is_some() {
            self.owed -= 1;
            self.say().await;
        }
    }

    /// Whether everything it said was taken by the server, or will be.
    pub const fn owes(&self) -> bool {
        self.owed > 0
    }

    /// Tells the other how much it has said. All of that has then arrived, or never will.
    pub async fn fence(&mut self) {
        let said = self.says().said;
        self.send(json!({"type": "signal", "to": self.other, "fence": said})).await;
    }

    async fn send(&mut self, message: Value) {
        let text = message.to_string();
        self.untaken.push_back(text.clone());
        self.write(text).await;
    }

    /// If it cannot be written the connection is over, and the message is sent on the next one.
    async fn write(&mut self, text: String) {
        let Some(socket) = &mut self.socket else { return };
        let sent = timeout(SILENCE, socket.send(Message::text(text))).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.socket = None;
        }
    }

    /// The next frame. A connection that ended, or seems to be dead, is given up.
    pub async fn hear(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                self.heard_at = Instant::now();
                // A length that was changed on the way cuts a message in two.
                let Ok(message) = serde_json::from_str(&text) else { return self.socket = None };
                if let Some(ticket) = &mut self.ticket {
                    ticket.received += 1;
                }
                self.understand(&message);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.heard_at = Instant::now(),
            _ => self.socket = None,
        }
    }

    /// Asks for a sign of life after a while, and in the end gives the connection up.
    pub async fn mind_silence(&mut self) {
        let silent = self.heard_at.elapsed();
        if silent > SILENCE {
            self.socket = None;
        } else if silent > IDLE {
            self.send(json!({"type": "ping"})).await;
        }
    }

    fn understand(&mut self, message: &Value) {
        match message["type"].as_str().expect("a type") {
            "signal" => {
                assert_eq!(message["from"], self.other);
                if let Some(number) = message["n"].as_u64() {
                    self.hears().hear(number);
                }
                if let Some(said) = message["fence"].as_u64() {
                    self.hears().raise_fence(said);
                }
            }
            "peer_joined" | "peer_away" | "peer_back" | "peer_left" => self.look_around(message),
            "error" => self.note_error(message),
            _ => {}
        }
    }

    fn look_around(&mut self, news: &Value) {
        let peers = news["peers"].as_array().expect("peers");
        let other = peers.iter().find(|peer| peer["peerId"] == self.other);
        self.other_is_here = other.is_some_and(|other| other["away"] != true);
        let since = other.and_then(|other| other["joinedAt"].as_u64());
        if self.other_since.is_some() && self.other_since != since {
            self.says().tell();
        }
        self.other_since = since;
    }

    fn note_error(&mut self, error: &Value) {
        let number = error["requestId"].as_str().and_then(|number| number.parse().ok());
        match error["code"].as_str().expect("a code") {
            "peer_away" | "peer_not_found" => {
                if let Some(number) = number {
                    self.says().refuse(number);
                    self.owed += 1;
                }
            }
            "peer_gone" => {
                let count = error["count"].as_u64().expect("a count");
                self.says().note_dropped(count);
            }
            // A byte was changed on the way.
            "invalid_message" | "invalid_json" => {}
            other => self.story.ended.push(other.to_owned()),
        }
    }
}
