//! How a connection is reached: one bounded queue each.
//!
//! Senders never wait. A queue that is full, in messages or in bytes, belongs to a client that does
//! not read: it is marked, its connection is closed as a slow consumer, and to its peers it is
//! gone. What waits is an encoded copy, so that a waiting message keeps no read buffer alive.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use dashmap::DashMap;
use futures_util::future::join_all;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::core::{Connection, ConnectionId, Grant, Session};
use crate::ports::{Connections, Delivery, Outbox, Swap, Unavailable};
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// A client heard from this recently is alive without being asked.
const FRESH: Duration = Duration::from_secs(2);
/// How long a probed client has to answer a ping: a newcomer to a full room waits as long, and a
/// phone that changes networks should not lose its seat.
const PROBE_WAIT: Duration = Duration::from_secs(4);

/// How much may wait for one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// The mailboxes of all connections: the outbox of the standalone server.
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
            epoch: self.epoch,
            heard: AtomicU64::new(millis(self.epoch.elapsed())),
            probed: AtomicBool::new(false),
            sign_of_life: Notify::new(),
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

    fn find(&self, conn: &ConnectionId) -> Option<Arc<Mailbox>> {
        self.all.get(conn).map(|mailbox| Arc::clone(&mailbox))
    }
}

/// A claim lives on the stack of its session, so nobody has to look for it.
impl Connections for Mailboxes {
    async fn claim(
        &self,
        _: &mut Connection,
        seat: &Session,
        _: Option<&Grant>,
    ) -> Result<Swap, Unavailable> {
        if let Some(mailbox) = self.all.get(&seat.conn) {
            mailbox.mark();
        }
        Ok(Swap::Done)
    }
}

impl Outbox for Mailboxes {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        Ok(self.all.get(to).map_or(Delivery::Gone, |mailbox| mailbox.post(message)))
    }

    async fn close(&self, conn: &ConnectionId, code: CloseCode) -> Result<(), Unavailable> {
        if let Some(mailbox) = self.all.get(conn) {
            mailbox.close(code);
        }
        Ok(())
    }

    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        let probes = conns.iter().map(async |conn| match self.find(conn) {
            Some(mailbox) if mailbox.lives().await => None,
            Some(_) | None => Some(conn.clone()),
        });
        Ok(join_all(probes).await.into_iter().flatten().collect())
    }
}

/// The client does not read what is sent to it.
#[derive(Debug)]
pub(super) struct Full;

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    bounds: Bounds,
    waker: AtomicWaker,
    epoch: Instant,
    /// When the client was last heard, in milliseconds since `epoch`.
    heard: AtomicU64,
    /// Somebody waits for a sign of life.
    probed: AtomicBool,
    sign_of_life: Notify,
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
    fn mark(&self) {
        let mut queue = self.queue();
        queue.mark = Some(queue.parcels.len());
    }

    /// Notes a sign of life.
    pub(super) fn heard(&self, now: Instant) {
        self.heard.store(millis(now - self.epoch), Ordering::Relaxed);
        if self.probed.swap(false, Ordering::AcqRel) {
            self.sign_of_life.notify_waiters();
        }
    }

    /// When the client was last heard.
    pub(super) fn last_heard(&self) -> Instant {
        self.epoch + Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }

    /// Asks the client for a sign of life. Without one its connection is closed.
    async fn lives(&self) -> bool {
        if self.last_heard().elapsed() < FRESH {
            return true;
        }
        let sign = self.sign_of_life.notified();
        self.probed.store(true, Ordering::Release);
        self.put(Parcel::Ping, false);
        let lives = timeout(PROBE_WAIT, sign).await.is_ok();
        if !lives {
            self.post(Rejection::new(Code::IdleTimeout, "no answer to a ping").into());
            self.close(CloseCode::Timeout);
        }
        lives
    }

    /// Puts a message where it belongs.
    pub(super) fn post(&self, message: ServerMessage) -> Delivery {
        let joined =
            matches!(message, ServerMessage::Joined { .. } | ServerMessage::Waiting { .. });
        self.put(Parcel::Text(message.encode().into()), joined)
    }

    fn close(&self, code: CloseCode) {
        self.put(Parcel::Close(code), false);
    }

    fn put(&self, parcel: Parcel, at_mark: bool) -> Delivery {
        let mut queue = self.queue();
        // Whoever is replaced while it joins is told both, in this order.
        let at_mark = at_mark && queue.mark.is_some();
        let in_time = queue.state == State::Open || (at_mark && queue.state == State::Closing);
        if !in_time {
            return Delivery::Gone;
        }
        let bytes = queue.bytes + parcel.bytes();
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
        if full { Delivery::Gone } else { Delivery::Accepted }
    }

    /// A panic elsewhere leaves no queue half changed, so a poisoned lock is as good as any.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(since: Duration) -> u64 {
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
