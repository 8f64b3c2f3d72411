//! One WebSocket connection, from its first frame to its last.
//!
//! A session waits for a message in its mailbox, a frame from its client, and its deadline. It
//! handles one at a time, in this order of priority, so messages from one peer to another arrive
//! in the order they were sent. However a session ends, it first gives up its seat and then tells
//! the client. A panic in here ends this connection and no other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tracing::{debug, error};

use super::farewell::{End, broken, farewell, panicked, refused};
use super::limits::{Account, Permit, RateLimiter, Verdict};
use super::mailbox::{Mailbox, Parcel, Stop};
use super::metered::HasMeter;
use super::{Driver, now};
use crate::core::Connection;
use crate::ports::Registry;
use crate::wire::{ClientMessage, CloseCode, Code, Incoming, Rejection};

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
pub(super) struct Session<R, S> {
    pub(super) socket: WebSocketStream<S>,
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
    /// How many frames were not written when the connection ended.
    pub(super) unwritten: usize,
    pub(super) _held: Held,
}

/// The resources a connection holds until it ends.
pub(super) struct Held {
    pub(super) _socket: Arc<Permit>,
    pub(super) _websocket: Permit,
    /// Keeps the server running until all of its connections have ended.
    pub(super) _alive: Option<mpsc::Sender<()>>,
}

impl<R: Registry, S: AsyncRead + AsyncWrite + HasMeter + Unpin> Session<R, S> {
    /// Serves the connection until it ends. The session and its farewell are boxed because the
    /// task accounts for most of the memory of an idle connection.
    pub(super) async fn run(mut self: Box<Self>) {
        let conn = self.connection.id.clone();
        debug!(%conn, "open");
        let end = AssertUnwindSafe(self.converse()).catch_unwind().await;
        let end = end.unwrap_or_else(|_| panicked());
        debug!(%conn, reason = end.name(), "closed");
        self.mailbox.finish(self.taken, self.unwritten);
        // Another connection is taking the seat. Were it given up first, the others would hear that
        // the peer is away.
        let replaced = end.replaced();
        if !replaced {
            Box::pin(self.give_up_seat()).await;
        }
        // We do not wait for a client that ignores the close frame.
        let _ = timeout(FAREWELL, Box::pin(farewell(&mut self.socket, end))).await;
        if replaced {
            Box::pin(self.give_up_seat()).await;
        }
    }

    async fn give_up_seat(&mut self) {
        if let Err(fault) = self.driver.lost(&mut self.connection, now()).await {
            error!(conn = %self.connection.id, %fault, "could not give up a seat");
        }
        self.charge_for_news(0, Instant::now());
        self.driver.outbox.end();
    }

