//! One WebSocket connection, from its first frame to its last.
//!
//! A session waits for a reason to stop, for bytes from its client, and for its deadline. It
//! handles the client's messages one at a time, so messages from one peer to another arrive in the
//! order they were sent. It writes only what others could not write at once. However a session
//! ends, it first gives up its seat and then tells the client. A panic in here ends this
//! connection and no other.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tracing::{debug, error, info};

use super::config::queue_bytes;
use super::farewell::{End, broke, failed, farewell, panicked, refused};
use super::frames::Received;
use super::limits::{Account, Limits, Permit, RateLimiter, Verdict};
use super::mailbox::{Mailbox, Stop};
use super::metrics::{Counted, Metrics};
use super::opaque::Opaque;
use super::reader::{Batch, Reader};
use super::speaker::Speaker;
use super::{Driver, now};
use crate::core::Connection;
use crate::ports::Registry;
use crate::wire::{ClientMessage, CloseCode, Code, Incoming, Rejection, RoomId};

/// The size of a pong without its payload: a header of two bytes and the mask.
const PONG_HEAD: usize = 6;
/// How long the closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// A client that is silent for this long is pinged. After twice as long it counts as dead.
    pub(super) heartbeat: Duration,
    /// A connection that has not joined within this time is closed.
    pub(super) join_timeout: Duration,
}

/// One client's connection.
pub(super) struct Session<R> {
    pub(super) reader: Reader,
    pub(super) connection: Connection,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) driver: Driver<R>,
    pub(super) rate_limiter: RateLimiter,
    /// The budget it shares with the peer's other connections.
    pub(super) account: Option<Account>,
    pub(super) timeouts: Timeouts,
    pub(super) opened: Instant,
    /// Whether it has ever held a seat.
    pub(super) joined: bool,
    /// How many text frames were taken from the client, its joins not counted.
    pub(super) taken: u64,
    /// How many bytes all text frames had.
    pub(super) bytes: u64,
    /// The longest message, in bytes.
    pub(super) max_message_bytes: usize,
    pub(super) held: Held,
}

/// The resources a connection holds until it ends.
pub(super) struct Held {
    pub(super) _socket: Arc<Permit>,
    pub(super) websocket: Permit,
    pub(super) limits: Arc<Limits>,
    /// Keeps the server running until all of its connections have ended.
    pub(super) _alive: Option<mpsc::Sender<()>>,
}

impl Held {
    /// Counts an invalid token against the address that the client has.
    fn note_failed_token(&self) {
        if let Some(from) = self.websocket.ip() {
            let _too_many_wait_at_the_next_handshake = self.limits.failed_token(from);
        }
    }
}

/// What a session waits for.
enum Next {
    Stop(Stop),
    Batch(Batch),
    Gone(End),
    Deadline,
}

impl<R: Registry> Session<R> {
    /// Serves the connection until it ends. `read` was read from it before. The session and its
    /// farewell are boxed because the task accounts for most of the memory of an idle connection.
    pub(super) async fn run(mut self: Box<Self>, read: Batch) {
        let conn = self.connection.id.clone();
        debug!(%conn, "open");
        let end = AssertUnwindSafe(self.converse(read)).catch_unwind().await;
        let end = end.unwrap_or_else(|_| panicked());
        self.report(&end);
        Box::pin(self.end(end)).await;
    }

    /// One line for each connection. The visit is told by a name that means nothing elsewhere.
    fn report(&self, end: &End) {
        let metrics = self.metrics();
        metrics.closed.count(end.name());
        if let End::Refused(rejection, _) | End::Broke(rejection, _) = end {
            metrics.errors.count(rejection.code.name());
        }
        if !self.joined && matches!(end, End::Closed(CloseCode::Unauthorized)) {
            metrics.failed_tokens.count("join");
            self.held.note_failed_token();
        }
        let room = self.connection.claim.as_ref().map(|claim| &claim.room);
        // The health check comes too often.
        if !self.joined || room.is_some_and(RoomId::is_own) {
            return debug!(conn = %self.connection.id, reason = end.name(), "closed");
        }
        info!(
            conn = %self.connection.id,
            visit = room.map(|room| tracing::field::display(Opaque::of(room))),
            seconds = self.opened.elapsed().as_secs(),
            messages = self.taken,
            bytes = self.bytes,
            reason = end.name(),
            "a connection ended"
        );
    }

    async fn end(&mut self, end: End) {
        self.driver.outbox.release();
        let line = self.mailbox.finish(self.taken);
        // Another connection is taking the seat. Were it given up first, the others would hear that
        // the peer is away.
        let replaced = end.replaced();
        if !replaced {
            self.give_up_seat().await;
        }
        if let Some(line) = line {
            // We do not wait for a client that ignores the close frame.
            let _ = timeout(FAREWELL, farewell(line, &mut self.reader, end)).await;
        }
        if replaced {
            self.give_up_seat().await;
        }
    }

