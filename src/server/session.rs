//! One WebSocket, from its first frame to its last.
//!
//! Three things can happen to it: something waits in its mailbox, a frame arrives, or its deadline
//! passes. They are handled in this order, one at a time, so that what one peer sends another
//! arrives in the order sent. However it ends, its seat is given up first and the client told
//! after; a panic in here ends this connection and no other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::FusedStream;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WsCode;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes, protocol::CloseFrame};
use tracing::{debug, error};

use super::limits::{Account, Permit, RateLimiter, Verdict};
use super::mailbox::{Full, Mailbox, Parcel};
use super::metered::{HasMeter, drain, is_spent};
use super::{Driver, now};
use crate::core::Connection;
use crate::ports::Registry;
use crate::wire::{CloseCode, Code, Incoming, Rejection, ServerMessage};

/// What a pong is, besides its payload: two bytes and the mask.
const PONG_HEAD: usize = 6;
/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// The times that bound a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Silent for this long: a ping. For twice as long: dead.
    pub(super) heartbeat: Duration,
    /// A connection that has not joined by then is closed.
    pub(super) join_timeout: Duration,
}

/// One client's connection.
pub(super) struct Session<R, S> {
    pub(super) socket: WebSocketStream<S>,
    pub(super) connection: Connection,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) driver: Driver<R>,
    pub(super) rate_limiter: RateLimiter,
    /// The budget that it shares with other connections of the same peer.
    pub(super) account: Option<Account>,
    pub(super) timeouts: Timeouts,
    pub(super) opened: Instant,
    /// It held a seat once.
    pub(super) joined: bool,
    pub(super) _held: Held,
}

/// What a connection gives back when it has ended.
pub(super) struct Held {
    pub(super) _socket: Arc<Permit>,
    pub(super) _websocket: Permit,
    /// The server does not end before all of its connections have.
    pub(super) _alive: Option<mpsc::Sender<()>>,
}

/// Why a connection ends.
enum End {
    /// The client went, or its socket broke.
    Gone,
    /// It was told why already.
    Closed(CloseCode),
    /// It is still to be told why.
    Refused(Rejection, CloseCode),
}

impl<R: Registry, S: AsyncRead + AsyncWrite + HasMeter + Unpin> Session<R, S> {
    /// Serves the connection until it ends. Boxed, as is the goodbye: the memory of an idle
    /// connection is mostly that of its task.
    pub(super) async fn run(mut self: Box<Self>) {
        let conn = self.connection.id.clone();
        debug!(%conn, "open");
        let end = AssertUnwindSafe(self.converse()).catch_unwind().await;
        let end = end.unwrap_or_else(|_| panicked());
        if let Err(fault) = self.driver.lost(&mut self.connection, now()).await {
            error!(%conn, %fault, "a seat could not be given up");
        }
        self.charge_for_news(0, Instant::now());
        self.driver.outbox.end();
        debug!(%conn, reason = end.name(), "closed");
        // A client that does not listen to the goodbye is not waited for.
        let _ = timeout(FAREWELL, Box::pin(farewell(&mut self.socket, end))).await;
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

    /// Writes what waited, in one flush. Meanwhile it goes on reading, because a client that is slow
    /// to take what it is sent may be lively all the same. It is not waited for longer than it takes
    /// to call it dead, or its mailbox to fill up.
    async fn write(&mut self, parcels: Result<VecDeque<Parcel>, Full>) -> Option<End> {
        let Ok(mut parcels) = parcels else { return Some(slow()) };
        let mailbox = Arc::clone(&self.mailbox);
        let mut patience = std::pin::pin!(tokio::time::sleep(self.timeouts.heartbeat * 2));
        loop {
            let socket = &mut self.socket;
            let frame = tokio::select! {
                biased;
                turn = poll_fn(|context| poll_turn(socket, &mut parcels, context)) => match turn {
                    Turn::Written(end) => return end,
                    Turn::Frame(frame) => frame,
                },
                Full = mailbox.full() => return Some(slow()),
                () = &mut patience => return Some(slow()),
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
            Message::Pong(payload) if self.mailbox.liveness.answers() => {
                self.excuse(PONG_HEAD + payload.len(), at);
                None
            }
            Message::Ping(_) | Message::Pong(_) => self.charge(at).err(),
            Message::Binary(_) => Some(refused(
                Code::InvalidMessage,
                "expected text frames, not binary ones",
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
        let refusal = match (too_fast, incoming) {
            (Some(rejection), incoming) => rejection.answering_frame(&incoming),
            (None, Err(rejection)) => rejection,
            (None, Ok(incoming)) => {
                self.handle(incoming).await;
                self.charge_for_news(text.len(), at);
                return None;
            }
        };
        let _ = self.mailbox.post(refusal.into());
        None
    }

    async fn handle(&mut self, incoming: Incoming<'_>) {
        let (request_id, to) = (incoming.request_id.clone(), incoming.message.to().cloned());
        if let Err(fault) = self.driver.receive(&mut self.connection, incoming, now()).await {
            error!(conn = %self.connection.id, %fault, "a message was not handled");
            let rejection = Rejection::new(Code::Internal, "our fault; nothing was changed");
            let _ = self.mailbox.post(rejection.to(to).answering(request_id).into());
        }
        self.joined |= self.connection.claim.is_some();
    }

    /// Charges for what others were made to receive, beyond what was read for it: that is charged
    /// already.
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

    /// Charges for a frame, and for whatever was read to get it. `Ok(Some(_))` refuses it.
    fn charge(&mut self, at: Instant) -> Result<Option<Rejection>, End> {
        let too_fast =
            || Rejection::new(Code::RateLimited, "too many messages, or too much in them");
        let bytes = self.socket.get_mut().meter().look();
        let overdrawn = self.account.as_ref().and_then(|account| account.overdrawn(at));
        match self.rate_limiter.charge(bytes, at).or_wait(overdrawn) {
            Verdict::Fine => Ok(None),
            Verdict::TooFast(wait) => Ok(Some(too_fast().retry_after(wait))),
            Verdict::Hopeless => Err(End::Refused(too_fast(), CloseCode::RateLimited)),
        }
    }

    /// Charges for all that was read, but for the answer to a ping of ours.
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
            let text = "nothing was heard for two heartbeats";
            return Some(refused(Code::IdleTimeout, text, CloseCode::Timeout));
        }
        if !self.joined && self.opened.elapsed() >= self.timeouts.join_timeout {
            let text = "no successful `join` in time";
            return Some(refused(Code::JoinTimeout, text, CloseCode::Timeout));
        }
        if silent >= self.timeouts.heartbeat {
            self.mailbox.beat(Instant::now());
        }
        deadline.reset(self.next_deadline());
        None
    }
}

/// What came first: all is written, or a frame.
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

/// Writes the parcels and flushes. The one that closes ends it.
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
            Some(Parcel::Text(text)) => socket.start_send_unpin(Message::Text(text))?,
            Some(Parcel::Ping) => socket.start_send_unpin(Message::Ping(Bytes::new()))?,
            Some(Parcel::Close(_)) | None => {}
        }
    }
    socket.poll_flush_unpin(context).map_ok(|()| None)
}

