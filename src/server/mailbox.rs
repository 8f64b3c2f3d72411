//! The outgoing queue of each connection.
//!
//! Each queue is bounded, and senders never wait. A queue that is full, in messages or in bytes,
//! belongs to a client that does not read. It is marked as full, its connection is closed as a slow
//! consumer, and its peers see it as gone. A queue holds encoded copies, so a waiting message keeps
//! no read buffer alive.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use dashmap::DashMap;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::liveness::{Asked, Liveness, Question};
use crate::core::ConnectionId;
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// The most that may wait for one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// The mailboxes of all connections.
#[derive(Debug)]
pub(super) struct Mailboxes {
    all: DashMap<ConnectionId, Arc<Mailbox>>,
    bounds: Bounds,
    forgotten: Notify,
    /// The zero point of all liveness times.
    epoch: Instant,
}

impl Mailboxes {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { all: DashMap::new(), bounds, forgotten: Notify::new(), epoch: Instant::now() }
    }

    /// Opens the mailbox of a new connection.
    pub(super) fn open(&self, conn: &ConnectionId) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox {
            queue: Mutex::default(),
            bounds: self.bounds,
            waker: AtomicWaker::new(),
            liveness: Liveness::new(self.epoch, Instant::now()),
        });
        self.all.insert(conn.clone(), Arc::clone(&mailbox));
        mailbox
    }

    /// Forgets a connection that has ended.
    pub(super) fn forget(&self, conn: &ConnectionId) {
        self.all.remove(conn);
        self.forgotten.notify_waiters();
    }

    /// Waits until no connection is open.
    pub(super) async fn empty(&self) {
        loop {
            let forgotten = self.forgotten.notified();
            if self.all.is_empty() {
                return;
            }
            forgotten.await;
        }
    }

    /// Every open connection.
    pub(super) fn connections(&self) -> Vec<ConnectionId> {
        self.all.iter().map(|entry| entry.key().clone()).collect()
    }

    /// The mailbox of an open connection.
    pub(super) fn find(&self, conn: &ConnectionId) -> Option<Arc<Mailbox>> {
        self.all.get(conn).map(|mailbox| Arc::clone(&mailbox))
    }

    /// Posts a message to a connection and returns its size in bytes.
    pub(super) fn post(&self, to: &ConnectionId, message: ServerMessage) -> Result<usize, Gone> {
        self.all.get(to).ok_or(Gone)?.post(message)
    }

    /// Closes a connection once everything posted to it is written.
    pub(super) fn close(&self, conn: &ConnectionId, code: CloseCode) {
        if let Some(mailbox) = self.all.get(conn) {
            let _ = mailbox.put(Parcel::Close(code), false);
        }
    }
}

/// The client does not read what is sent to it.
#[derive(Debug)]
pub(super) struct Full;

/// The connection no longer exists, or it is being closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// The queue of one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    bounds: Bounds,
    waker: AtomicWaker,
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
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The last parcel closes the connection.
    Closing,
    /// The client does not read.
    Full,
}

/// One thing to be written to a socket.
pub(super) enum Parcel {
    /// A frame of text.
    Text(Utf8Bytes),
    /// A protocol ping.
    Ping,
    /// A close frame.
    Close(CloseCode),
}

impl Parcel {
    fn bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Ping => "Ping",
            Self::Close(_) => "Close",
        })
    }
}

impl Mailbox {
    /// Waits until something must be written, and takes all of it. Fails once the mailbox is full.
    /// Call it again only when everything taken before is written: those bytes no longer count.
    pub(super) async fn take(&self) -> Result<VecDeque<Parcel>, Full> {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let mut queue = self.queue();
            if queue.state == State::Full {
                return Poll::Ready(Err(Full));
            }
            queue.bytes -= std::mem::take(&mut queue.writing);
            if queue.parcels.is_empty() {
                return Poll::Pending;
            }
            queue.writing = queue.bytes;
            queue.mark = queue.mark.map(|_| 0);
            Poll::Ready(Ok(std::mem::take(&mut queue.parcels)))
        })
        .await
    }

    /// Waits until the mailbox is full.
    pub(super) async fn full(&self) -> Full {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let full = self.queue().state == State::Full;
            if full { Poll::Ready(Full) } else { Poll::Pending }
        })
        .await
    }

    /// Puts the next `joined` or `waiting` ahead of everything posted from now on.
    pub(super) fn mark(&self) {
        let mut queue = self.queue();
        queue.mark = Some(queue.parcels.len());
    }

    /// Pings a client that was silent for a heartbeat, unless a ping is already unanswered.
    pub(super) fn beat(&self, now: Instant) {
        if let Asked::Now(_) = self.liveness.ask(now) {
            let _ = self.put(Parcel::Ping, false);
        }
    }

    /// Asks the client for a sign of life. Returns `None` if the client gave one just now.
    pub(super) fn probe(&self, now: Instant) -> Option<Question> {
        match self.liveness.probe(now) {
            Asked::Fresh => None,
            Asked::Before(ping) => Some(ping),
            Asked::Now(ping) => {
                let _ = self.put(Parcel::Ping, false);
                Some(ping)
            }
        }
    }

    /// Waits for the client's sign of life, and closes the connection if none comes.
    pub(super) async fn lives(&self, ping: Question) -> bool {
        let lives = self.liveness.answered(ping).await;
        if !lives {
            let _ = self.post(Rejection::new(Code::IdleTimeout, "no answer to a ping").into());
            let _ = self.put(Parcel::Close(CloseCode::Timeout), false);
        }
        lives
    }

    /// Queues a message in its place and returns its size in bytes.
    pub(super) fn post(&self, message: ServerMessage) -> Result<usize, Gone> {
        let joined =
            matches!(message, ServerMessage::Joined { .. } | ServerMessage::Waiting { .. });
        self.put(Parcel::Text(message.encode().into()), joined)
    }

    fn put(&self, parcel: Parcel, at_mark: bool) -> Result<usize, Gone> {
        let mut queue = self.queue();
        // A client that is replaced while it joins gets `joined` first and the refusal after it.
        let at_mark = at_mark && queue.mark.is_some();
        let in_time = queue.state == State::Open || (at_mark && queue.state == State::Closing);
        if !in_time {
            return Err(Gone);
        }
        let size = parcel.bytes();
        let bytes = queue.bytes + size;
        if queue.parcels.len() >= self.bounds.messages || bytes > self.bounds.bytes {
            *queue = Queue { state: State::Full, ..Queue::default() };
        } else {
            if matches!(parcel, Parcel::Close(_)) {
                queue.state = State::Closing;
            }
            queue.bytes = bytes;
            // Only the answer to the join goes to the mark. Later messages go to the end.
            let mark = if at_mark { queue.mark.take() } else { None };
            let at = mark.unwrap_or(queue.parcels.len());
            queue.parcels.insert(at, parcel);
        }
        let full = queue.state == State::Full;
        drop(queue);
        self.waker.wake();
        if full { Err(Gone) } else { Ok(size) }
    }

    /// Ignores poisoning, because a panic never leaves a queue half changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
