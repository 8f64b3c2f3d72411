//! The outgoing queue of each connection.
//!
//! Each queue is bounded, and senders never wait. A queue that is full, in messages or in bytes,
//! belongs to a client that does not read. Its connection is stopped as a slow consumer. A queue
//! holds encoded copies, so a waiting message keeps no read buffer alive.
//!
//! A queue is written by whoever puts something into it, as far as the socket takes it (`line`
//! says why). A sender that has more to say can hold that back, and write it all at once.
//!
//! What was written stays here until a pong proves that the client has received it (`unproven`).
//! When a connection has ended, its mailbox hands over all that its client may not have received.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::line::Line;
use super::liveness::{Asked, Liveness, Question};
use super::queue::{Parcel, Queue, State};
use crate::core::Unread;
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// How long a session may take to stop. It may be in the middle of handling a frame.
const DETACH: Duration = Duration::from_secs(1);
/// How many bytes may be held back: what one read brings.
const HELD_BACK: usize = 64 * 1024;

/// The most that may wait for one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// A message that was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posted {
    /// Its size in bytes.
    pub(super) bytes: usize,
    /// Whether the sender has to [release](Mailbox::release) it. Otherwise it is written, or
    /// somebody else will release it.
    pub(super) held_back: bool,
}

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The connection no longer exists, or it is being closed.
    Gone,
    /// The client does not read what is sent to it.
    Full,
}

impl Refused {
    /// For counting.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Full => "full",
        }
    }
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
    /// Everything was written, and then the connection is to be closed.
    Closed(CloseCode),
    /// The socket failed.
    Gone,
}

/// When queued messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Now.
    AtOnce,
    /// When the sender releases them.
    HeldBack,
}

/// The queue of one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    /// The session has ended.
    finished: Notify,
    /// Whether the client is alive.
    pub(super) liveness: Liveness,
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

impl Mailbox {
    /// An empty mailbox of a client that is heard now. `epoch` is some time before.
    pub(super) fn new(bounds: Bounds, epoch: Instant, line: Option<Line>) -> Self {
        Self {
            queue: Mutex::new(Queue::new(bounds, line)),
            finished: Notify::new(),
            liveness: Liveness::new(epoch, Instant::now()),
        }
    }

    /// Writes what waits, and has the session woken when more can be written. Ready if the session
    /// must stop.
    pub(super) fn poll_write(&self, context: &mut Context<'_>) -> Poll<Stop> {
        let mut queue = self.queue();
        queue.serve(context.waker());
        queue.write(&self.liveness);
        queue.must_stop().map_or(Poll::Pending, Poll::Ready)
    }

    /// A frame of the client's is handled, whatever came of it. Returns whether the session must
    /// stop.
    pub(super) fn handled(&self) -> Option<Stop> {
        let mut queue = self.queue();
        queue.unmark();
        queue.must_stop()
    }

    /// Since when the socket has taken nothing of what waits.
    pub(super) fn blocked(&self) -> Option<Instant> {
        self.queue().blocked()
    }

    /// Lets at least so many bytes wait, because the client's room is large.
    pub(super) fn widen(&self, bytes: usize) {
        self.queue().widen(bytes);
    }

    /// How many messages wait, and how many bytes.
    pub(super) fn queued(&self) -> (usize, usize) {
        let queue = self.queue();
        (queue.len(), queue.bytes())
    }

    /// Writes what was held back.
    pub(super) fn release(&self) {
        self.queue().write(&self.liveness);
    }

    /// Ends the connection, after what was posted to it.
    pub(super) fn close(&self, code: CloseCode) {
        let _ = self.put(Parcel::Close(code), Terms::Bounded, Pace::AtOnce);
    }

    /// Makes the session stop, unless it is stopping already. A connection that is being closed
    /// first writes what was posted before.
    pub(super) fn stop(&self, why: Stop) {
        let mut queue = self.queue();
        if queue.state == State::Open {
            queue.state = State::Stopped(why);
        }
        queue.wake();
    }