/// Tells the client why, closes, and waits until it has closed too.
async fn farewell<S: AsyncRead + AsyncWrite + HasMeter + Unpin>(
    socket: &mut WebSocketStream<S>,
    end: End,
) -> Result<(), WsError> {
    let (rejection, code) = match end {
        End::Gone => return socket.flush().await,
        End::Closed(code) => (None, code),
        End::Refused(rejection, code) => (Some(rejection), code),
    };
    let reason = Utf8Bytes::from_static(code.reason());
    let frame = CloseFrame { code: WsCode::from(code as u16), reason };
    if let Some(rejection) = rejection {
        socket.feed(text_of(rejection.into())).await?;
    }
    socket.send(Message::Close(Some(frame))).await?;
    if socket.is_terminated() {
        // Its frames cannot be told apart any more.
        drain(socket.get_mut()).await;
    }
    while let Some(Ok(_)) = socket.next().await {
        socket.get_mut().meter().look();
    }
    socket.get_mut().shutdown().await?;
    Ok(())
}

/// What a socket's own error means for its client.
fn broken(error: &WsError, limit: Option<usize>) -> End {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            let text = format!("expected messages of at most {} bytes", limit.unwrap_or_default());
            refused(Code::InvalidMessage, text, CloseCode::TooLarge)
        }
        WsError::Utf8(_) => {
            refused(Code::InvalidMessage, "expected text in UTF-8", CloseCode::NotText)
        }
        WsError::Io(error) if is_spent(error) => {
            refused(Code::RateLimited, "too much without a message", CloseCode::RateLimited)
        }
        WsError::Protocol(violation) if !hung_up(violation) => {
            refused(Code::InvalidMessage, violation.to_string(), CloseCode::Protocol)
        }
        _ => End::Gone,
    }
}

fn hung_up(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError as P;
    matches!(error, P::ResetWithoutClosingHandshake | P::SendAfterClosing | P::ReceivedAfterClosing)
}

/// What it panicked with may quote the client, so nobody looks at it.
fn panicked() -> End {
    refused(Code::Internal, "our fault", CloseCode::Internal)
}

fn slow() -> End {
    refused(Code::SlowConsumer, "what was sent was not read", CloseCode::SlowConsumer)
}

fn refused(code: Code, text: impl Into<std::borrow::Cow<'static, str>>, close: CloseCode) -> End {
    End::Refused(Rejection::new(code, text), close)
}

fn text_of(message: ServerMessage) -> Message {
    Message::Text(message.encode().into())
}

impl End {
    /// For the log.
    fn name(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Closed(_) => "closed",
            Self::Refused(rejection, _) => rejection.code.name(),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
