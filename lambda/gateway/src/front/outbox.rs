//! The frames that wait to be written to a client. The queue is bounded, so a client that does not
//! read makes posts to it fail and does not make memory grow.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::tasks::locked;

/// The most bytes that may wait. AWS does not say how much its "client side buffer" holds.
const MAX_BYTES: usize = 512 * 1024;
const MAX_FRAMES: usize = 1000;

/// A queue of frames, and a close that may follow them.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
    closing: Notify,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    close: Option<(u16, &'static str)>,
}

/// What must be written next.
pub(super) enum Next {
    Frame(Utf8Bytes),
    Close(u16, &'static str),
}

/// Why a frame is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closing,
}

impl Outbox {
    pub(super) fn push(&self, frame: Utf8Bytes) -> Result<(), Refused> {
        let mut queue = locked(&self.queue);
        if queue.close.is_some() {
            return Err(Refused::Closing);
        }
        if queue.frames.len() >= MAX_FRAMES || queue.bytes + frame.len() > MAX_BYTES {
            return Err(Refused::Full);
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        drop(queue);
        self.waker.wake();
        Ok(())
    }

    /// Closes once all waiting frames are written. The first reason counts. Returns false if the
    /// connection was already closing.
    pub(super) fn close(&self, code: u16, reason: &'static str) -> bool {
        let mut queue = locked(&self.queue);
        let first = queue.close.is_none();
        queue.close.get_or_insert((code, reason));
        drop(queue);
        self.waker.wake();
        self.closing.notify_one();
        first
    }

    /// Waits for [`Self::close`]. Only one task may wait.
    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    /// The requested close, if there is one.
    pub(super) fn close_asked(&self) -> Option<(u16, &'static str)> {
        locked(&self.queue).close
    }

    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Next> {
        self.waker.register(context.waker());
        let mut queue = locked(&self.queue);
        if let Some(frame) = queue.frames.pop_front() {
            queue.bytes -= frame.len();
            return Poll::Ready(Next::Frame(frame));
        }
        queue.close.map_or(Poll::Pending, |(code, reason)| Poll::Ready(Next::Close(code, reason)))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn next(outbox: &Outbox) -> Poll<Next> {
        outbox.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn waiting_frames_come_before_the_close() {
        let outbox = Outbox::default();
        outbox.push("one".into()).unwrap();
        assert!(outbox.close(1000, "first"));
        assert!(!outbox.close(1001, "second"));
        assert_eq!(outbox.push("late".into()), Err(Refused::Closing));
        assert!(
            matches!(next(&outbox), Poll::Ready(Next::Frame(frame)) if frame.as_str() == "one")
        );
        assert!(matches!(next(&outbox), Poll::Ready(Next::Close(1000, "first"))));
    }

    #[test]
    fn an_outbox_is_bounded_by_bytes_and_by_frames() {
        let outbox = Outbox::default();
        let large = || Utf8Bytes::from("x".repeat(128 * 1024));
        for _ in 0..4 {
            outbox.push(large()).unwrap();
        }
        assert_eq!(outbox.push("x".into()), Err(Refused::Full));
        assert!(next(&outbox).is_ready());
        assert_eq!(outbox.push("x".into()), Ok(()), "a written frame makes room");

        let outbox = Outbox::default();
        for _ in 0..1000 {
            outbox.push("".into()).unwrap();
        }
        assert_eq!(outbox.push("".into()), Err(Refused::Full));
    }
}
