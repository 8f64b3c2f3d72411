//! How a connection ends: why, and what its client is told.

use std::io;

use tokio::io::AsyncWriteExt;

use super::frames::{OwnHead, Violation};
use super::line::Line;
use super::mailbox::Stop;
use super::metered::is_spent;
use super::reader::Reader;
use crate::wire::{CloseCode, Code, Rejection, ServerMessage};

/// Why a connection ends.
pub(super) enum End {
    /// The client disconnected, or its socket failed.
    Gone,
    /// The client closes the connection, and expects this payload back.
    Left(Vec<u8>),
    /// The client broke the protocol. What it sends from now on cannot be read as frames.
    Broke(Rejection, CloseCode),
    /// The client has already been told why.
    Closed(CloseCode),
    /// The client must still be told why.
    Refused(Rejection, CloseCode),
}

/// Tells the client why the connection ends, closes it, and waits until the client closes too.
/// `rest` is what is missing of a frame that was written in part.
pub(super) async fn farewell(
    (line, rest): (Line, Vec<u8>),
    reader: &mut Reader,
    end: End,
) -> io::Result<()> {
    let (frames, broke) = match end {
        End::Gone => return Ok(()),
        End::Left(payload) => {
            let mut half = line.into_half()?;
            half.write_all(&[&rest[..], &frame(OwnHead::close, &payload)].concat()).await?;
            return half.flush().await;
        }
        End::Closed(code) => (close(code), false),
        End::Refused(rejection, code) => (told(rejection, code), false),
        End::Broke(rejection, code) => (told(rejection, code), true),
    };
    let mut half = line.into_half()?;
    half.write_all(&[rest, frames].concat()).await?;
    half.flush().await?;
    if broke {
        reader.drain().await;
    } else {
        reader.until_closed().await;
    }
    half.shutdown().await
}

/// An error as a frame, and a close frame.
fn told(rejection: Rejection, code: CloseCode) -> Vec<u8> {
    let text = ServerMessage::from(rejection).encode();
    [frame(OwnHead::text, text.as_bytes()), close(code)].concat()
}

fn close(code: CloseCode) -> Vec<u8> {
    frame(OwnHead::close, &[&(code as u16).to_be_bytes(), code.reason().as_bytes()].concat())
}

fn frame(head: fn(usize) -> OwnHead, payload: &[u8]) -> Vec<u8> {
    [head(payload.len()).as_bytes(), payload].concat()
}

/// How a connection ends whose socket failed.
pub(super) fn failed(error: &io::Error) -> End {
    if !is_spent(error) {
        return End::Gone;
    }
    let text = "too many bytes without a complete message";
    End::Broke(Rejection::new(Code::RateLimited, text), CloseCode::RateLimited)
}

/// How a connection ends whose client broke the protocol. A message is at most `limit` bytes long.
pub(super) fn broke(violation: Violation, limit: usize) -> End {
    let (text, close) = match violation {
        Violation::TooLarge => {
            (format!("expected messages of at most {limit} bytes"), CloseCode::TooLarge)
        }
        Violation::NotText => ("expected text in UTF-8".into(), CloseCode::NotText),
        Violation::Protocol(reason) => {
            (format!("expected WebSocket frames: {reason}"), CloseCode::Protocol)
        }
    };
    End::Broke(Rejection::new(Code::InvalidMessage, text), close)
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

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Full => {
                let text = "the client did not read its messages fast enough";
                refused(Code::SlowConsumer, text, CloseCode::SlowConsumer)
            }
            Stop::Replaced => Self::Refused(Rejection::replaced(), CloseCode::Replaced),
            Stop::Silent => refused(Code::IdleTimeout, "no answer to a ping", CloseCode::Timeout),
            Stop::Closed(code) => Self::Closed(code),
            Stop::Gone => Self::Gone,
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
            Self::Left(_) => "left",
            Self::Closed(_) => "closed",
            Self::Refused(rejection, _) | Self::Broke(rejection, _) => rejection.code.name(),
        }
    }
}
