//! The outgoing queue of each connection.
//!
//! Each queue is bounded, and senders never wait. A queue that is full, in messages or in bytes,
//! belongs to a client that does not read. Its connection is stopped as a slow consumer. A queue
//! holds encoded copies, so a waiting message keeps no read buffer alive.
//!
//! What was written stays here until a pong proves that the client has received it ([`Unproven`]).
//! When a connection has ended, its mailbox hands over all that its client may not have received.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::liveness::{Asked, Liveness, Question};
use super::unproven::Unproven;
use crate::core::Unread;
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// How long a session may take to stop. It may be in the middle of handling a frame.
const DETACH: Duration = Duration::from_secs(1);

/// The most that may wait for one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The connection no longer exists, or it is being closed.
    Gone,
    /// The client does not read what is sent to it.
    Full,
}

/// Why a session must stop, for a reason that it cannot see itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The client does not read what is sent to it.
    Full,
    /// Another connection takes its seat.
    Replaced,
    /// The client did not answer a ping.
    Silent,
}

/// The queue of one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    bounds: Bounds,
    waker: AtomicWaker,
    /// The session has ended.
    finished: Notify,
    /// Whether the client is alive.
    pub(super) liveness: Liveness,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    /// The bytes held for the client: those that wait, and those that are being written.
    bytes: usize,
    writing: usize,
    /// How many parcels were waiting when the client was about to join.
    mark: Option<usize>,
    unproven: Unproven,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The last parcel closes the connection.
    Closing,
    /// The session must stop. Until it has, it takes what is posted.
    Stopped(Stop),
    /// The session has stopped, after it took this many text frames from its client.
    Finished { taken: u64, full: bool },
}

/// One thing to be written to a socket.
pub(super) enum Parcel {
    /// A frame of text.
    Text(Utf8Bytes),
    /// The `joined` that gives a seat. Text frames are counted from here.
    Joined(Utf8Bytes),
    /// A protocol ping, whose payload is the number of text frames before it.
    Ping(u64),
    /// A close frame.
    Close(CloseCode),
}

/// On what terms a parcel is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Terms {
    /// At the end, if there is room.
    Bounded,
    /// At the end, whether or not there is room: it says what became of a message of the client's.
    Kept,
    /// Where the client was about to join, because it answers that.
    AtMark,
}

impl Terms {
    const fn of(message: &ServerMessage) -> Self {
        match message {
            ServerMessage::Joined { .. } | ServerMessage::Waiting { .. } => Self::AtMark,
            ServerMessage::Error(Rejection { code: Code::PeerGone, .. }) => Self::Kept,
            _ => Self::Bounded,
        }
    }
}

impl Parcel {
    /// A ping, which gets its number when it is taken.
    pub(super) const PING: Self = Self::Ping(0);

    fn of(message: ServerMessage) -> Self {
        let joined = matches!(message, ServerMessage::Joined { .. });
        let text = message.encode().into();
        if joined { Self::Joined(text) } else { Self::Text(text) }
    }

    fn bytes(&self) -> usize {
        if let Self::Text(text) | Self::Joined(text) = self { text.len() } else { 0 }
    }
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Joined(_) => "Joined",
            Self::Ping(_) => "Ping",
            Self::Close(_) => "Close",
        })
    }
}

impl Mailbox {
    /// An empty mailbox of a client that is heard now. `epoch` is some time before.
    pub(super) fn new(bounds: Bounds, epoch: Instant) -> Self {
        Self {
            queue: Mutex::default(),
            bounds,
            waker: AtomicWaker::new(),
            finished: Notify::new(),
            liveness: Liveness::new(epoch, Instant::now()),
        }
    }

    /// Ends the connection, after what was posted to it.
    pub(super) fn close(&self, code: CloseCode) {
        let _ = self.put(Parcel::Close(code), Terms::Bounded);
    }

