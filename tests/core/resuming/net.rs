//! The network between the clients and the driver, and the two kinds of outboxes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use visio_signaling::core::{Claim, Connection, ConnectionId, Grant, Unread};
use visio_signaling::ports::{Claimed, Connections, Delivery, Outbox, Unavailable};
use visio_signaling::wire::{CloseCode, Code, RoomId, ServerMessage, Version};

use super::super::dice::{Dice, others_first};
use super::faults::{Fault, Faults};
use super::lobbies::Lobbies;
use super::mailbox::{Mailbox, Parcel, Refused, State, Stop};

/// How often a connection is asked whether it has stopped, before it is taken to hang.
const PATIENCE: usize = 3_000;

/// What the runtime knows of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// As the standalone server.
    Counts,
    /// As API Gateway.
    Forgets,
}

/// What a client sends.
#[derive(Debug, Clone)]
pub enum Up {
    Text(String),
    Pong(u64),
}

/// One connection, from end to end.
pub struct Conn {
    /// On the way to the server.
    pub up: VecDeque<Up>,
    /// On the way to the client.
    pub down: VecDeque<Parcel>,
    pub mailbox: Mailbox,
    /// Taken from the mailbox, and not written yet.
    pub writing: VecDeque<Parcel>,
    /// The client hears and says nothing more.
    pub dropped: bool,
    /// The server finds out.
    pub noticed: bool,
    /// The runtime knows that it is gone.
    pub gone: bool,
    /// The server is done with it.
    pub ended: bool,
    /// A frame is being handled.
    pub handling: bool,
}

impl Conn {
    pub fn new() -> Self {
        Self {
            up: VecDeque::new(),
            down: VecDeque::new(),
            mailbox: Mailbox::default(),
            writing: VecDeque::new(),
            dropped: false,
            noticed: false,
            gone: false,
            ended: false,
            handling: false,
        }
    }

    /// Whether the gateway knows that it is gone, now that all that came before is handled.
    pub fn ends(&mut self) -> bool {
        self.gone |= self.noticed && self.up.is_empty();
        self.gone && self.up.is_empty()
    }
}

/// All connections.
pub struct Net {
    pub runtime: Runtime,
    pub conns: Vec<Conn>,
    pub dice: Dice,
    pub faults: Faults,
    /// The messages of clients that the server has handled, in which room and version.
    pub handled: BTreeMap<String, (RoomId, Version)>,
    /// Those that it posted to a connection, and those that it answered with an error.
    pub posted: BTreeSet<(usize, String)>,
    /// Who is in which lobby.
    pub lobbies: Lobbies,
    /// A digest of all that happened.
    pub trace: u64,
}

/// The connections, shared.
#[derive(Clone)]
pub struct Wires(Arc<Mutex<Net>>);

impl Net {
    /// Takes note of something that happened (FNV-1a).
    pub fn trace(&mut self, what: &str) {
        for byte in what.bytes() {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn post(&mut self, to: usize, messages: Vec<ServerMessage>) -> Delivery {
        messages.iter().for_each(|it| self.lobbies.check(to, it, &self.handled));
        let Self { runtime, conns, faults, posted, .. } = self;
        let conn = &mut conns[to];
        if conn.gone && *runtime == Runtime::Forgets {
            let answers = messages.iter().filter_map(answered);
            posted.extend(answers.map(|id| (to, id)));
            return Delivery::Gone;
        }
        if *runtime == Runtime::Counts {
            let tells_of_gone = messages.iter().any(tells_of_gone);
            let refused = match conn.mailbox.post(messages, faults) {
                Ok(()) => return Delivery::Accepted,
                Err(Refused::Gone) => Delivery::Gone,
                Err(Refused::Full) => Delivery::Full,
            };
            if tells_of_gone {
                faults.note(Fault::GoneNotTold);
            }
            return refused;
        }
        for message in messages {
            let joined = matches!(message, ServerMessage::Joined { .. });
            let text = message.encode();
            posted.extend(request_id(&text).map(|id| (to, id.to_owned())));
            conn.down.push_back(if joined { Parcel::Joined(text) } else { Parcel::Text(text) });
        }
        Delivery::Accepted
    }
}

impl Wires {
    pub fn new(runtime: Runtime, seed: u64) -> Self {
        let (faults, conns) = (Faults::default(), Vec::new());
        let (dice, trace) = (Dice::new(seed, 1), 0xCBF2_9CE4_8422_2325);
        let (handled, posted, lobbies) = Default::default();
        let net = Net { runtime, conns, dice, faults, handled, posted, lobbies, trace };
        Self(Arc::new(Mutex::new(net)))
    }

    pub fn net(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap()
    }
}

/// Whether it tells a client that messages of its own were dropped.
pub fn tells_of_gone(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Error(rejection) if rejection.code == Code::PeerGone)
}

/// Whether it refuses a frame, which was taken.
pub fn answers_frame(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Error(rejection) if rejection.request_id.is_some())
}

/// The message that an error answers.
fn answered(message: &ServerMessage) -> Option<String> {
    let ServerMessage::Error(_) = message else { return None };
    request_id(&message.clone().encode()).map(str::to_owned)
}

