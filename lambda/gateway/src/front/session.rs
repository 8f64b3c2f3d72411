//! One WebSocket connection, from its first frame to its last.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::FusedStream;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connection::Connection;
use super::outbox::Next;
use super::{Front, dispatch};

/// How long the closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The most bytes that [`drain`] reads.
const MAX_DRAINED: usize = 1 << 20;
/// The silence after which [`drain`] stops reading.
const QUIET: Duration = Duration::from_millis(200);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How a connection ended, as `$disconnect` reports it.
pub(super) struct End {
    pub(super) code: u16,
    pub(super) reason: String,
    /// Whether the client must still be told.
    ours: bool,
}

/// Serves a connection until it ends.
pub(super) async fn run(front: &Arc<Front>, connection: &Arc<Connection>, mut socket: Socket) {
    let end = tokio::select! {
        end = converse(front, connection, &mut socket) => end,
        end = impatience(connection) => end,
    };
    close(front, connection, &end);
    // We do not wait for a client that ignores the close frame.
    let _ = timeout(FAREWELL, farewell(&mut socket, &end, connection)).await;
    connection.end();
}

/// Takes the connection off the list, and invokes `$disconnect`.
pub(super) fn close(front: &Arc<Front>, connection: &Arc<Connection>, end: &End) {
    front.connections.remove(connection.id());
    front.site.meter.closed(connection.age(front.site.clock.now()));
    dispatch::disconnect(front, connection, end);
    if !end.ours {
        connection.end();
    }
}

async fn converse(front: &Arc<Front>, connection: &Arc<Connection>, socket: &mut Socket) -> End {
    let mut unflushed = false;
    loop {
        let turn = poll_fn(|context| poll_turn(connection, socket, &mut unflushed, context));
        let frame = match turn.await {
            Turn::Frame(frame) => frame,
            Turn::End(end) => return end,
        };
        match frame {
            Ok(Message::Text(text)) => dispatch::message(front, connection, text),
            Ok(Message::Binary(_)) => return End::ours(1003, "Binary is not supported"),
            Ok(Message::Close(frame)) => return End::theirs(frame),
            // tungstenite answers pings. None of these frames counts as a message or as activity.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => return broken(&error),
        }
    }
}

/// What happened first.
enum Turn {
    Frame(Result<Message, WsError>),
    End(End),
}

/// Writes as much as possible and then reads, because a client that reads slowly may still be
/// active.
fn poll_turn(
    connection: &Connection,
    socket: &mut Socket,
    unflushed: &mut bool,
    context: &mut Context<'_>,
) -> Poll<Turn> {
    match poll_write(connection, socket, unflushed, context) {
        Ok(None) => {}
        Ok(Some(end)) => return Poll::Ready(Turn::End(end)),
        Err(_) => return Poll::Ready(Turn::End(End::lost())),
    }
    socket.poll_next_unpin(context).map(|frame| match frame {
        Some(frame) => Turn::Frame(frame),
        None => Turn::End(End::lost()),
    })
}

fn poll_write(
    connection: &Connection,
    socket: &mut Socket,
    unflushed: &mut bool,
    context: &mut Context<'_>,
) -> Result<Option<End>, WsError> {
    while let Poll::Ready(ready) = socket.poll_ready_unpin(context) {
        ready?;
        match connection.outbox.poll_next(context) {
            Poll::Ready(Next::Frame(text)) => {
                socket.start_send_unpin(Message::Text(text))?;
                *unflushed = true;
            }
            Poll::Ready(Next::Close(code, reason)) => return Ok(Some(End::ours(code, reason))),
            Poll::Pending => break,
        }
    }
    if *unflushed && let Poll::Ready(flushed) = socket.poll_flush_unpin(context) {
        flushed?;
        *unflushed = false;
    }
    Ok(None)
}

/// Ends a connection that was asked to close, if its client does not read the frames before the
/// close in time.
async fn impatience(connection: &Connection) -> End {
    connection.outbox.closing().await;
    sleep(FAREWELL).await;
    let (code, reason) = connection.outbox.close_asked().unwrap_or((1001, "Going away"));
    End::ours(code, reason)
}

/// Tells the client that the connection ends, and waits until the client closes too.
async fn farewell(socket: &mut Socket, end: &End, connection: &Connection) -> Result<(), WsError> {
    if end.ours {
        let frame = CloseFrame { code: end.code.into(), reason: end.reason.as_str().into() };
        socket.send(Message::Close(Some(frame))).await?;
        connection.end();
    } else {
        socket.flush().await?;
    }
    if socket.is_terminated() {
        // After a protocol error the incoming bytes can no longer be parsed into frames.
        drain(socket).await;
    }
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// Reads what the client is still sending. If a socket is dropped with unread input, the client's
/// kernel discards data it has not read yet, the close frame included (RFC 1122, 4.2.2.13).
async fn drain(socket: &mut Socket) {
    let mut drained = 0;
    let mut scratch = [0; 2048];
    while drained < MAX_DRAINED {
        match timeout(QUIET, socket.get_mut().read(&mut scratch)).await {
            Ok(Ok(bytes)) if bytes > 0 => drained += bytes,
            Ok(Ok(_) | Err(_)) | Err(_) => break,
        }
    }
}

/// How a connection ends after a socket error.
fn broken(error: &WsError) -> End {
    match error {
        WsError::Capacity(_) => End::ours(1009, "Message too long"),
        WsError::Utf8(_) => End::ours(1007, "Invalid UTF-8"),
        WsError::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::SendAfterClosing
            | ProtocolError::ReceivedAfterClosing,
        ) => End::lost(),
        WsError::Protocol(_) => End::ours(1002, "Protocol error"),
        _ => End::lost(),
    }
}

impl End {
    /// The client disconnected without a close frame.
    pub(super) fn lost() -> Self {
        Self { code: 1006, reason: "Connection closed abnormally".into(), ours: false }
    }

    fn ours(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.into(), ours: true }
    }

    fn theirs(frame: Option<CloseFrame>) -> Self {
        let not_set = Utf8Bytes::from_static("Client-side close frame status not set");
        let (code, reason) =
            frame.map_or((1005, not_set), |frame| (frame.code.into(), frame.reason));
        Self { code, reason: reason.as_str().to_owned(), ours: false }
    }
}
