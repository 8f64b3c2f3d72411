//! A stream that stops reading at a limit, until the caller has looked at its meter.
//!
//! A client is charged at the end of each message. A client that never ends a message would never
//! be charged, and could keep a core busy: with endless fragments, even empty ones, or with empty
//! TLS records. So the bytes are counted at the socket, below TLS. The number of bytes read between
//! two looks is bounded, and each look returns it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// A stream that counts the bytes read from it.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    meter: Meter,
}

/// Counts the bytes read since the last look, up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    most: usize,
    left: usize,
}

impl Meter {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, left: most }
    }

    /// How many bytes were read since the last look.
    pub(super) fn look(&mut self) -> usize {
        let read = self.most - self.left;
        self.left = self.most;
        read
    }
}

/// A stream with a [`Meter`] at its lowest layer.
pub(super) trait HasMeter {
    fn meter(&mut self) -> &mut Meter;
}

impl<S> HasMeter for Metered<S> {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl<S: HasMeter> HasMeter for TlsStream<S> {
    fn meter(&mut self) -> &mut Meter {
        self.get_mut().0.meter()
    }
}

impl<S> Metered<S> {
    /// Reads at most `most` bytes from `stream` between two looks.
    pub(super) const fn new(stream: S, most: usize) -> Self {
        Self { stream, meter: Meter::new(most) }
    }
}

/// The most bytes that [`drain`] reads.
const MAX_DRAINED: usize = 1 << 20;
/// The silence after which [`drain`] stops reading.
const QUIET: Duration = Duration::from_millis(200);

/// Reads what the client is still sending. If a socket is dropped with unread input, the client's
/// kernel discards data it has not read yet, the close frame included (RFC 1122, 4.2.2.13).
pub(super) async fn drain(stream: &mut (impl AsyncRead + HasMeter + Unpin)) {
    let mut drained = 0;
    let mut scratch = [0; 2048];
    while drained < MAX_DRAINED {
        stream.meter().look();
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
        if self.meter.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        // The last read may exceed the limit by one buffer.
        let read = buffer.filled().len() - before;
        self.meter.left = self.meter.left.saturating_sub(read);
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
        let mut metered = Metered::new(far, 100);
        near.write_all(&[b'x'; 300]).await.unwrap();
        let mut buffer = [0; 60];
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert_eq!(metered.meter().look(), 60);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
        assert!(is_spent(&metered.read(&mut buffer).await.unwrap_err()));
        assert_eq!(metered.meter().look(), 100);
        assert_eq!(metered.read(&mut buffer).await.unwrap(), 60);
    }
}
