//! How a connection is reached: one bounded queue each.
//!
//! Senders never wait. A queue that is full, in messages or in bytes, belongs to a client that does
//! not read: it is marked, its connection is closed as a slow consumer, and to its peers it is
//! gone. What waits is an encoded copy, so that a waiting message keeps no read buffer alive.

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

/// How much may wait for one client.
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
    /// Signs of life are counted from here.
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

    /// The mailbox of a connection that is open.
    pub(super) fn find(&self, conn: &ConnectionId) -> Option<Arc<Mailbox>> {
        self.all.get(conn).map(|mailbox| Arc::clone(&mailbox))
    }

    /// Posts a message to a connection: how many bytes it takes there.
    pub(super) fn post(&self, to: &ConnectionId, message: ServerMessage) -> Result<usize, Gone> {
        self.all.get(to).ok_or(Gone)?.post(message)
    }

    /// Ends a connection, after what was posted to it.
    pub(super) fn close(&self, conn: &ConnectionId, code: CloseCode) {
        if let Some(mailbox) = self.all.get(conn) {
            let _ = mailbox.put(Parcel::Close(code), false);
        }
    }
}

/// The client does not read what is sent to it.
#[derive(Debug)]
pub(super) struct Full;

/// There is no such connection any more, or it is being closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    bounds: Bounds,
    waker: AtomicWaker,
    /// Whether the client is there.
    pub(super) liveness: Liveness,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    /// What is held for the client: what waits, and what was taken and is being written.
    bytes: usize,
    writing: usize,
    /// How many parcels were there when the client was about to join.
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
    /// The end.
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
    /// Waits until something is to be written, and takes all of it. Fails once the mailbox is full.
    /// Whoever comes for more has written what it took before.
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

    /// Whatever is posted from now on goes after the next `joined`.
    pub(super) fn mark(&self) {
        let mut queue = self.queue();
        queue.mark = Some(queue.parcels.len());
    }

    /// Pings a client that was silent for a heartbeat, unless it is pinged already.
    pub(super) fn beat(&self, now: Instant) {
        if let Asked::Now(_) = self.liveness.ask(now) {
            let _ = self.put(Parcel::Ping, false);
        }
    }

    /// Asks the client for a sign of life; `None` if there was one just now.
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

    /// Waits for the sign of life. Without one the connection is closed.
    pub(super) async fn lives(&self, ping: Question) -> bool {
        let lives = self.liveness.answered(ping).await;
        if !lives {
            let _ = self.post(Rejection::new(Code::IdleTimeout, "no answer to a ping").into());
            let _ = self.put(Parcel::Close(CloseCode::Timeout), false);
        }
        lives
    }

    /// Puts a message where it belongs: how many bytes it takes.
    pub(super) fn post(&self, message: ServerMessage) -> Result<usize, Gone> {
        let joined =
            matches!(message, ServerMessage::Joined { .. } | ServerMessage::Waiting { .. });
        self.put(Parcel::Text(message.encode().into()), joined)
    }

    fn put(&self, parcel: Parcel, at_mark: bool) -> Result<usize, Gone> {
        let mut queue = self.queue();
        // Whoever is replaced while it joins is told both, in this order.
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
            // Only the answer to the join goes there; a later one comes in its turn.
            let mark = if at_mark { queue.mark.take() } else { None };
            let at = mark.unwrap_or(queue.parcels.len());
            queue.parcels.insert(at, parcel);
        }
        let full = queue.state == State::Full;
        drop(queue);
        self.waker.wake();
        if full { Err(Gone) } else { Ok(size) }
    }

    /// A panic elsewhere leaves no queue half changed, so a poisoned lock is as good as any.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
