//! The writing half of a socket.
//!
//! Each task writes what it has for a client: the task that relays a message does not queue it
//! and wake the receiver's task, it hands the frame to the kernel itself. That saves a wake-up, a
//! switch of tasks and a copy for each message. Two rules make it safe:
//!
//! - There is one way to a socket. A line is behind its mailbox's lock, and what is written comes
//!   from the front of the mailbox's queue, pongs and frames that were written in part included.
//! - Only the session waits for the socket. Whoever writes does so in the session's name, with its
//!   waker. If the socket takes no more, the rest stays in the queue, and the session writes it
//!   when the socket is ready.
//!
//! Several frames, each with its head, go to the kernel in one call, without being copied together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::frames::OwnHead;

/// How many frames go out in one call.
pub(super) const AT_ONCE: usize = 16;

/// The writing half of a socket.
pub(super) struct Line {
    half: Box<dyn AsyncWrite + Send + Unpin>,
    /// Wakes the session, once it has waited for the socket.
    session: Option<Waker>,
    /// How many bytes of the first frame in the queue are written.
    begun: usize,
    /// Since when the socket has taken nothing.
    blocked: Option<Instant>,
    /// TLS may hold back what it has taken.
    unflushed: bool,
    broken: bool,
}

/// Frames to be written together.
pub(super) struct Frames<'a> {
    all: [(OwnHead, &'a [u8]); AT_ONCE],
    count: usize,
}

impl<'a> Frames<'a> {
    pub(super) const fn none() -> Self {
        let head = OwnHead::NONE;
        Self { all: [(head, &[]); AT_ONCE], count: 0 }
    }

    /// Adds a frame. There must be fewer than [`AT_ONCE`].
    pub(super) const fn push(&mut self, head: OwnHead, payload: &'a [u8]) {
        self.all[self.count] = (head, payload);
        self.count += 1;
    }
}

impl Line {
    pub(super) fn new(half: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let half = Box::new(half);
        Self { half, session: None, begun: 0, blocked: None, unflushed: false, broken: false }
    }

    /// Notes who is woken when the socket is ready.
    pub(super) fn serve(&mut self, session: &Waker) {
        if !self.session.as_ref().is_some_and(|known| known.will_wake(session)) {
            self.session = Some(session.clone());
        }
    }

    /// Wakes the session.
    pub(super) fn wake(&self) {
        if let Some(session) = &self.session {
            session.wake_by_ref();
        }
    }

    /// Writes frames as far as the socket takes them, in one call. Returns how many bytes of them
    /// are written by now; `None` if it took nothing.
    pub(super) fn write(&mut self, frames: &Frames<'_>) -> Option<usize> {
        let mut slices = [IoSlice::new(&[]); 2 * AT_ONCE];
        let mut used = 0;
        for (head, payload) in &frames.all[..frames.count] {
            slices[used] = IoSlice::new(head.as_bytes());
            slices[used + 1] = IoSlice::new(payload);
            used += 2;
        }
        let mut slices = &mut slices[..used];
        IoSlice::advance_slices(&mut slices, self.begun);
        let waker = self.session.as_ref()?;
        let mut context = Context::from_waker(waker);
        let half = Pin::new(&mut *self.half);
        match half.poll_write_vectored(&mut context, slices) {
            Poll::Ready(Ok(0) | Err(_)) => self.broken = true,
            Poll::Ready(Ok(written)) => {
                self.blocked = None;
                self.unflushed = true;
                self.begun += written;
                return Some(self.begun);
            }
            Poll::Pending => {
                self.blocked.get_or_insert_with(Instant::now);
            }
        }
        None
    }

    /// The first frames, `bytes` long, are written and gone from the queue.
    pub(super) const fn forget(&mut self, bytes: usize) {
        self.begun -= bytes;
    }

    /// Sends what TLS holds back.
    pub(super) fn flush(&mut self) {
        let (true, Some(waker)) = (self.unflushed, &self.session) else { return };
        match Pin::new(&mut *self.half).poll_flush(&mut Context::from_waker(waker)) {
            Poll::Ready(Ok(())) => self.unflushed = false,
            Poll::Ready(Err(_)) => self.broken = true,
            Poll::Pending => {}
        }
    }

    /// How many bytes of the first frame in the queue are written.
    pub(super) const fn begun(&self) -> usize {
        self.begun
    }

    /// Since when the socket has taken nothing of what waits.
    pub(super) const fn blocked(&self) -> Option<Instant> {
        self.blocked
    }

    /// Whether nothing can be written any more.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The socket, for the session alone.
    pub(super) fn into_half(self) -> io::Result<Box<dyn AsyncWrite + Send + Unpin>> {
        if self.broken { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(self.half) }
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line(begun: {}, broken: {})", self.begun, self.broken)
    }
}