    /// Waits until something must be written, and takes all of it. Fails if the session must stop.
    /// Call it again only when everything taken before is written: those bytes no longer count.
    pub(super) async fn take(&self) -> Result<VecDeque<Parcel>, Stop> {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let mut queue = self.queue();
            if let State::Stopped(stop) = queue.state {
                return Poll::Ready(Err(stop));
            }
            queue.bytes -= std::mem::take(&mut queue.writing);
            if queue.parcels.is_empty() {
                return Poll::Pending;
            }
            queue.writing = queue.bytes;
            queue.mark = queue.mark.map(|_| 0);
            let mut parcels = std::mem::take(&mut queue.parcels);
            queue.unproven.note(&mut parcels);
            if queue.unproven.wants_proof()
                && let Asked::Now(_) = self.liveness.ask(Instant::now())
            {
                parcels.push_back(queue.unproven.ping());
            }
            Poll::Ready(Ok(parcels))
        })
        .await
    }

    /// Waits until the session must stop.
    pub(super) async fn stopped(&self) -> Stop {
        poll_fn(|context| {
            self.waker.register(context.waker());
            match self.queue().state {
                State::Stopped(stop) => Poll::Ready(stop),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Makes the session stop, unless it is stopping already. A connection that is being closed
    /// first writes what was posted before.
    pub(super) fn stop(&self, why: Stop) {
        let mut queue = self.queue();
        if queue.state == State::Open {
            queue.state = State::Stopped(why);
        }
        drop(queue);
        self.waker.wake();
    }

    /// Nothing more is taken from the client or written to it. `taken` is how many of its text
    /// frames were handled, and `unwritten` how many of those last taken here were not written.
    pub(super) fn finish(&self, taken: u64, unwritten: usize) {
        let mut queue = self.queue();
        let full = queue.state == State::Stopped(Stop::Full);
        queue.state = State::Finished { taken, full };
        queue.unproven.unwritten = unwritten;
        drop(queue);
        self.finished.notify_waiters();
    }

    /// Makes the session stop because another connection takes its seat, and waits until it has.
    /// What its client may not have received is handed over. That is [unknown](Unread::UNKNOWN) of
    /// a session that does not stop in time, and of one that is being closed: its seat has ended.
    pub(super) async fn detach(&self) -> Unread {
        let mut finished = std::pin::pin!(self.finished.notified());
        finished.as_mut().enable();
        self.stop(Stop::Replaced);
        if matches!(self.queue().state, State::Stopped(_)) {
            let _either_way_look_again = timeout(DETACH, finished).await;
        }
        self.left_behind().unwrap_or(Unread::UNKNOWN)
    }

    fn left_behind(&self) -> Option<Unread> {
        let queue = self.queue();
        let State::Finished { taken, full } = queue.state else { return None };
        Some(Unread { full, ..queue.unproven.left_behind(&queue.parcels, taken) })
    }

    /// Notes that a client has received the text frames up to this number.
    pub(super) fn prove(&self, received: u64) {
        self.queue().unproven.prove(received);
    }

    /// Puts the next `joined` or `waiting` ahead of everything posted from now on.
    pub(super) fn mark(&self) {
        let mut queue = self.queue();
        queue.mark = Some(queue.parcels.len());
    }

    /// Pings a client that was silent for a heartbeat, unless a ping is already unanswered.
    pub(super) fn beat(&self, now: Instant) {
        if let Asked::Now(_) = self.liveness.ask(now) {
            let _ = self.put(Parcel::PING, Terms::Bounded);
        }
    }

    /// Asks the client for a sign of life. Returns `None` if the client gave one just now.
    pub(super) fn probe(&self, now: Instant) -> Option<Question> {
        match self.liveness.probe(now) {
            Asked::Fresh => None,
            Asked::Before(ping) => Some(ping),
            Asked::Now(ping) => {
                let _ = self.put(Parcel::PING, Terms::Bounded);
                Some(ping)
            }
        }
    }

    /// Waits for the client's sign of life, and ends the connection if none comes.
    pub(super) async fn lives(&self, ping: Question) -> bool {
        let lives = self.liveness.answered(ping).await;
        if !lives {
            self.stop(Stop::Silent);
        }
        lives
    }

    /// Queues a message in its place and returns its size in bytes.
    pub(super) fn post(&self, message: ServerMessage) -> Result<usize, Refused> {
        let terms = Terms::of(&message);
        self.put(Parcel::of(message), terms)
    }

    /// Queues what the session itself has to say. It is kept even if the client does not read,
    /// because the frame that it answers was taken.
    pub(super) fn answer(&self, message: ServerMessage) -> Result<usize, Refused> {
        let terms = Terms::of(&message).max(Terms::Kept);
        self.put(Parcel::of(message), terms)
    }

    /// Queues a `joined` and what comes with it in their place, with nothing in between, and
    /// returns their size in bytes. What waited for a client that resumes is older than anything
    /// that is posted since. It is bounded already, so it fits in any case.
    pub(super) fn post_joined(
        &self,
        messages: impl Iterator<Item = ServerMessage>,
    ) -> Result<usize, Refused> {
        let mut queue = self.queue();
        match queue.state {
            State::Open | State::Stopped(Stop::Replaced | Stop::Silent) => {}
            State::Closing if queue.mark.is_some() => {}
            State::Stopped(Stop::Full) => return Err(Refused::Full),
            State::Closing | State::Finished { .. } => return Err(Refused::Gone),
        }
        let at = queue.mark.take().unwrap_or(queue.parcels.len());
        let mut bytes = 0;
        for (message, at) in messages.zip(at..) {
            let parcel = Parcel::of(message);
            bytes += parcel.bytes();
            queue.parcels.insert(at, parcel);
        }
        queue.bytes += bytes;
        drop(queue);
        self.waker.wake();
        Ok(bytes)
    }

    fn put(&self, parcel: Parcel, terms: Terms) -> Result<usize, Refused> {
        let mut queue = self.queue();
        // A client that is replaced while it joins gets `joined` first and the refusal after it.
        let at_mark = terms == Terms::AtMark && queue.mark.is_some();
        let kept = at_mark || terms == Terms::Kept;
        match queue.state {
            State::Stopped(Stop::Full) if !kept => return Err(Refused::Full),
            State::Stopped(_) if matches!(parcel, Parcel::Close(_)) => return Err(Refused::Gone),
            // The session may be in the middle of a frame whose answer this is. It is handed over
            // with all the rest.
            State::Open | State::Stopped(_) => {}
            State::Closing if at_mark => {}
            State::Closing | State::Finished { .. } => return Err(Refused::Gone),
        }
        let size = parcel.bytes();
        let bytes = queue.bytes + size;
        let full = queue.parcels.len() >= self.bounds.messages || bytes > self.bounds.bytes;
        if full {
            queue.state = State::Stopped(Stop::Full);
        } else if matches!(parcel, Parcel::Close(_)) {
            queue.state = State::Closing;
        }
        let refused = full && !kept;
        if !refused {
            queue.bytes = bytes;
            // Only the answer to the join goes to the mark. Later messages go to the end.
            let mark = if at_mark { queue.mark.take() } else { None };
            let at = mark.unwrap_or(queue.parcels.len());
            queue.parcels.insert(at, parcel);
        }
        drop(queue);
        self.waker.wake();
        if refused { Err(Refused::Full) } else { Ok(size) }
    }

    /// Ignores poisoning, because a panic never leaves a queue half changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
