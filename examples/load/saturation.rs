//! More load than a server can take, and half of that.
//!
//! At saturation each pair has several messages under way all the time, so the server's core is
//! never idle. At half load messages are sent at fixed times, whether or not earlier ones have
//! arrived. Their latency counts from the time at which they should have been sent: a server that
//! stalls would otherwise slow down its own measurement.
//!
//! The client here is much cheaper than the servers, or it would be what is measured: its frames
//! are made beforehand, and it compares what arrives with what it sent, byte by byte.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::child::Process;
use super::client::{Dialect, PATIENCE, Pair, Target};
use super::message::sdp;
use super::pattern::{SETTLE, fresh_room};

/// What is sent.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Pairs that send at the same time.
    pub(super) pairs: usize,
    /// Total number of messages.
    pub(super) messages: usize,
    /// Size of each.
    pub(super) bytes: usize,
    /// When each is sent.
    pub(super) pace: Pace,
}

/// When a message is sent.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// As soon as fewer than this many of the pair are under way.
    Window(usize),
    /// At fixed times, so many a second.
    Rate(f64),
}

/// What came of it.
pub(super) struct Outcome {
    /// Messages a second.
    pub(super) rate: f64,
    /// The server's CPU time for each, in microseconds.
    pub(super) cpu: f64,
    /// The part of the time for which the server had its core.
    pub(super) busy: f64,
    /// How long each message took, in microseconds, sorted.
    latencies: Vec<f64>,
}