/// What names a client's message.
pub fn request_id(text: &str) -> Option<&str> {
    text.split_once(r#""requestId":""#)?.1.split_once('"').map(|(id, _)| id)
}

/// The place of a connection among all.
pub fn place(id: &ConnectionId) -> usize {
    id.to_string()[1..].parse().unwrap()
}

impl Connections for Wires {
    async fn claim(
        &self,
        from: &mut Connection,
        _: &Claim,
        _: Option<&Grant>,
    ) -> Result<Claimed, Unavailable> {
        others_first().await;
        self.net().conns[place(&from.id)].mailbox.mark();
        Ok(Claimed::Noted)
    }
}

impl Outbox for Wires {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        others_first().await;
        Ok(self.net().post(place(to), vec![message]))
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
    ) -> Result<Vec<(ConnectionId, Delivery)>, Unavailable> {
        let (mut failed, mut messages) = (Vec::new(), messages.into_iter().peekable());
        while let Some((to, first)) = messages.next() {
            others_first().await;
            let mut batch = vec![first];
            if self.net().runtime == Runtime::Counts {
                while let Some((_, next)) = messages.next_if(|(next, _)| *next == to) {
                    batch.push(next);
                }
            }
            let delivery = self.net().post(place(&to), batch);
            if delivery != Delivery::Accepted {
                failed.push((to, delivery));
            }
        }
        Ok(failed)
    }

    async fn close(&self, id: &ConnectionId, _: CloseCode) -> Result<(), Unavailable> {
        others_first().await;
        let mut net = self.net();
        let Net { runtime, conns, faults, .. } = &mut *net;
        let conn = &mut conns[place(id)];
        if conn.gone {
            return Ok(());
        }
        if *runtime == Runtime::Counts {
            let _ = conn.mailbox.put(Parcel::Close, None, false, faults);
        } else {
            conn.gone = true;
            conn.down.push_back(Parcel::Close);
        }
        Ok(())
    }

    async fn detach(&self, id: &ConnectionId) -> Result<Unread, Unavailable> {
        others_first().await;
        if self.net().runtime == Runtime::Forgets {
            return Ok(Unread::default());
        }
        let place = place(id);
        {
            let mut net = self.net();
            let Net { conns, faults, .. } = &mut *net;
            let conn = &mut conns[place];
            if conn.gone {
                return Ok(Unread::UNKNOWN);
            }
            if conn.handling && conn.mailbox.state == State::Open {
                faults.note(Fault::DetachedWhileHandling);
            }
            conn.mailbox.stop(Stop::Replaced);
        }
        for _ in 0..PATIENCE {
            if !matches!(self.net().conns[place].mailbox.state, State::Stopped(_)) {
                break;
            }
            others_first().await;
        }
        let left = self.net().conns[place].mailbox.left_behind();
        let hangs = matches!(self.net().conns[place].mailbox.state, State::Stopped(_));
        assert!(!hangs, "{id} does not stop");
        Ok(left.unwrap_or(Unread::UNKNOWN))
    }

    async fn probe(&self, ids: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        others_first().await;
        let mut net = self.net();
        let counts = net.runtime == Runtime::Counts;
        let mut lost = Vec::new();
        for id in ids {
            let conn = &mut net.conns[place(id)];
            // Whoever says something just now is heard.
            let silent = counts && conn.dropped && !conn.handling;
            if silent {
                conn.mailbox.stop(Stop::Silent);
            }
            if silent || conn.gone {
                lost.push(id.clone());
            }
        }
        Ok(lost)
    }
}

/// What the server's side of a connection does next.
pub enum Turn {
    Frame(String),
    End(Option<Stop>),
}

impl Wires {
    /// Waits until the server has something to do for a connection, and writes meanwhile.
    pub async fn turn(&self, place: usize) -> Turn {
        poll_fn(|_| {
            let mut net = self.net();
            let Net { conns, dice, faults, .. } = &mut *net;
            let conn = &mut conns[place];
            if let State::Stopped(stop) = conn.mailbox.state {
                return Poll::Ready(Turn::End(Some(stop)));
            }
            if conn.writing.is_empty() && conn.mailbox.is_ready() {
                conn.writing = conn.mailbox.take(dice.one_in(4), faults);
            }
            if !conn.writing.is_empty() && !dice.one_in(4) {
                let few = 1 + dice.below(conn.writing.len() as u64);
                for parcel in conn.writing.drain(..usize::try_from(few).unwrap()) {
                    let last = matches!(parcel, Parcel::Close);
                    conn.down.push_back(parcel);
                    if last {
                        return Poll::Ready(Turn::End(None));
                    }
                }
                return Poll::Pending;
            }
            match conn.up.pop_front() {
                Some(Up::Text(text)) => Poll::Ready(Turn::Frame(text)),
                Some(Up::Pong(number)) => {
                    conn.mailbox.prove(number);
                    Poll::Pending
                }
                None if conn.noticed || conn.gone => Poll::Ready(Turn::End(None)),
                None => Poll::Pending,
            }
        })
        .await
    }
}
