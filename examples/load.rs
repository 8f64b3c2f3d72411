//! What the server costs, next to a relay that reads nothing.
//!
//! Starts `visio` and `blind_relay`, both on one core, runs itself on another, and plays the same
//! load to each in turn: offers one by one, in bursts, as many as the server can take, and half as
//! many at fixed times; whole visits; and a crowd of idle connections. It prints what the servers
//! used: CPU time as the kernel accounts it, which other processes on the machine disturb little,
//! and resident memory; and how many messages they took and how long those took.
//!
//! `docs/performance.md` says how to read the figures.

#[path = "load/certificate.rs"]
mod certificate;
#[path = "load/child.rs"]
mod child;
#[path = "load/client.rs"]
mod client;
#[path = "load/dimensions.rs"]
mod dimensions;
#[path = "load/idle.rs"]
mod idle;
#[path = "load/message.rs"]
mod message;
#[path = "load/others.rs"]
mod others;
#[path = "load/pattern.rs"]
mod pattern;
#[path = "load/report.rs"]
mod report;
#[path = "load/saturation.rs"]
mod saturation;
#[path = "load/subject.rs"]
mod subject;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

use client::Dialect;
use dimensions::{Dimension, saturating};
use pattern::Relay;
use report::{Row, Unit};
use saturation::{Load, Outcome, Pace};
use subject::{How, Subject, subjects};

/// Measures what the server costs, next to a relay that reads nothing.
#[derive(Parser)]
struct Flags {
    /// Relayed messages to count in each round
    #[arg(long, value_name = "N", default_value_t = 16_000)]
    messages: u64,

    /// Size of an offer, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 2500)]
    bytes: usize,

    /// Pairs of peers that send at the same time
    #[arg(long, value_name = "N", default_value_t = 32)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pairs: usize,

    /// Messages that a pair sends at once when it does not send one by one
    #[arg(long, value_name = "N", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=64))]
    burst: u64,

    /// Visits to count in each round
    #[arg(long, value_name = "N", default_value_t = 320)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    visits: usize,

    /// Pairs of peers that send more than the server can take
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    saturating_pairs: usize,

    /// Messages that each of these pairs has under way
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    window: usize,

    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Draw the ratios to this file, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Idle connections; 0 for none. More than a process may open are spread over several servers
    #[arg(long, value_name = "N", default_value_t = 5000)]
    connections: usize,

    /// How long idle connections are watched, to see what CPU time they need; a heartbeat has 25 s
    #[arg(long, value_name = "N", default_value_t = 0)]
    idle_seconds: u64,

    /// Measure this as well; repeatable, or with commas. Each takes about another minute
    #[arg(long, value_name = "DIMENSION", value_enum, value_delimiter = ',')]
    also: Vec<Dimension>,

    /// Rounds of these
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    dimension_rounds: u32,

    /// Rounds; each measures both servers
    #[arg(long, value_name = "N", default_value_t = 15)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// Measure only this server, which is already running: ws://127.0.0.1:8080/ws. Its limits must
    /// be off: --message-rate 0 --byte-rate 0 --max-connections-per-ip 0
    #[arg(long, value_name = "URL", requires = "pid")]
    url: Option<String>,

    /// The process of the server at --url
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,

    /// Hold so many pairs of idle --connections at this URL; this program starts itself so
    #[arg(long, value_name = "URL", hide = true)]
    hold: Option<String>,

    /// The certificate there
    #[arg(long, value_name = "FILE", hide = true)]
    hold_cert: Option<PathBuf>,

    /// The protocol there
    #[arg(long, value_name = "NAME", hide = true, value_parser = dialect, default_value = "visio")]
    dialect: Dialect,
}

fn dialect(name: &str) -> Result<Dialect, &'static str> {
    Dialect::named(name).ok_or("expected the name of a protocol")
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    rlimit::increase_nofile_limit(u64::MAX).context("the limit on open files")?;
    if let Some(url) = &flags.hold {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let holding = idle::hold(url, flags.dialect, flags.hold_cert.clone(), flags.connections);
        return runtime.block_on(holding);
    }
    let cores = child::two_cores();
    report::heading(cores, flags.url.is_none());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(async {
        let mut rows = measure(&flags, cores.map(|(server, _)| server.to_string())).await?;
        rows.extend(dimensions::measure(&flags, cores).await?);
        anyhow::Ok(rows)
    })?;
    report::table(&rows);
    flags.json.as_deref().map_or(Ok(()), |path| report::save(&rows, path))?;
    flags.svg.as_deref().map_or(Ok(()), |path| report::plot(&rows, path))
}

