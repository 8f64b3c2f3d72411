//! How a connection ends: why, and what its client is told.

use futures_util::stream::FusedStream;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError as P};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WsCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, protocol::CloseFrame};

use super::mailbox::Stop;
use super::metered::{HasMeter, drain, is_spent};
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// Why a connection ends.
pub(super) enum End {
    /// The client disconnected, or its socket failed.
    Gone,
    /// The client has already been told why.
    Closed(CloseCode),
    /// The client must still be told why.
    Refused(Rejection, CloseCode),
}

/// Tells the client why the connection ends, closes it, and waits until the client closes too.
pub(super) async fn farewell<S: AsyncRead + AsyncWrite + HasMeter + Unpin>(
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
        // After a protocol error the incoming bytes can no longer be parsed into frames.
        drain(socket.get_mut()).await;
    }
    while let Some(Ok(_)) = socket.next().await {
        socket.get_mut().meter().look();
    }
    socket.get_mut().shutdown().await?;
    Ok(())
}

/// How a connection ends after a socket error.
pub(super) fn broken(error: &WsError, limit: Option<usize>) -> End {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            let text = format!("expected messages of at most {} bytes", limit.unwrap_or_default());
            refused(Code::InvalidMessage, text, CloseCode::TooLarge)
        }
        WsError::Utf8(_) => {
            refused(Code::InvalidMessage, "expected text in UTF-8", CloseCode::NotText)
        }
        WsError::Io(error) if is_spent(error) => {
            let text = "too many bytes without a complete message";
            refused(Code::RateLimited, text, CloseCode::RateLimited)
        }
        WsError::Protocol(violation) if !hung_up(violation) => {
            refused(Code::InvalidMessage, violation.to_string(), CloseCode::Protocol)
        }
        _ => End::Gone,
    }
}

fn hung_up(error: &P) -> bool {
    matches!(error, P::ResetWithoutClosingHandshake | P::SendAfterClosing | P::ReceivedAfterClosing)
}

/// Ignores the panic message, because it may quote the client.
pub(super) fn panicked() -> End {
    refused(Code::Internal, "our fault", CloseCode::Internal)
}

pub(super) fn refused(
    code: Code,
    text: impl Into<std::borrow::Cow<'static, str>>,
    close: CloseCode,
) -> End {
    End::Refused(Rejection::new(code, text), close)
}

fn text_of(message: ServerMessage) -> Message {
    Message::Text(message.encode().into())
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Full => {
                let text = "the client did not read its messages fast enough";
                refused(Code::SlowConsumer, text, CloseCode::SlowConsumer)
            }
            Stop::Replaced => Self::Refused(Rejection::replaced(), CloseCode::Replaced),
            Stop::Silent => refused(Code::IdleTimeout, "no answer to a ping", CloseCode::Timeout),
        }
    }
}

impl End {
    /// Whether another connection is taking the seat.
    pub(super) const fn replaced(&self) -> bool {
        matches!(self, Self::Refused(_, CloseCode::Replaced))
    }

    /// For the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Closed(_) => "closed",
            Self::Refused(rejection, _) => rejection.code.name(),
        }
    }
}
