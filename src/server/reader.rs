//! The reading half of a socket.
//!
//! Most connections are idle most of the time, so they share buffers: a session takes one to read,
//! handles the messages where they lie in it, and gives it back. A connection keeps memory of its
//! own only for a frame that has arrived in part. Such a frame is completed by reads of exactly
//! what is missing, so no byte is copied twice, however small the pieces are.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::frames::{Frames, Next, Received, Violation};
use super::metered::Meter;

/// The size of a shared buffer: the most that one read takes.
pub(super) const BUFFER: usize = 64 * 1024;
/// How many unused buffers a thread keeps.
const SPARE: usize = 2;

thread_local! {
    /// The buffers of this thread that nobody uses. They are full of zeros or old bytes, because
    /// clearing one costs more than many a read.
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The reading half of a socket.
pub(super) struct Reader {
    half: Box<dyn AsyncRead + Send + Unpin>,
    meter: Arc<Meter>,
    frames: Frames,
    /// A frame whose end has not arrived.
    part: Vec<u8>,
    /// How many bytes of that frame are missing at least.
    missing: usize,
    /// How many bytes were read and belong to no message that was taken.
    ahead: usize,
}

/// Bytes from one read, or a frame that is complete now.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    shared: bool,
}

impl Reader {
    /// Reads messages of at most `most` bytes from `half`. The bytes in `part` were read before.
    pub(super) fn new(
        half: impl AsyncRead + Send + Unpin + 'static,
        meter: Arc<Meter>,
        most: usize,
    ) -> Self {
        let half = Box::new(half);
        let frames = Frames::new(most);
        Self { half, meter, frames, part: Vec::new(), missing: 0, ahead: 0 }
    }

    /// Waits for bytes. `None`: there are no more.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Batch>>> {
        loop {
            let mut batch = Batch::take();
            let space = if self.part.is_empty() { BUFFER } else { self.missing.min(BUFFER) };
            let mut buffer = ReadBuf::new(&mut batch.bytes[..space]);
            ready!(Pin::new(&mut *self.half).poll_read(context, &mut buffer))?;
            batch.end = buffer.filled().len();
            if batch.end == 0 {
                return Poll::Ready(Ok(None));
            }
            if self.part.is_empty() {
                return Poll::Ready(Ok(Some(batch)));
            }
            self.part.extend_from_slice(&batch.bytes[..batch.end]);
            self.missing -= batch.end;
            if self.missing == 0 {
                return Poll::Ready(Ok(Some(Batch::own(std::mem::take(&mut self.part)))));
            }
        }
    }

    /// The next message in a batch. `None`: the rest of it, if any, is the beginning of a frame.
    pub(super) fn next<'a>(
        &mut self,
        batch: &'a mut Batch,
    ) -> Result<Option<Received<'a>>, Violation> {
        let mut input = &mut batch.bytes[batch.at..batch.end];
        match self.frames.next(&mut input)? {
            Next::Message(message) => {
                self.ahead = input.len();
                batch.at = batch.end - input.len();
                Ok(Some(message))
            }
            Next::Missing(missing) => {
                self.part = input.to_vec();
                self.missing = missing.get();
                Ok(None)
            }
        }
    }

    /// How many bytes were read since the last look, for the messages taken since then.
    pub(super) fn look(&self) -> usize {
        self.meter.look(self.ahead)
    }

    /// Reads until the client closes, as long as it sends frames.
    pub(super) async fn until_closed(&mut self) {
        while let Ok(Some(mut batch)) =
            std::future::poll_fn(|context| self.poll_read(context)).await
        {
            self.meter.look(0);
            loop {
                match self.next(&mut batch) {
                    Ok(Some(Received::Close(_))) | Err(_) => return,
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                }
            }
        }
    }

    /// Reads what the client still sends, whatever it is.
    pub(super) async fn drain(&mut self) {
        super::metered::drain(&mut *self.half, &self.meter).await;
    }
}

impl Batch {
    /// A shared buffer.
    fn take() -> Self {
        let spare = BUFFERS.with_borrow_mut(Vec::pop);
        let bytes = spare.unwrap_or_else(|| vec![0; BUFFER]);
        Self { bytes, at: 0, end: 0, shared: true }
    }

    fn own(bytes: Vec<u8>) -> Self {
        Self { at: 0, end: bytes.len(), bytes, shared: false }
    }

    /// Bytes that were read before.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::own(bytes.to_vec())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if !self.shared {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        // While a thread ends it has no buffers any more.
        let _ = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.borrow_mut();
            if buffers.len() < SPARE {
                buffers.push(bytes);
            }
        });
    }
}