    async fn converse(&mut self) -> End {
        let mailbox = Arc::clone(&self.mailbox);
        let mut deadline = std::pin::pin!(sleep_until(self.next_deadline()));
        loop {
            let end = tokio::select! {
                biased;
                parcels = mailbox.take() => self.write(parcels).await,
                frame = self.socket.next() => self.read(frame).await,
                () = &mut deadline => self.on_deadline(deadline.as_mut()),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Writes the waiting messages in one flush. It keeps reading meanwhile, because a client that
    /// reads slowly may still be active. It gives up after two heartbeats, or once the mailbox is
    /// full.
    async fn write(&mut self, parcels: Result<VecDeque<Parcel>, Stop>) -> Option<End> {
        let mut parcels = match parcels {
            Ok(parcels) => parcels,
            Err(stop) => return Some(stop.into()),
        };
        let end = self.write_all(&mut parcels).await;
        self.unwritten = parcels.iter().filter(|it| matches!(it, Parcel::Text(_))).count();
        end
    }

    async fn write_all(&mut self, parcels: &mut VecDeque<Parcel>) -> Option<End> {
        let mailbox = Arc::clone(&self.mailbox);
        let mut patience = std::pin::pin!(tokio::time::sleep(self.timeouts.heartbeat * 2));
        loop {
            let socket = &mut self.socket;
            let frame = tokio::select! {
                biased;
                turn = poll_fn(|context| poll_turn(socket, parcels, context)) => match turn {
                    Turn::Written(end) => return end,
                    Turn::Frame(frame) => frame,
                },
                stop = mailbox.stopped() => return Some(stop.into()),
                () = &mut patience => return Some(Stop::Full.into()),
            };
            if let Some(end) = self.read(frame).await {
                return Some(end);
            }
        }
    }

    async fn read(&mut self, frame: Option<Result<Message, WsError>>) -> Option<End> {
        let message = match frame {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                return Some(broken(&error, self.socket.get_config().max_message_size));
            }
            None => return Some(End::Gone),
        };
        let at = Instant::now();
        self.mailbox.liveness.heard(at);
        match message {
            Message::Text(text) => self.receive(&text, at).await,
            Message::Pong(payload) => {
                if let Ok(number) = payload.as_ref().try_into() {
                    self.mailbox.prove(u64::from_be_bytes(number));
                }
                if !self.mailbox.liveness.answers() {
                    return self.charge(at).err();
                }
                self.excuse(PONG_HEAD + payload.len(), at);
                None
            }
            Message::Ping(_) => self.charge(at).err(),
            Message::Binary(_) => Some(refused(
                Code::InvalidMessage,
                "expected text frames, not binary frames",
                CloseCode::Binary,
            )),
            Message::Close(_) | Message::Frame(_) => Some(End::Gone),
        }
    }

    async fn receive(&mut self, text: &str, at: Instant) -> Option<End> {
        let too_fast = match self.charge(at) {
            Err(end) => return Some(end),
            Ok(too_fast) => too_fast,
        };
        let incoming = Incoming::parse(text);
        let joins = matches!(&incoming, Ok(Incoming { message: ClientMessage::Join(_), .. }));
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
            let _ = self.mailbox.answer(refusal.into());
        }
        None
    }

    async fn handle(&mut self, incoming: Incoming<'_>) {
        let (request_id, to) = (incoming.request_id.clone(), incoming.message.to().cloned());
        if let Err(fault) = self.driver.receive(&mut self.connection, incoming, now()).await {
            error!(conn = %self.connection.id, %fault, "could not handle a message");
            let rejection = Rejection::new(Code::Internal, "our fault; nothing was changed");
            let _ = self.mailbox.answer(rejection.to(to).answering(request_id).into());
        }
        self.joined |= self.connection.claim.is_some();
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
        let bytes = self.socket.get_mut().meter().look();
        let overdrawn = self.account.as_ref().and_then(|account| account.overdrawn(at));
        match self.rate_limiter.charge(bytes, at).or_wait(overdrawn) {
            Verdict::Fine => Ok(None),
            Verdict::TooFast(wait) => Ok(Some(too_fast().retry_after(wait))),
            Verdict::Hopeless => Err(End::Refused(too_fast(), CloseCode::RateLimited)),
        }
    }

    /// Charges for all bytes read, except for the client's answer to our ping.
    fn excuse(&mut self, answer: usize, at: Instant) {
        let bytes = self.socket.get_mut().meter().look();
        self.rate_limiter.owe(bytes.saturating_sub(answer), at);
    }

    fn next_deadline(&self) -> Instant {
        let now = Instant::now();
        let heard = self.mailbox.liveness.last_heard();
        let beat = heard + self.timeouts.heartbeat;
        let beat = if beat > now { beat } else { beat + self.timeouts.heartbeat };
        if self.joined { beat } else { beat.min(self.opened + self.timeouts.join_timeout) }
    }

    fn on_deadline(&mut self, deadline: std::pin::Pin<&mut Sleep>) -> Option<End> {
        let silent = self.mailbox.liveness.last_heard().elapsed();
        if silent >= self.timeouts.heartbeat * 2 {
            let text = "nothing was received for two heartbeats";
            return Some(refused(Code::IdleTimeout, text, CloseCode::Timeout));
        }
        if !self.joined && self.opened.elapsed() >= self.timeouts.join_timeout {
            let text = "expected a successful `join` in time";
            return Some(refused(Code::JoinTimeout, text, CloseCode::Timeout));
        }
        if silent >= self.timeouts.heartbeat {
            self.mailbox.beat(Instant::now());
        }
        deadline.reset(self.next_deadline());
        None
    }
}

/// What happened first: everything was written, or a frame arrived.
enum Turn {
    Written(Option<End>),
    Frame(Option<Result<Message, WsError>>),
}

fn poll_turn<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    parcels: &mut VecDeque<Parcel>,
    context: &mut Context<'_>,
) -> Poll<Turn> {
    match poll_write(socket, parcels, context) {
        Poll::Ready(end) => Poll::Ready(Turn::Written(end.unwrap_or(Some(End::Gone)))),
        Poll::Pending => socket.poll_next_unpin(context).map(Turn::Frame),
    }
}

/// Writes the parcels and flushes them. A [`Parcel::Close`] ends the session.
fn poll_write<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    parcels: &mut VecDeque<Parcel>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<End>, WsError>> {
    while let Some(parcel) = parcels.front() {
        if let Parcel::Close(code) = parcel {
            let end = End::Closed(*code);
            return socket.poll_flush_unpin(context).map_ok(|()| Some(end));
        }
        ready!(socket.poll_ready_unpin(context))?;
        match parcels.pop_front() {
            Some(Parcel::Text(text) | Parcel::Joined(text)) => {
                socket.start_send_unpin(Message::Text(text))?;
            }
            Some(Parcel::Ping(number)) => {
                let payload = Bytes::copy_from_slice(&number.to_be_bytes());
                socket.start_send_unpin(Message::Ping(payload))?;
            }
            Some(Parcel::Close(_)) | None => {}
        }
    }
    socket.poll_flush_unpin(context).map_ok(|()| None)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
