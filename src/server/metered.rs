//! A stream that stops reading at a limit, until the caller has looked at its meter.
//!
//! A client is charged at the end of each message. A client that never ends a message would never
//! be charged, and could keep a core busy: with endless fragments, even empty ones, or with empty
//! TLS records. So the bytes are counted at the socket, below TLS. The number of bytes read between
//! two looks is bounded, and each look returns it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// A stream that counts the bytes read from it.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

/// Counts the bytes read since the last look, up to a limit. It is shared because TLS hides the
/// stream that it measures.
#[derive(Debug)]
pub(super) struct Meter {
    most: AtomicUsize,
    read: AtomicUsize,
}

impl Meter {
    pub(super) const fn new(most: usize) -> Self {
        Self { most: AtomicUsize::new(most), read: AtomicUsize::new(0) }
    }

    /// Starts anew, with another limit.
    pub(super) fn restart(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
    }

    /// How many bytes were read since the last look, but for the last `ahead` of them, which count
    /// at the next one.
    pub(super) fn look(&self, ahead: usize) -> usize {
        self.read.swap(ahead, Ordering::Relaxed).saturating_sub(ahead)
    }

    fn is_spent(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= self.most.load(Ordering::Relaxed)
    }
}

impl<S> Metered<S> {
    pub(super) const fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    /// The stream, to be measured by other means from here on.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

/// The most bytes that [`drain`] reads.
const MAX_DRAINED: usize = 1 << 20;
/// The silence after which [`drain`] stops reading.
const QUIET: Duration = Duration::from_millis(200);

/// Reads what the client is still sending. If a socket is dropped with unread input, the client's
/// kernel discards data it has not read yet, the close frame included (RFC 1122, 4.2.2.13).
pub(super) async fn drain(stream: &mut (impl AsyncRead + Unpin + ?Sized), meter: &Meter) {
    let mut drained = 0;
    let mut scratch = [0; 2048];
    while drained < MAX_DRAINED {
        meter.look(0);
        match timeout(QUIET, stream.read(&mut scratch)).await {
            Ok(Ok(bytes)) if bytes > 0 => drained += bytes,
            Ok(Ok(_) | Err(_)) | Err(_) => break,
        }
    }
}

/// Whether a read failed because the meter's limit was reached.
pub(super) fn is_spent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::QuotaExceeded
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.is_spent() {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        // The last read may exceed the limit by one buffer.
        self.meter.read.fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    #[tokio::test]
    async fn the_bytes_read_between_two_looks_are_bounded() {
        let (mut near, far) = duplex(1000);
        let meter = Arc::new(Meter::new(100));
        let mut metered = Metered::new(far, Arc::clone(&meter));
        near.write_all(&[b'x'; 300]).await.unwrap();
        let mut buffer = [0; 60];
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert_eq!(meter.look(0), 60);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert!(is_spent(&metered.read(&mut buffer).await.unwrap_err()));
        assert_eq!(meter.look(20), 100);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert_eq!(meter.look(0), 80, "the bytes that were ahead count now");
    }
}
