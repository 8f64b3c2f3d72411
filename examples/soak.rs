//! Holds many visits, one after the other and many at once, and looks for what is left of them.
//!
//! Starts `visio`, lets visits come and go at a steady rate, and waits until the grace time of the
//! last is over. Sockets and rooms must then be what they were at the start. Memory need not be:
//! the allocator keeps what it once had. But under a steady load it must not go on growing.
#![expect(clippy::print_stdout, reason = "a command that prints what it found")]

#[path = "load/child.rs"]
#[allow(dead_code, reason = "the other example uses all of it")]
mod child;
#[path = "soak/visit.rs"]
mod visit;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use child::{Process, Server};
use visit::{Held, Peer};

/// Holds many visits, and looks for what is left of them.
#[derive(Parser)]
struct Flags {
    /// Visits in all
    #[arg(long, value_name = "N", default_value_t = 2000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    visits: u32,

    /// How long it takes to begin them all
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    minutes: f64,

    /// Visits at once, at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    at_once: usize,

    /// The server's grace time
    #[arg(long, value_name = "N", default_value_t = 10)]
    grace_seconds: u16,
}

/// How much later than the grace time all must be as it was.
const LATE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(500);
/// How often memory is printed during a run.
const LOOKS: u32 = 8;

/// What a server holds, as far as can be seen from outside.
struct Figures {
    sockets: usize,
    threads: usize,
    rooms: usize,
    memory: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    rlimit::increase_nofile_limit(u64::MAX).context("the limit on open files")?;
    let (visio, _) = child::programs()?;
    let grace = flags.grace_seconds.to_string();
    let args = ["--listen", "127.0.0.1:0", "--max-connections-per-ip", "0"];
    let args = [&args[..], &["--grace-seconds", &grace]].concat();
    let server = Server::start(&visio, &args, None)?;
    let before = Figures::of(&server).await?;
    let (held, failed, peak) = hold_all(&server, &flags).await?;
    let visits = flags.visits - failed;
    println!("visits held {visits}, failed {failed}, messages {}", held.messages);
    println!("resumes {}", held.resumes);
    let after = rest(&server, &before, Duration::from_secs(flags.grace_seconds.into())).await?;
    println!("|  | before | after |");
    println!("|---|--:|--:|");
    println!("| sockets | {} | {} |", before.sockets, after.sockets);
    println!("| rooms | {} | {} |", before.rooms, after.rooms);
    println!("| threads | {} | {} |", before.threads, after.threads);
    println!("| resident memory | {} | {} |", mib(before.memory), mib(after.memory));
    println!("At the peak: {}. The allocator keeps what it once had.", mib(peak));
    let clean = after.is_back_to(&before) && failed == 0;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Begins visits at a steady rate. Returns what came of them, how many failed, and the most memory
/// that was used.
async fn hold_all(server: &Server, flags: &Flags) -> anyhow::Result<(Held, u32, u64)> {
    let pace = Duration::from_secs_f64(flags.minutes * 60.0 / f64::from(flags.visits));
    let mut pace = interval(pace.max(Duration::from_micros(100)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let places = Arc::new(Semaphore::new(flags.at_once));
    let (mut visits, mut sum) = (JoinSet::new(), Held::default());
    let (mut failed, mut peak, start) = (0, 0, Instant::now());
    for nth in 0..flags.visits {
        pace.tick().await;
        let place = Arc::clone(&places).acquire_owned().await?;
        let url = server.url.clone();
        visits.spawn(async move {
            let held = visit::hold(url, nth.into()).await;
            drop(place);
            held
        });
        while let Some(ended) = visits.try_join_next() {
            add(&mut sum, &mut failed, ended?);
        }
        let memory = server.process().memory()?;
        peak = memory.max(peak);
        if nth % flags.visits.div_ceil(LOOKS) == 0 {
            let seconds = start.elapsed().as_secs();
            let at_once = visits.len();
            println!("{seconds:>4} s: {at_once} visits at once, {} resident", mib(memory));
        }
    }
    while let Some(ended) = visits.join_next().await {
        add(&mut sum, &mut failed, ended?);
    }
    let memory = server.process().memory()?;
    println!("{:>4} s: no visits, {} resident", start.elapsed().as_secs(), mib(memory));
    Ok((sum, failed, peak.max(memory)))
}

fn add(sum: &mut Held, failed: &mut u32, ended: anyhow::Result<Held>) {
    match ended {
        Ok(held) => {
            sum.messages += held.messages;
            sum.resumes += held.resumes;
        }
        Err(error) => {
            *failed += 1;
            eprintln!("a visit failed: {error:#}");
        }
    }
}

/// Waits until all is as it was before, but not for ever.
async fn rest(server: &Server, before: &Figures, grace: Duration) -> anyhow::Result<Figures> {
    let end = Instant::now() + grace + LATE;
    loop {
        let now = Figures::of(server).await?;
        if now.is_back_to(before) || Instant::now() > end {
            return Ok(now);
        }
        sleep(STEP).await;
    }
}

impl Figures {
    /// Rooms are counted by a client in a room of its own, which leaves before sockets are counted.
    async fn of(server: &Server) -> anyhow::Result<Self> {
        let mut peer = Peer::join(&server.url, "count", "counter").await?;
        peer.send(json!({"type": "room_list"})).await?;
        let list = peer.wait_for("room_list").await?;
        peer.leave().await?;
        let rooms = list["rooms"].as_array().context("a list of rooms")?.len();
        let Process(id) = server.process();
        let memory = server.process().memory()?;
        let threads = fs::read_dir(format!("/proc/{id}/task"))?.count();
        Ok(Self { sockets: sockets(id)?, threads, rooms: rooms - 1, memory })
    }

    const fn is_back_to(&self, before: &Self) -> bool {
        self.sockets <= before.sockets && self.rooms <= before.rooms
    }
}

/// The open sockets of a process.
fn sockets(id: u32) -> anyhow::Result<usize> {
    let files = fs::read_dir(format!("/proc/{id}/fd"))?.flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