    /// Nothing more is taken from the client, and nothing more is written but what the session
    /// itself still says, after the rest of a frame that was written in part. `taken` is how many
    /// of the client's text frames were handled.
    pub(super) fn finish(&self, taken: u64) -> Option<(Line, Vec<u8>)> {
        let mut queue = self.queue();
        let full = queue.state == State::Stopped(Stop::Full);
        queue.state = State::Finished { taken, full };
        let line = queue.hang_up();
        drop(queue);
        self.finished.notify_waiters();
        line
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
        self.queue().left_behind().unwrap_or(Unread::UNKNOWN)
    }

    /// Notes that a client has received the text frames up to this number.
    pub(super) fn prove(&self, received: u64) {
        self.queue().prove(received);
    }

    /// Puts the next `joined` or `waiting` ahead of everything posted from now on.
    pub(super) fn mark(&self) {
        self.queue().mark();
    }

    /// Pings a client that was silent for a heartbeat, unless a ping is already unanswered.
    pub(super) fn beat(&self, now: Instant) {
        if let Asked::Now(_) = self.liveness.ask(now) {
            let _ = self.put(Parcel::Ping, Terms::Bounded, Pace::AtOnce);
        }
    }

    /// Answers a ping of the client's. Only the last one needs an answer (RFC 6455, section 5.5.3),
    /// so a client that floods pings fills no queue.
    pub(super) fn pong(&self, payload: &[u8]) {
        self.queue().pong(payload);
    }

    /// Asks the client for a sign of life. Returns `None` if the client gave one just now.
    pub(super) fn probe(&self, now: Instant) -> Option<Question> {
        match self.liveness.probe(now) {
            Asked::Fresh => None,
            Asked::Before(ping) => Some(ping),
            Asked::Now(ping) => {
                let _ = self.put(Parcel::Ping, Terms::Bounded, Pace::AtOnce);
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

    /// Queues a message in its place.
    pub(super) fn post(&self, message: ServerMessage, pace: Pace) -> Result<Posted, Refused> {
        let terms = Terms::of(&message);
        self.put(Parcel::of(message), terms, pace)
    }

    /// Queues what the session itself has to say; it also writes it. It is kept even if the client
    /// does not read, because the frame that it answers was taken.
    pub(super) fn answer(&self, message: ServerMessage) -> Result<Posted, Refused> {
        let terms = Terms::of(&message).max(Terms::Kept);
        self.put(Parcel::of(message), terms, Pace::HeldBack)
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
            State::Closing if queue.is_marked() => {}
            State::Stopped(Stop::Full) => return Err(Refused::Full),
            State::Stopped(_) | State::Closing | State::Finished { .. } => {
                return Err(Refused::Gone);
            }
        }
        Ok(queue.insert(messages.map(Parcel::of), true))
    }

    fn put(&self, parcel: Parcel, terms: Terms, pace: Pace) -> Result<Posted, Refused> {
        let mut queue = self.queue();
        // A client that is replaced while it joins gets `joined` first and the refusal after it.
        let at_mark = terms == Terms::AtMark && queue.is_marked();
        let kept = at_mark || terms == Terms::Kept;
        let closes = matches!(parcel, Parcel::Close(_));
        match queue.state {
            State::Stopped(Stop::Full) if !kept => return Err(Refused::Full),
            State::Stopped(_) if closes => return Err(Refused::Gone),
            // The session may be in the middle of a frame whose answer this is. It is handed over
            // with all the rest.
            State::Open | State::Stopped(_) => {}
            State::Closing if at_mark => {}
            State::Closing | State::Finished { .. } => return Err(Refused::Gone),
        }
        let is_full = |queue: &Queue| !queue.has_room_for(&parcel);
        if is_full(&queue) {
            // What was held back may only need to be written.
            queue.write(&self.liveness);
            if is_full(&queue) {
                queue.state = State::Stopped(Stop::Full);
                queue.wake();
                if !kept {
                    return Err(Refused::Full);
                }
            }
        }
        if closes {
            queue.state = State::Closing;
        }
        let bytes = queue.insert(std::iter::once(parcel), at_mark);
        if pace == Pace::AtOnce || queue.bytes() > HELD_BACK {
            queue.write(&self.liveness);
            return Ok(Posted { bytes, held_back: false });
        }
        let held_back = !std::mem::replace(&mut queue.held_back, true);
        Ok(Posted { bytes, held_back })
    }

    /// Ignores poisoning, because a panic never leaves a queue half changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The texts that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> Vec<String> {
        self.queue().waiting()
    }
}
