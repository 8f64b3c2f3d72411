//! What is written to a socket, by whom and in which order.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio_tungstenite::tungstenite::{Message, WebSocket, protocol::Role};

use super::*;

const BOUNDS: Bounds = Bounds { messages: 100, bytes: 1 << 20 };

/// A socket that takes so many bytes at a time, and keeps them.
#[derive(Clone, Default)]
struct Narrow(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    /// How many bytes it takes in each call, one call after the other; then nothing.
    appetite: Vec<usize>,
    calls: usize,
}

impl Narrow {
    fn takes(&self, appetite: &[usize]) {
        self.0.lock().unwrap().appetite = appetite.iter().rev().copied().collect();
    }

    /// What a client reads.
    fn read(&self) -> Vec<Message> {
        let bytes = io::Cursor::new(self.0.lock().unwrap().bytes.clone());
        let mut client = WebSocket::from_raw_socket(bytes, Role::Client, None);
        std::iter::from_fn(|| client.read().ok()).collect()
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut taken = self.0.lock().unwrap();
        taken.calls += 1;
        let Some(most) = taken.appetite.pop() else { return Poll::Pending };
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let some = &all[..most.min(all.len())];
        taken.bytes.extend_from_slice(some);
        Poll::Ready(Ok(some.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A queue whose session has waited once, its socket, and its client's liveness.
fn queue() -> (Queue, Narrow, Liveness) {
    let socket = Narrow::default();
    let mut queue = Queue::new(BOUNDS, Some(Line::new(socket.clone())));
    queue.serve(Waker::noop());
    let now = Instant::now();
    (queue, socket, Liveness::new(now, now))
}

fn text(text: &str) -> Parcel {
    Parcel::Text(text.to_owned())
}

fn post(queue: &mut Queue, parcels: impl IntoIterator<Item = Parcel>) {
    queue.insert(parcels.into_iter(), false);
}

#[test]
fn frames_and_pongs_arrive_whole_however_little_the_socket_takes() {
    for most in 1..40 {
        let (mut queue, socket, liveness) = queue();
        let mut texts = Vec::new();
        for nth in 0..30 {
            let long = format!("{nth} {}", "x".repeat(nth * 9));
            post(&mut queue, [text(&long)]);
            texts.push(Message::text(long));
            // The client floods pings meanwhile.
            queue.pong(nth.to_string().as_bytes());
            queue.pong(format!("{nth}!").as_bytes());
            socket.takes(&[most, most]);
            queue.write(&liveness);
        }
        socket.takes(&[most; 5000]);
        queue.write(&liveness);
        assert_eq!(queue.bytes(), 0);
        let (pongs, rest): (Vec<_>, Vec<_>) =
            socket.read().into_iter().partition(|message| matches!(message, Message::Pong(_)));
        assert_eq!(rest, texts);
        assert_eq!(pongs.last(), Some(&Message::Pong(b"29!"[..].into())));
        assert!(pongs.len() <= 30, "a pong that waits is replaced");
    }
}

#[test]
fn what_waits_together_is_written_in_one_call() {
    let (mut queue, socket, liveness) = queue();
    post(&mut queue, (0..AT_ONCE).map(|nth| text(&nth.to_string())));
    socket.takes(&[10_000]);
    queue.write(&liveness);
    assert_eq!(socket.0.lock().unwrap().calls, 1);
    assert_eq!(socket.read().len(), AT_ONCE);
}

#[test]
fn nothing_is_written_before_the_session_has_waited_once() {
    let socket = Narrow::default();
    socket.takes(&[1000]);
    let mut queue = Queue::new(BOUNDS, Some(Line::new(socket.clone())));
    let now = Instant::now();
    post(&mut queue, [text("early")]);
    queue.write(&Liveness::new(now, now));
    assert_eq!(socket.read(), [], "nobody could be woken if the socket were full");
}

#[test]
fn what_is_posted_while_a_client_joins_is_written_after_the_answer() {
    let (mut queue, socket, liveness) = queue();
    socket.takes(&[1000; 9]);
    post(&mut queue, [text("before")]);
    queue.mark();
    post(&mut queue, [text("news")]);
    queue.write(&liveness);
    assert_eq!(socket.read(), [Message::text("before")]);
    queue.pong(b"p");
    queue.insert(std::iter::once(Parcel::Joined("joined".into())), true);
    queue.write(&liveness);
    let expected = ["joined", "news"].map(Message::text);
    let read: Vec<_> = socket.read().into_iter().filter(Message::is_text).skip(1).collect();
    assert_eq!(read, expected);
}

#[test]
fn a_request_to_join_that_is_refused_holds_nothing_back() {
    let (mut queue, socket, liveness) = queue();
    socket.takes(&[1000; 9]);
    queue.mark();
    post(&mut queue, [text("refused"), text("news")]);
    queue.write(&liveness);
    assert_eq!(socket.read(), []);
    queue.unmark();
    queue.write(&liveness);
    assert_eq!(socket.read().len(), 2);
}

#[test]
fn a_ping_has_the_number_of_the_last_frame_before_it() {
    let (mut queue, socket, liveness) = queue();
    socket.takes(&[3; 9000]);
    let joined = Parcel::Joined("joined".into());
    post(&mut queue, [text("0"), joined, text("1"), Parcel::Ping, text("2"), Parcel::Ping]);
    queue.write(&liveness);
    post(&mut queue, [text("3"), Parcel::Ping]);
    queue.write(&liveness);
    let numbers = socket.read().into_iter().filter_map(|message| match message {
        Message::Ping(payload) => Some(payload.last().copied().unwrap()),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_client_is_asked_for_proof_in_the_same_call() {
    let (mut queue, socket, liveness) = queue();
    socket.takes(&[1_000_000; 99]);
    post(&mut queue, [Parcel::Joined("joined".into()), text("1")]);
    queue.write(&liveness);
    let calls = || socket.0.lock().unwrap().calls;
    let before = calls();
    post(&mut queue, [text(&"x".repeat(70_000))]);
    queue.write(&liveness);
    assert_eq!(calls(), before + 1);
    assert_eq!(socket.read().pop(), Some(Message::Ping(2_u64.to_be_bytes().to_vec().into())));
}

#[test]
fn a_queue_that_closes_says_so_once_the_rest_is_written() {
    let (mut queue, socket, liveness) = queue();
    post(&mut queue, [text("last"), Parcel::Close(CloseCode::Away)]);
    queue.state = State::Closing;
    queue.write(&liveness);
    assert_eq!(queue.must_stop(), None);
    socket.takes(&[1000]);
    queue.write(&liveness);
    assert_eq!(queue.must_stop(), Some(Stop::Closed(CloseCode::Away)));
    assert_eq!(socket.read(), [Message::text("last")]);
}

#[test]
fn after_a_session_has_stopped_only_a_frame_that_was_begun_is_finished() {
    for begun in 1..9 {
        let (mut queue, socket, liveness) = queue();
        post(&mut queue, [text("first"), text("second")]);
        socket.takes(&[begun]);
        queue.write(&liveness);
        queue.state = State::Stopped(Stop::Replaced);
        socket.takes(&[1000]);
        queue.write(&liveness);
        queue.state = State::Finished { taken: 0, full: false };
        let (_line, rest) = queue.hang_up().unwrap();
        socket.0.lock().unwrap().bytes.extend(rest);
        let expected = if begun == 7 + 1 { 2 } else { 1 };
        assert_eq!(socket.read().len(), expected, "{begun} bytes were written");
        assert!(queue.left_behind().is_some());
    }
}

#[test]
fn an_idle_queue_holds_little_memory() {
    let (mut queue, socket, liveness) = queue();
    post(&mut queue, (0..100).map(|nth| text(&nth.to_string())));
    socket.takes(&[1_000_000; 99]);
    queue.write(&liveness);
    assert_eq!(queue.parcels.capacity(), 0);
}
