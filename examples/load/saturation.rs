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
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::child::Process;
use super::client::{Dialect, PATIENCE, Reads, Target, Writes, group};
use super::message::{sdp, text};
use super::pattern::{SETTLE, fresh_room};

/// What is sent.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Rooms in which somebody sends.
    pub(super) rooms: usize,
    /// Peers in each. In a room of two one sends offers to the other, in a larger one texts to all
    /// others.
    pub(super) peers: usize,
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
    /// As soon as fewer than this many of the room are under way.
    Window(usize),
    /// At fixed times, so many a second.
    Rate(f64),
    /// As soon as fewer than this many are under way in all. Each goes to the next room.
    Round(usize),
}

impl Load {
    fn window(&self) -> Arc<Semaphore> {
        let (Pace::Window(permits) | Pace::Round(permits)) = self.pace else {
            return Arc::new(Semaphore::new(0));
        };
        Arc::new(Semaphore::new(permits))
    }
}

/// What came of it.
pub(super) struct Outcome {
    /// Messages a second.
    pub(super) rate: f64,
    /// The server's CPU time for each that was received, in microseconds.
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
    let mut rooms = Vec::with_capacity(load.rooms);
    let all = load.window();
    while rooms.len() < load.rooms {
        let some = (rooms.len()..load.rooms).take(AT_ONCE);
        let some = some.map(|_| Room::open(target, load, Arc::clone(&all)));
        rooms.extend(try_join_all(some).await?);
    }
    let each = load.messages.div_ceil(load.rooms);
    if let Pace::Round(_) = load.pace {
        // What a server allocates for a room at its first message is not what is measured.
        run(&mut rooms, 1, load.pace).await?;
    }
    tokio::time::sleep(SETTLE).await;
    let (used, started) = (server.cpu()?, Instant::now());
    run(&mut rooms, each, load.pace).await?;
    let took = started.elapsed();
    tokio::time::sleep(SETTLE).await;
    let used = server.cpu()?.saturating_sub(used);
    let mut latencies: Vec<_> =
        rooms.iter().flat_map(|room| room.lane.latencies.take()).map(micros).collect();
    latencies.sort_by(f64::total_cmp);
    let messages = (each * load.rooms) as f64;
    Ok(Outcome {
        rate: messages / took.as_secs_f64(),
        cpu: micros(used) / (messages * (load.peers - 1) as f64),
        busy: used.as_secs_f64() / took.as_secs_f64(),
        latencies,
    })
}

/// How many rooms are opened at once.
const AT_ONCE: usize = 50;

/// One room: the connection of who sends, and those of who receive.
struct Room {
    lane: Lane,
    sends: Writes,
    receive: Vec<(Reads, Writes)>,
    _kept_open: Reads,
}

impl Room {
    async fn open(target: &Target, load: Load, all: Arc<Semaphore>) -> anyhow::Result<Self> {
        let mut peers = group(target, &fresh_room(), load.peers).await?.into_iter();
        let (_kept_open, sends) = peers.next().context("a sender")?.into_halves();
        let receive = peers.map(super::client::Client::into_halves).collect();
        Ok(Self { lane: Lane::new(target.dialect, load, all), sends, receive, _kept_open })
    }
}