async fn measure(flags: &Flags, core: Option<String>) -> anyhow::Result<Vec<Row>> {
    let mut rows = [
        Row::new("CPU per offer, one by one", Unit::Micros).at_most_times(1.05),
        Row::new(format!("CPU per offer, {} at once", flags.burst), Unit::Micros),
        Row::new("CPU per visit", Unit::Micros).at_most_times(1.1),
    ];
    let mut saturated = Saturated::new();
    let mut idle = Vec::new();
    if flags.connections > 0 {
        idle.extend(dimensions::idle(flags, core.as_deref()).await?);
    }
    let subjects = subjects(How { flags, cores: core.as_deref(), certificate: None })?;
    for round in 0..flags.rounds {
        report::progress(round + 1, flags.rounds);
        // One after the other, and in reverse order in the next round, so that other work on the
        // machine affects both alike.
        let turns = (0..subjects.len()).map(|turn| (turn + round as usize) % subjects.len());
        for (nth, row) in rows.iter_mut().enumerate() {
            let mut used = vec![0.0; subjects.len()];
            for whose in turns.clone() {
                used[whose] = work(&subjects[whose], flags, nth).await?;
            }
            row.add(used);
        }
        saturated.round(&subjects, turns, flags).await?;
    }
    Ok(rows.into_iter().chain(saturated.into_rows()).chain(idle).collect())
}

/// The work of the `nth` row, and the CPU time of each unit of it in microseconds.
async fn work(subject: &Subject, flags: &Flags, nth: usize) -> anyhow::Result<f64> {
    let Subject { target, process, .. } = subject;
    let &Flags { pairs, messages, bytes, .. } = flags;
    let used = match nth {
        0 => pattern::relay(target, *process, Relay { pairs, messages, bytes, burst: 1 }).await,
        1 => {
            let bursts = Relay { pairs, messages, bytes, burst: flags.burst };
            pattern::relay(target, *process, bursts).await
        }
        _ => pattern::visits(target, *process, flags.visits, bytes).await,
    };
    Ok(used?.as_secs_f64() * 1e6)
}

/// What is measured at saturation, and at half of what the slower server takes then.
struct Saturated {
    full: [Figure; 3],
    half: [Figure; 4],
}

/// A row, and what goes into it.
struct Figure {
    row: Row,
    of: fn(&Outcome) -> f64,
}

impl Figure {
    const fn new(row: Row, of: fn(&Outcome) -> f64) -> Self {
        Self { row, of }
    }
}

impl Saturated {
    fn new() -> Self {
        let cpu = Row::new("CPU per offer, saturated", Unit::Micros).at_most_times(1.15);
        let late = Row::new("p99 latency at half load", Unit::Micros).at_most_times(1.0);
        let rate = Row::new("offers a second, saturated", Unit::PerSecond);
        let micros = |name| Row::new(name, Unit::Micros);
        Self {
            full: [
                Figure::new(cpu, |it| it.cpu),
                Figure::new(rate, |it| it.rate),
                Figure::new(micros("p99 latency, saturated"), |it| it.percentile(0.99)),
            ],
            half: [
                Figure::new(micros("CPU per offer at half load"), |it| it.cpu),
                Figure::new(micros("p50 latency at half load"), |it| it.percentile(0.5)),
                Figure::new(late, |it| it.percentile(0.99)),
                Figure::new(micros("p99.9 latency at half load"), |it| it.percentile(0.999)),
            ],
        }
    }

    async fn round(
        &mut self,
        subjects: &[Subject],
        turns: impl Iterator<Item = usize> + Clone,
        flags: &Flags,
    ) -> anyhow::Result<()> {
        let load = saturating(flags);
        let full = outcomes(subjects, turns.clone(), load).await?;
        let slowest = full.iter().map(|outcome| outcome.rate).fold(f64::INFINITY, f64::min);
        let least = full.iter().map(|outcome| outcome.busy).fold(f64::INFINITY, f64::min);
        if least < 0.9 {
            eprintln!("note: a server had its core {:.0} % of the time only", least * 100.0);
        }
        let load = Load { pace: Pace::Rate(slowest / 2.0), ..load };
        let half = outcomes(subjects, turns, load).await?;
        for (figures, outcomes) in [(&mut self.full[..], &full), (&mut self.half[..], &half)] {
            for Figure { row, of } in figures {
                row.add(outcomes.iter().map(*of).collect());
            }
        }
        Ok(())
    }

    fn into_rows(self) -> impl Iterator<Item = Row> {
        self.full.into_iter().chain(self.half).map(|figure| figure.row)
    }
}

/// What comes of a load, on each server.
async fn outcomes(
    subjects: &[Subject],
    turns: impl Iterator<Item = usize>,
    load: Load,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for whose in turns {
        let Subject { target, process, .. } = &subjects[whose];
        outcomes.push((whose, saturation::play(target, *process, load).await?));
    }
    outcomes.sort_by_key(|(whose, _)| *whose);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}
