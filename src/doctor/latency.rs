//! How long does a message take from one peer to the other and back?

use std::time::{Duration, Instant};

use serde_json::json;

use super::clock;
use super::peer::{Peer, Unheard};
use super::relay::why;
use crate::reach::{Answer, Good, Wrong};

/// How many messages are measured.
const ROUNDS: u64 = 10;
/// A call needs about four messages one after the other before there is a picture. Above this they
/// take more than a second.
const SLOW: Duration = Duration::from_millis(500);

/// Sends a message there and back, again and again.
pub(super) async fn is_short(first: &mut Peer, second: &mut Peer) -> Answer<()> {
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let started = Instant::now();
        round(first, second, number).await.map_err(|unheard| broken(&unheard))?;
        rounds.push(started.elapsed());
    }
    rounds.sort_unstable();
    let (median, slowest) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    let says = format!(
        "A message to the other peer and back takes {:.1} ms (the slowest of {ROUNDS}: {:.1} ms).",
        milliseconds(median),
        milliseconds(slowest)
    );
    let good = Good::new((), says)
        .with("medianMs", milliseconds(median))
        .with("slowestMs", milliseconds(slowest));
    let good = if median > SLOW { slow(good) } else { good };
    Ok(match clock::ahead(first).await {
        Some(ahead) => off(good, ahead),
        None => good,
    })
}

async fn round(first: &mut Peer, second: &mut Peer, number: u64) -> Result<(), Unheard> {
    pass(first, second, number).await?;
    pass(second, first, number).await
}

async fn pass(from: &mut Peer, to: &mut Peer, number: u64) -> Result<(), Unheard> {
    from.say(&json!({"type": "signal", "to": to.id, "number": number})).await?;
    while to.hear(&["signal"]).await?["number"].as_u64() != Some(number) {}
    Ok(())
}

fn slow(good: Good<()>) -> Good<()> {
    good.but(
        "That is slow: calls start late.",
        "Put the server nearer to its users, and look at its load. A proxy that inspects traffic \
         may take this long, too.",
    )
}

fn off(good: Good<()>, ahead: i64) -> Good<()> {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let says = format!("The server's clock is {} s {way} this machine's.", ahead.abs());
    good.with("serverClockAheadSeconds", ahead)
        .but(&says, "Set both by NTP: visit tokens are refused if clocks differ by a minute.")
}

fn broken(unheard: &Unheard) -> Wrong {
    Wrong::new(
        format!("A message was lost while we measured: {}.", why(unheard)),
        "Read the server's log, and that of each proxy.",
    )
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