/// Lets each room send so many messages, and waits until all have arrived.
async fn run(rooms: &mut [Room], each: usize, pace: Pace) -> anyhow::Result<()> {
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for Room { lane, sends, receive, .. } in rooms {
        lane.begin(each * receive.len());
        let lane = &*lane;
        senders.push((lane, sends));
        for (nth, (reads, answers)) in receive.iter_mut().enumerate() {
            receivers.push(lane.receive(nth, each, reads, answers));
        }
    }
    let arrived = timeout(PATIENCE, try_join_all(receivers));
    let (sent, arrived) = match pace {
        Pace::Window(_) => {
            let senders = senders.into_iter().map(|(lane, half)| lane.send(each, half));
            let (sent, arrived) = tokio::join!(try_join_all(senders), arrived);
            (sent.map(drop), arrived)
        }
        Pace::Rate(rate) => tokio::join!(at_fixed_times(senders, each, rate), arrived),
        Pace::Round(_) => tokio::join!(in_turn(senders, each), arrived),
    };
    sent?;
    arrived.context("messages are missing")??;
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// How many messages of a room may be under way. More of them, late and all at once, would be more
/// than a server keeps for one client. Latencies count from when messages were due in any case.
const UNDER_WAY: usize = 64;

/// Sends one message after the other, each at its time. The times go round the rooms.
async fn at_fixed_times(
    mut senders: Vec<(&Lane, &mut Writes)>,
    each: usize,
    rate: f64,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let rooms = senders.len();
    for nth in 0..each * rooms {
        let due = start + Duration::from_secs_f64(nth as f64 / rate);
        // A timer would be late by up to a millisecond. This core has nothing else to do.
        while Instant::now() < due {
            yield_now().await;
        }
        let (lane, half) = &mut senders[nth % rooms];
        while lane.under_way() >= UNDER_WAY {
            yield_now().await;
        }
        lane.is_due(due, 1);
        write(half, &lane.frame).await?;
    }
    Ok(())
}

/// Sends one message after the other, and goes round the rooms, whose window is one.
async fn in_turn(mut senders: Vec<(&Lane, &mut Writes)>, each: usize) -> anyhow::Result<()> {
    let rooms = senders.len();
    for nth in 0..each * rooms {
        let (lane, half) = &mut senders[nth % rooms];
        lane.window.acquire().await?.forget();
        lane.is_due(Instant::now(), 1);
        write(half, &lane.frame).await?;
    }
    Ok(())
}

/// The messages of one room.
struct Lane {
    /// A whole frame.
    frame: Vec<u8>,
    /// As many of them as may be under way.
    frames: Vec<u8>,
    /// The payload of what arrives.
    expected: Expected,
    /// For each receiver, when those messages that it has not got were sent, or should have been.
    under_way: Vec<RefCell<VecDeque<Instant>>>,
    window: Arc<Semaphore>,
    /// How often a message was received since the last start.
    arrived: Cell<usize>,
    latencies: Cell<Vec<Duration>>,
    buffer: usize,
}

impl Lane {
    /// `all` is the window of all rooms, if they have one in common.
    fn new(dialect: Dialect, load: Load, all: Arc<Semaphore>) -> Self {
        let is_pair = load.peers == 2;
        let text = if is_pair { sdp("offer", "bob", 0, load.bytes) } else { text(load.bytes) };
        let permits = if let Pace::Window(permits) = load.pace { permits } else { 0 };
        let frame = masked(0x81, text.as_bytes());
        Self {
            frames: frame.repeat(permits),
            frame,
            expected: Expected::new(dialect, &text, is_pair),
            under_way: (1..load.peers).map(|_| RefCell::default()).collect(),
            window: if permits > 0 { load.window() } else { all },
            arrived: Cell::new(0),
            latencies: Cell::default(),
            // There may be ten thousand rooms.
            buffer: if let Pace::Round(_) = load.pace { 4 * load.bytes + 256 } else { 256 * 1024 },
        }
    }

    /// A run begins, in which so much will be received.
    fn begin(&self, receipts: usize) {
        self.arrived.set(0);
        self.latencies.set(Vec::with_capacity(receipts));
    }

    fn under_way(&self) -> usize {
        self.under_way.iter().map(|it| it.borrow().len()).max().unwrap_or(0)
    }

    /// So many messages are due now, at each receiver.
    fn is_due(&self, at: Instant, messages: usize) {
        for receiver in &self.under_way {
            receiver.borrow_mut().extend(std::iter::repeat_n(at, messages));
        }
    }

    async fn send(&self, each: usize, half: &mut Writes) -> anyhow::Result<()> {
        let mut left = each;
        while left > 0 {
            // All that may be sent by now goes out in one write, or the client would be slower than
            // the server.
            let room = self.window.available_permits().clamp(1, left);
            self.window.acquire_many(u32::try_from(room)?).await?.forget();
            self.is_due(Instant::now(), room);
            write(half, &self.frames[..room * self.frame.len()]).await?;
            left -= room;
        }
        Ok(())
    }

    /// One receiver takes all messages, compares them with what was sent, and answers pings.
    async fn receive(
        &self,
        receiver: usize,
        each: usize,
        half: &mut Reads,
        answers: &mut Writes,
    ) -> anyhow::Result<()> {
        let mut buffer = vec![0; self.buffer];
        let (mut end, mut left) = (0, each);
        while left > 0 {
            let read = half.read(&mut buffer[end..]).await?;
            ensure!(read > 0, "the server hung up");
            end += read;
            let (now, mut at) = (Instant::now(), 0);
            while let Some((opcode, payload)) = frame_in(&buffer[at..end]) {
                at = payload.len() + at + if payload.len() < 126 { 2 } else { 4 };
                if opcode == 0x89 {
                    write(answers, &masked(0x8a, payload)).await?;
                    continue;
                }
                ensure!(self.expected.is(payload), "not what was sent: {}", beginning(payload));
                let due = self.under_way[receiver].borrow_mut().pop_front();
                self.took(now.saturating_duration_since(due.context("it came twice")?));
                left -= 1;
            }
            buffer.copy_within(at..end, 0);
            end -= at;
        }
        Ok(())
    }

    fn took(&self, latency: Duration) {
        let mut latencies = self.latencies.take();
        latencies.push(latency);
        self.latencies.set(latencies);
        self.arrived.set(self.arrived.get() + 1);
        // A message is under way until as many receipts as it has receivers have come.
        if self.arrived.get().is_multiple_of(self.under_way.len()) {
            self.window.add_permits(1);
        }
    }
}

/// The payload of what arrives. The server writes the time into a text, so that part may be
/// anything.
struct Expected {
    before: Vec<u8>,
    time: usize,
    after: Vec<u8>,
}

impl Expected {
    fn new(dialect: Dialect, text: &str, is_pair: bool) -> Self {
        let (before, time, after) = match (dialect, is_pair) {
            (Dialect::Visio, true) => (r#"{"from":"ada","#, 0, &text[1..]),
            (Dialect::Visio, false) => (r#"{"from":"ada","sentAt":"#, TIME, &text[1..]),
            _ => ("", 0, text),
        };
        let comma = if time > 0 { "," } else { "" };
        Self { before: before.into(), time, after: format!("{comma}{after}").into_bytes() }
    }

    fn is(&self, payload: &[u8]) -> bool {
        let rest = payload.strip_prefix(&*self.before).and_then(|rest| rest.get(self.time..));
        rest == Some(&*self.after)
    }
}

/// The digits of a time in milliseconds, until the year 2286.
const TIME: usize = 13;

/// Enough of a message to tell what it is.
fn beginning(payload: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&payload[..payload.len().min(80)])
}

/// Writes it all, through TLS as well.
pub(super) async fn write(half: &mut Writes, bytes: &[u8]) -> anyhow::Result<()> {
    half.write_all(bytes).await?;
    Ok(half.flush().await?)
}

/// A frame of a client. Its mask is zero.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
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
pub(super) fn frame_in(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&[first, short], rest) = bytes.split_first_chunk()?;
    if short < 126 {
        return Some((first, rest.get(..short.into())?));
    }
    let (length, rest) = rest.split_first_chunk()?;
    Some((first, rest.get(..u16::from_be_bytes(*length).into())?))
}
