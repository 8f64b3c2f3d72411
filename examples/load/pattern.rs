//! What the clients do: relay, hold a visit, or just be there.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::sleep;

use super::child::Process;
use super::client::{Pair, Target};

/// A server gets this long to become idle before it is read what it used: the kernel counts a
/// thread's time when it stops running.
const SETTLE: Duration = Duration::from_millis(50);
/// So many connections are made at once.
const AT_ONCE: usize = 32;
/// So many messages go through each pair before the counting starts.
const WARM_UP: u64 = 64;
/// Candidates that each side of a visit sends, and their size.
const CANDIDATES: u64 = 10;
const CANDIDATE_BYTES: usize = 150;

/// How a sender goes about it.
#[derive(Clone, Copy)]
pub(super) struct Relay {
    /// Pairs that send at the same time.
    pub(super) pairs: usize,
    /// Messages in all.
    pub(super) messages: u64,
    /// Size of each.
    pub(super) bytes: usize,
    /// So many are sent before the first of them is waited for; 1 is one by one.
    pub(super) burst: u64,
}

/// CPU time per relayed message. Every one of them is seen to arrive.
pub(super) async fn relay(
    target: &Target,
    server: Process,
    how: Relay,
) -> anyhow::Result<Duration> {
    let mut pairs = try_join_all((0..how.pairs).map(|nth| connect(target, nth))).await?;
    let each = (how.messages / how.pairs as u64).next_multiple_of(how.burst);
    try_join_all(pairs.iter_mut().map(|pair| one_way(pair, 0..WARM_UP, how))).await?;
    let counted = WARM_UP..WARM_UP + each;
    let work = try_join_all(pairs.iter_mut().map(|pair| one_way(pair, counted.clone(), how)));
    Ok(cpu_of(server, work).await? / u32::try_from(each * how.pairs as u64)?)
}

async fn connect(target: &Target, nth: usize) -> anyhow::Result<Pair> {
    Pair::connect(target, &format!("load-{nth}")).await
}

async fn one_way(pair: &mut Pair, counted: std::ops::Range<u64>, how: Relay) -> anyhow::Result<()> {
    let mut next = counted.start;
    while next < counted.end {
        let burst = next..next + how.burst;
        for n in burst.clone() {
            pair.ada.send(offer("offer", "bob", n, how.bytes)).await?;
        }
        for n in burst.clone() {
            pair.bob.expect_from_other("offer", n).await?;
        }
        next = burst.end;
    }
    Ok(())
}

/// CPU time per visit: two connect and join, one offers, the other answers, both send candidates,
/// leave and hang up.
pub(super) async fn visits(
    target: &Target,
    server: Process,
    visits: usize,
    bytes: usize,
) -> anyhow::Result<Duration> {
    let work = async {
        let rooms: Vec<usize> = (0..visits).collect();
        for some in rooms.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|nth| visit(target, *nth, bytes))).await?;
        }
        Ok(())
    };
    Ok(cpu_of(server, work).await? / u32::try_from(visits)?)
}

async fn visit(target: &Target, nth: usize, bytes: usize) -> anyhow::Result<()> {
    let Pair { mut ada, mut bob } = connect(target, nth).await?;
    bob.send(offer("offer", "ada", 0, bytes)).await?;
    ada.expect_from_other("offer", 0).await?;
    ada.send(offer("answer", "bob", 0, bytes)).await?;
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

/// Memory per connection that is in a room with one other and does nothing.
pub(super) async fn idle(
    target: &Target,
    server: Process,
    connections: usize,
) -> anyhow::Result<u64> {
    // What a server allocates once, at its first clients, is not theirs.
    for nth in 0..AT_ONCE {
        visit(target, nth, CANDIDATE_BYTES).await?;
    }
    sleep(SETTLE).await;
    let before = server.memory()?;
    let mut pairs = Vec::with_capacity(connections / 2);
    let rooms: Vec<usize> = (0..connections / 2).collect();
    for some in rooms.chunks(AT_ONCE) {
        pairs.extend(try_join_all(some.iter().map(|nth| connect(target, *nth))).await?);
    }
    sleep(SETTLE).await;
    let used = server.memory()?.saturating_sub(before);
    used.checked_div(2 * pairs.len() as u64).context("expected at least two connections")
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

/// An offer or an answer of `bytes` bytes as sent: what a browser writes, cut or repeated.
fn offer(kind: &str, to: &str, n: u64, bytes: usize) -> String {
    let envelope = json!({"type": kind, "to": to, "n": n, "sdp": ""}).to_string();
    let mut sdp = String::with_capacity(bytes);
    for line in SDP.iter().cycle() {
        if envelope.len() + sdp.len() + line.len() + 4 > bytes {
            break;
        }
        sdp.push_str(line);
        sdp.push_str(r"\r\n");
    }
    let padding = "0".repeat(bytes.saturating_sub(envelope.len() + sdp.len()));
    // Written by hand, so that the order of the fields is a browser's.
    format!(r#"{{"type":"{kind}","to":"{to}","n":{n},"sdp":"{sdp}{padding}"}}"#)
}

fn candidate(to: &str, n: u64) -> String {
    let text = format!(
        r#"{{"type":"candidate","to":"{to}","n":{n},"candidate":{{"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host","sdpMid":"0","sdpMLineIndex":0"#
    );
    let padding = " ".repeat(CANDIDATE_BYTES.saturating_sub(text.len() + 2));
    format!("{text}{padding}}}}}")
}

/// Lines of a browser's offer: short ones, each ended by an escape.
const SDP: [&str; 24] = [
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=extmap-allow-mixed",
    "a=msid-semantic: WMS 0f2f9e4c-6a0b-4b43-9d0c-1d2f5f8e7a11",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=ice-ufrag:4ZcD",
    "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlig",
    "a=ice-options:trickle",
    "a=fingerprint:sha-256 D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39",
    "a=setup:actpass",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=rtcp-fb:111 transport-cc",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=ssrc:3735928559 cname:o/i14u9pJrxRKAsu",
];
