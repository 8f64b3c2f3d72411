//! The kinds of connections that cost the server the most.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::socket::{Door, Stream, frame, send};

/// One kind.
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// Each connection costs much, so fewer are enough.
    pub(super) heavy: bool,
    pub(super) open: fn(Door, usize) -> Opening,
}

type Opening = Pin<Box<dyn Future<Output = anyhow::Result<Open>>>>;

/// Open connections of one kind.
#[derive(Default)]
pub(super) struct Open {
    idle: Vec<Box<dyn Stream>>,
    /// These write to the connections that do not read.
    senders: Vec<Box<dyn Stream>>,
    sent: usize,
}

/// How many are opened at the same time.
const AT_ONCE: usize = 50;
/// The payload that one message brings to a connection that does not read.
const OFFER: usize = 31_000;
/// Their queues and the kernel's buffers are full before that.
const MOST_OFFERS: usize = 400;

pub(super) const KINDS: &[Attack] = &[
    Attack { name: "says nothing", heavy: false, open: |door, count| many(door, count, silent) },
    Attack {
        name: "stops within the first head",
        heavy: false,
        open: |door, count| many(door, count, half_a_head),
    },
    Attack {
        name: "has joined, and is idle",
        heavy: false,
        open: |door, count| many(door, count, idle),
    },
    Attack {
        name: "stops within a message",
        heavy: false,
        open: |door, count| many(door, count, half_a_message),
    },
    Attack {
        name: "does not read what others send",
        heavy: true,
        open: |door, count| Box::pin(deaf(door, count)),
    },
];

impl Open {
    /// Sends more, if this kind sends; returns whether there was any more.
    pub(super) async fn go_on(&mut self) -> anyhow::Result<bool> {
        if self.senders.is_empty() || self.sent >= MOST_OFFERS {
            return Ok(false);
        }
        self.sent += 1;
        let sdp = "x".repeat(OFFER);
        let offer = format!(r#"{{"type":"offer","to":"deaf","sdp":"{sdp}"}}"#);
        let offer = frame(0x81, offer.as_bytes());
        let sending = self.senders.iter_mut().map(|sender| send(sender, &offer));
        // A connection whose peer is gone is told so each time; it may ignore that.
        let _ = timeout(Duration::from_secs(2), join_all(sending)).await;
        Ok(true)
    }
}

fn many<F>(door: Door, count: usize, one: fn(Door, usize) -> F) -> Opening
where
    F: Future<Output = anyhow::Result<Box<dyn Stream>>> + 'static,
{
    Box::pin(async move {
        let mut open = Open::default();
        for some in (0..count).step_by(AT_ONCE) {
            let opening = (some..count.min(some + AT_ONCE)).map(|nth| one(door.clone(), nth));
            open.idle.extend(try_join_all(opening).await?);
        }
        Ok(open)
    })
}

async fn silent(door: Door, _: usize) -> anyhow::Result<Box<dyn Stream>> {
    Ok(Box::new(door.knock().await?))
}

/// The head of HTTP, or of TLS if that comes first.
async fn half_a_head(door: Door, _: usize) -> anyhow::Result<Box<dyn Stream>> {
    let mut stream = door.knock().await?;
    let mut head = if door.is_secure() {
        // A ClientHello of 60,000 bytes, in records of 16,384, of which the last is missing.
        let mut hello = vec![1, 0, 0xea, 0x60, 3, 3];
        hello.resize(3 * 16_384, 0);
        let records = hello.chunks(16_384);
        records.flat_map(|part| [&[22, 3, 1, 0x40, 0], part].concat()).collect()
    } else {
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ".to_vec()
    };
    if !door.is_secure() {
        head.resize(15_000, b'x');
    }
    stream.write_all(&head).await?;
    Ok(Box::new(stream))
}

async fn idle(door: Door, nth: usize) -> anyhow::Result<Box<dyn Stream>> {
    door.join(&format!("room-{}", nth / 2), &format!("peer-{nth}")).await
}

async fn half_a_message(door: Door, nth: usize) -> anyhow::Result<Box<dyn Stream>> {
    let mut stream = idle(door, nth).await?;
    let whole = frame(0x81, &[b'x'; 32_768]);
    send(&mut stream, &whole[..whole.len() - 1]).await?;
    Ok(stream)
}

/// Pairs in which one writes and the other does not read.
async fn deaf(door: Door, count: usize) -> anyhow::Result<Open> {
    let mut open = Open::default();
    for nth in 0..count {
        let room = format!("room-{nth}");
        open.idle.push(door.join(&room, "deaf").await?);
        open.senders.push(door.join(&room, "sender").await?);
    }
    Ok(open)
}