    async fn give_up_seat(&mut self) {
        if let Err(fault) = self.driver.lost(&mut self.connection, now()).await {
            error!(conn = %self.connection.id, %fault, "could not give up a seat");
        }
        self.charge_for_news(0, Instant::now());
        self.driver.outbox.end();
    }

    async fn converse(&mut self, read: Batch) -> End {
        let mut deadline = pin!(sleep_until(self.next_deadline()));
        let mut next = Next::Batch(read);
        loop {
            let end = match next {
                // On the heap, because an idle connection need not hold room for it.
                Next::Batch(batch) => Box::pin(self.read(batch)).await,
                Next::Deadline => self.on_deadline(deadline.as_mut()),
                Next::Stop(stop) => Some(stop.into()),
                Next::Gone(end) => Some(end),
            };
            if let Some(end) = end {
                return end;
            }
            next = poll_fn(|context| self.poll_next(deadline.as_mut(), context)).await;
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.driver.outbox.mailboxes.metrics
    }

    fn poll_next(&mut self, deadline: Pin<&mut Sleep>, context: &mut Context<'_>) -> Poll<Next> {
        if let Poll::Ready(stop) = self.mailbox.poll_write(context) {
            return Poll::Ready(Next::Stop(stop));
        }
        if let Poll::Ready(read) = self.reader.poll_read(context) {
            return Poll::Ready(match read {
                Ok(Some(batch)) => Next::Batch(batch),
                Ok(None) => Next::Gone(End::Gone),
                Err(error) => Next::Gone(failed(&error)),
            });
        }
        deadline.poll(context).map(|()| Next::Deadline)
    }

    /// Handles the messages in a batch. What they bring others is written at its end.
    async fn read(&mut self, mut batch: Batch) -> Option<End> {
        let at = Instant::now();
        self.mailbox.liveness.heard(at);
        let mut counted = Counted::default();
        let end = loop {
            let received = match self.reader.next(&mut batch) {
                Ok(Some(received)) => received,
                Ok(None) => break None,
                Err(violation) => break Some(broke(violation, self.max_message_bytes)),
            };
            let end = match received {
                Received::Text(text) => self.receive(&text, &mut counted, at).await,
                other => self.receive_frame(&other, at),
            };
            // A session that must stop takes no more frames.
            if let Some(end) = end.or_else(|| self.mailbox.handled().map(End::from)) {
                break Some(end);
            }
        };
        counted.note(self.metrics());
        self.driver.outbox.release();
        self.metrics().note_relay(at.elapsed());
        if end.is_some() {
            // What answers the frames before this one.
            self.mailbox.release();
        }
        end
    }

    /// Handles a frame that is no text.
    fn receive_frame(&mut self, frame: &Received<'_>, at: Instant) -> Option<End> {
        match frame {
            Received::Pong(payload) => {
                if let Ok(number) = (*payload).try_into() {
                    self.mailbox.prove(u64::from_be_bytes(number));
                }
                if !self.mailbox.liveness.answers() {
                    return self.charge(at).err();
                }
                self.excuse(PONG_HEAD + payload.len(), at);
                None
            }
            Received::Ping(payload) => {
                self.mailbox.pong(payload);
                self.charge(at).err()
            }
            Received::Close(payload) => Some(End::Left(payload.to_vec())),
            Received::Binary | Received::Text(_) => Some(refused(
                Code::InvalidMessage,
                "expected text frames, not binary frames",
                CloseCode::Binary,
            )),
        }
    }

    async fn receive(&mut self, text: &str, counted: &mut Counted, at: Instant) -> Option<End> {
        let too_fast = match self.charge(at) {
            Err(end) => return Some(end),
            Ok(too_fast) => too_fast,
        };
        let incoming = Incoming::parse(text);
        let kind = incoming.as_ref().map_or("invalid", |it| it.message.kind());
        counted.add(kind, text.len(), self.metrics());
        self.bytes += text.len() as u64;
        let joins = matches!(&incoming, Ok(Incoming { message: ClientMessage::Join(_), .. }));
        // A batch may hold thousands of messages, and other clients are waiting too.
        unless_it_waits(pin!(consume_budget()), &self.driver.outbox).await;
        let refusal = match (too_fast, incoming) {
            (Some(rejection), incoming) => Some(rejection.answering_frame(&incoming)),
            (None, Err(rejection)) => Some(rejection),
            (None, Ok(incoming)) => {
                self.handle(incoming).await;
                self.charge_for_news(text.len(), at);
                None
            }
        };
        self.taken += u64::from(!joins);
        if let Some(refusal) = refusal {
            self.metrics().errors.count(refusal.code.name());
            let _ = self.mailbox.answer(refusal.into());
        }
        None
    }

    async fn handle(&mut self, incoming: Incoming<'_>) {
        let (request_id, to) = (incoming.request_id.clone(), incoming.message.to().cloned());
        let handled = {
            let handles = pin!(self.driver.receive(&mut self.connection, incoming, now()));
            unless_it_waits(handles, &self.driver.outbox).await
        };
        if let Err(fault) = handled {
            error!(conn = %self.connection.id, %fault, "could not handle a message");
            let rejection = Rejection::new(Code::Internal, "our fault; nothing was changed");
            self.metrics().errors.count(rejection.code.name());
            let _ = self.mailbox.answer(rejection.to(to).answering(request_id).into());
        }
        self.joined |= self.connection.claim.is_some();
        if let Some(seats) = self.connection.grant.as_ref().and_then(|grant| grant.capacity) {
            self.mailbox.widen(queue_bytes(seats));
        }
    }

    /// Charges for the bytes that this client caused others to receive. The `read` bytes of its
    /// own frame are charged already, so they are deducted.
    fn charge_for_news(&mut self, read: usize, at: Instant) {
        let caused = self.driver.outbox.caused();
        self.rate_limiter.owe(caused.saturating_sub(read), at);
        if let Some(who) = &self.connection.claim
            && !self.account.as_ref().is_some_and(|account| account.is_of(who))
        {
            self.account = self.driver.connections.accounts.of(who, at);
        }
        if let Some(account) = &self.account {
            account.owe(caused, at);
        }
    }

    /// Charges for a frame and for all bytes read to get it. `Ok(Some(_))` refuses the frame.
    fn charge(&mut self, at: Instant) -> Result<Option<Rejection>, End> {
        let too_fast =
            || Rejection::new(Code::RateLimited, "too many messages, or too many bytes in them");
        let bytes = self.reader.look();
        let overdrawn = self.account.as_ref().and_then(|account| account.overdrawn(at));
        match self.rate_limiter.charge(bytes, at).or_wait(overdrawn) {
            Verdict::Fine => Ok(None),
            Verdict::TooFast(wait) => Ok(Some(too_fast().retry_after(wait))),
            Verdict::Hopeless => Err(End::Refused(too_fast(), CloseCode::RateLimited)),
        }
    }

    /// Charges for all bytes read, except for the client's answer to our ping.
    fn excuse(&mut self, answer: usize, at: Instant) {
        let bytes = self.reader.look();
        self.rate_limiter.owe(bytes.saturating_sub(answer), at);
    }

    fn next_deadline(&self) -> Instant {
        let now = Instant::now();
        let heard = self.mailbox.liveness.last_heard();
        let beat = heard + self.timeouts.heartbeat;
        let beat = if beat > now { beat } else { beat + self.timeouts.heartbeat };
        let join = (!self.joined).then_some(self.opened + self.timeouts.join_timeout);
        [join, self.patience()].into_iter().flatten().fold(beat, Instant::min)
    }

    /// When a client that takes nothing of what is written counts as one that does not read.
    fn patience(&self) -> Option<Instant> {
        Some(self.mailbox.blocked()? + self.timeouts.heartbeat * 2)
    }

    fn on_deadline(&mut self, deadline: Pin<&mut Sleep>) -> Option<End> {
        let now = Instant::now();
        let silent = self.mailbox.liveness.last_heard().elapsed();
        if silent >= self.timeouts.heartbeat * 2 {
            let text = "nothing was received for two heartbeats";
            return Some(refused(Code::IdleTimeout, text, CloseCode::Timeout));
        }
        if !self.joined && self.opened.elapsed() >= self.timeouts.join_timeout {
            let text = "expected a successful `join` in time";
            return Some(refused(Code::JoinTimeout, text, CloseCode::Timeout));
        }
        if self.patience().is_some_and(|end| end <= now) {
            return Some(Stop::Full.into());
        }
        if silent >= self.timeouts.heartbeat {
            self.mailbox.beat(now);
        }
        deadline.reset(self.next_deadline());
        None
    }
}

/// Completes `work`. Should it have to wait, what was held back is written first.
async fn unless_it_waits<T>(mut work: Pin<&mut impl Future<Output = T>>, outbox: &Speaker) -> T {
    poll_fn(|context| {
        let done = work.as_mut().poll(context);
        if done.is_pending() {
            outbox.release();
        }
        done
    })
    .await
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