impl Outcome {
    /// The latency that this part of the messages did not exceed.
    pub(super) fn percentile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// Plays a load to a server.
pub(super) async fn play(target: &Target, server: Process, load: Load) -> anyhow::Result<Outcome> {
    let pairs = (0..load.pairs).map(async |_| {
        let Pair { ada, bob } = Pair::connect(target, &fresh_room()).await?;
        let (_kept_open, sends) = ada.into_halves();
        let (receives, answers) = bob.into_halves();
        let lane = Lane::new(target.dialect, load);
        Ok::<_, anyhow::Error>((lane, _kept_open, sends, receives, answers))
    });
    let mut pairs = try_join_all(pairs).await?;
    tokio::time::sleep(SETTLE).await;
    let (used, started) = (server.cpu()?, Instant::now());
    let each = load.messages / load.pairs;
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for (lane, _, sends, receives, answers) in &mut pairs {
        senders.push((&*lane, sends));
        receivers.push(lane.receive(each, receives, answers));
    }
    let arrived = timeout(PATIENCE, try_join_all(receivers));
    let (sent, arrived) = match load.pace {
        Pace::Window(_) => {
            let senders = senders.into_iter().map(|(lane, half)| lane.send(each, half));
            let (sent, arrived) = tokio::join!(try_join_all(senders), arrived);
            (sent.map(drop), arrived)
        }
        Pace::Rate(rate) => tokio::join!(at_fixed_times(senders, each, rate), arrived),
    };
    sent?;
    arrived.context("messages are missing")??;
    let took = started.elapsed();
    tokio::time::sleep(SETTLE).await;
    let used = server.cpu()?.saturating_sub(used);
    let mut latencies: Vec<_> =
        pairs.iter().flat_map(|(lane, ..)| lane.latencies.take()).map(micros).collect();
    latencies.sort_by(f64::total_cmp);
    let messages = (each * load.pairs) as f64;
    Ok(Outcome {
        rate: messages / took.as_secs_f64(),
        cpu: micros(used) / messages,
        busy: used.as_secs_f64() / took.as_secs_f64(),
        latencies,
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// How many messages of a pair may be under way. More of them, late and all at once, would be more
/// than a server keeps for one client. Latencies count from when messages were due in any case.
const UNDER_WAY: usize = 64;

/// Sends one message after the other, each at its time. The times go round the pairs.
async fn at_fixed_times(
    mut senders: Vec<(&Lane, &mut OwnedWriteHalf)>,
    each: usize,
    rate: f64,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let pairs = senders.len();
    for nth in 0..each * pairs {
        let due = start + Duration::from_secs_f64(nth as f64 / rate);
        // A timer would be late by up to a millisecond. This core has nothing else to do.
        while Instant::now() < due {
            yield_now().await;
        }
        let (lane, half) = &mut senders[nth % pairs];
        while lane.under_way.borrow().len() >= UNDER_WAY {
            yield_now().await;
        }
        lane.under_way.borrow_mut().push_back(due);
        write(half, &lane.frame).await?;
    }
    Ok(())
}

/// The messages of one pair.
struct Lane {
    /// A whole frame.
    frame: Vec<u8>,
    /// As many of them as may be under way.
    frames: Vec<u8>,
    /// The payload of what arrives.
    expected: Vec<u8>,
    /// When those that have not arrived were sent, or should have been.
    under_way: RefCell<VecDeque<Instant>>,
    window: Semaphore,
    latencies: Cell<Vec<Duration>>,
}

impl Lane {
    fn new(dialect: Dialect, load: Load) -> Self {
        let text = sdp("offer", "bob", 0, load.bytes);
        let expected = match dialect {
            Dialect::Visio => text.replacen('{', r#"{"from":"ada","#, 1),
            Dialect::Blind => text.clone(),
        };
        let permits = if let Pace::Window(permits) = load.pace { permits } else { 0 };
        let frame = masked(0x81, text.as_bytes());
        Self {
            frames: frame.repeat(permits),
            frame,
            expected: expected.into_bytes(),
            under_way: RefCell::default(),
            window: Semaphore::new(permits),
            latencies: Cell::default(),
        }
    }

    async fn send(&self, each: usize, half: &mut OwnedWriteHalf) -> anyhow::Result<()> {
        let mut left = each;
        while left > 0 {
            // All that may be sent by now goes out in one write, or the client would be slower than
            // the server.
            let room = self.window.available_permits().clamp(1, left);
            self.window.acquire_many(u32::try_from(room)?).await?.forget();
            let now = Instant::now();
            self.under_way.borrow_mut().extend(std::iter::repeat_n(now, room));
            write(half, &self.frames[..room * self.frame.len()]).await?;
            left -= room;
        }
        Ok(())
    }

    /// Takes all messages, compares them with what was sent, and answers pings.
    async fn receive(
        &self,
        each: usize,
        half: &mut OwnedReadHalf,
        answers: &mut OwnedWriteHalf,
    ) -> anyhow::Result<()> {
        let mut latencies = Vec::with_capacity(each);
        let mut buffer = vec![0; 256 * 1024];
        let mut end = 0;
        while latencies.len() < each {
            half.readable().await?;
            match half.try_read(&mut buffer[end..]) {
                Ok(0) => anyhow::bail!("the server hung up"),
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            let (now, mut at) = (Instant::now(), 0);
            while let Some((opcode, payload)) = frame_in(&buffer[at..end]) {
                at = payload.len() + at + if payload.len() < 126 { 2 } else { 4 };
                if opcode == 0x89 {
                    write(answers, &masked(0x8a, payload)).await?;
                    continue;
                }
                ensure!(payload == self.expected, "not what was sent: {}", beginning(payload));
                let sent = self.under_way.borrow_mut().pop_front().context("it came twice")?;
                latencies.push(now.saturating_duration_since(sent));
                self.window.add_permits(1);
            }
            buffer.copy_within(at..end, 0);
            end -= at;
        }
        self.latencies.set(latencies);
        Ok(())
    }
}

/// Enough of a message to tell what it is.
fn beginning(payload: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&payload[..payload.len().min(80)])
}

async fn write(half: &mut OwnedWriteHalf, bytes: &[u8]) -> anyhow::Result<()> {
    Ok(tokio::io::AsyncWriteExt::write_all(half, bytes).await?)
}

/// A frame of a client. Its mask is zero.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0xfe);
            frame.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The first byte and the payload of the first frame of a server, if it is complete.
fn frame_in(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&[first, short], rest) = bytes.split_first_chunk()?;
    if short < 126 {
        return Some((first, rest.get(..short.into())?));
    }
    let (length, rest) = rest.split_first_chunk()?;
    Some((first, rest.get(..u16::from_be_bytes(*length).into())?))
}
