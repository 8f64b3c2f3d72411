//! What the clients do: relay, hold a visit, or stay idle.

use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::child::Process;
use super::client::{Pair, Target};
use super::message::{candidate, sdp};

/// A server gets this long to become idle before its usage is read: the kernel counts a thread's
/// time when it stops running.
pub(super) const SETTLE: Duration = Duration::from_millis(50);
/// How many connections are opened at once.
pub(super) const AT_ONCE: usize = 32;
/// How many messages each pair sends before the counting starts.
const WARM_UP: u64 = 64;
/// Candidates that each side of a visit sends.
const CANDIDATES: u64 = 10;

/// How a sender sends.
#[derive(Clone, Copy)]
pub(super) struct Relay {
    /// Pairs that send at the same time.
    pub(super) pairs: usize,
    /// Total number of messages.
    pub(super) messages: u64,
    /// Size of each.
    pub(super) bytes: usize,
    /// How many are sent before waiting for the first of them; 1 is one by one.
    pub(super) burst: u64,
}

/// CPU time per relayed message. Every message is checked on arrival.
pub(super) async fn relay(
    target: &Target,
    server: Process,
    how: Relay,
) -> anyhow::Result<Duration> {
    let mut pairs = connect(target, how.pairs).await?;
    let each = (how.messages / how.pairs as u64).max(1).next_multiple_of(how.burst);
    try_join_all(pairs.iter_mut().map(|pair| one_way(pair, 0..WARM_UP, how))).await?;
    let counted = WARM_UP..WARM_UP + each;
    let work = try_join_all(pairs.iter_mut().map(|pair| one_way(pair, counted.clone(), how)));
    Ok(cpu_of(server, work).await? / u32::try_from(each * how.pairs as u64)?)
}

/// Pairs in rooms that nobody was in before.
pub(super) async fn connect(target: &Target, pairs: usize) -> anyhow::Result<Vec<Pair>> {
    try_join_all((0..pairs).map(async |_| Pair::connect(target, &fresh_room()).await)).await
}

pub(super) fn fresh_room() -> String {
    static ROOMS: AtomicU64 = AtomicU64::new(0);
    format!("load-{}-{}", process::id(), ROOMS.fetch_add(1, Ordering::Relaxed))
}

async fn one_way(pair: &mut Pair, counted: std::ops::Range<u64>, how: Relay) -> anyhow::Result<()> {
    let mut next = counted.start;
    while next < counted.end {
        let burst = next..next + how.burst;
        for n in burst.clone() {
            pair.ada.send(sdp("offer", "bob", n, how.bytes)).await?;
        }
        for n in burst.clone() {
            pair.bob.expect_from_other("offer", n).await?;
        }
        next = burst.end;
    }
    Ok(())
}

/// CPU time per visit: two clients connect and join, one offers, the other answers, both send
/// candidates, leave and close.
pub(super) async fn visits(
    target: &Target,
    server: Process,
    visits: usize,
    bytes: usize,
) -> anyhow::Result<Duration> {
    let work = async {
        for some in portions(visits) {
            try_join_all((0..some).map(|_| visit(target, bytes))).await?;
        }
        Ok(())
    };
    Ok(cpu_of(server, work).await? / u32::try_from(visits)?)
}

pub(super) async fn visit(target: &Target, bytes: usize) -> anyhow::Result<()> {
    let Pair { mut ada, mut bob } = Pair::connect(target, &fresh_room()).await?;
    bob.send(sdp("offer", "ada", 0, bytes)).await?;
    ada.expect_from_other("offer", 0).await?;
    ada.send(sdp("answer", "bob", 0, bytes)).await?;
    for n in 1..=CANDIDATES {
        ada.send(candidate("bob", n)).await?;
        bob.send(candidate("ada", n)).await?;
    }
    bob.expect_from_other("answer", 0).await?;
    for n in 1..=CANDIDATES {
        bob.expect_from_other("candidate", n).await?;
        ada.expect_from_other("candidate", n).await?;
    }
    bob.leave().await?;
    ada.leave().await
}

/// `all` in portions that run at once.
pub(super) fn portions(all: usize) -> impl Iterator<Item = usize> {
    (0..all).step_by(AT_ONCE).map(move |done| AT_ONCE.min(all - done))
}

async fn cpu_of<T>(
    server: Process,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Duration> {
    sleep(SETTLE).await;
    let before = server.cpu()?;
    work.await?;
    sleep(SETTLE).await;
    Ok(server.cpu()?.saturating_sub(before))
}
