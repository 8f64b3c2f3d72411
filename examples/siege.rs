//! Measures how much memory one hostile connection can make the server hold.
//!
//! Starts `visio` and opens many connections of one kind. It then divides the growth of resident
//! memory, and the data that the kernel still keeps for the sockets, by their number. Each kind
//! gets a fresh server, because a busy one would reuse memory that it freed.
//!
//! `docs/performance.md` says how to read the figures.
#![expect(clippy::print_stdout, reason = "a command that prints a table")]

#[path = "siege/attack.rs"]
mod attack;
#[path = "load/certificate.rs"]
mod certificate;
#[path = "load/child.rs"]
#[allow(dead_code, reason = "the other example uses all of it")]
mod child;
#[path = "siege/kernel.rs"]
mod kernel;
#[path = "siege/socket.rs"]
mod socket;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use attack::{Attack, KINDS};
use certificate::Certificate;
use child::Server;
use socket::Door;

/// Measures what one hostile connection can make the server hold.
#[derive(Parser)]
struct Flags {
    /// Connections of each kind
    #[arg(long, value_name = "N", default_value_t = 2000)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=50_000))]
    connections: usize,

    /// Connections of the expensive kind
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    heavy: usize,
}

/// Until the sent data is read.
const SETTLE: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(100);

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    rlimit::increase_nofile_limit(u64::MAX).context("the limit on open files")?;
    let (visio, _) = child::programs()?;
    let certificate = Certificate::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("| one connection that | within TLS | holds | in the kernel |");
    println!("|---|---|--:|--:|");
    for kind in KINDS {
        for tls in [false, true] {
            let Held { memory, unsent } =
                runtime.block_on(measure(kind, tls.then_some(&certificate), &visio, &flags))?;
            let [memory, unsent] = [memory, unsent].map(|bytes| bytes as f64 / 1024.0);
            let tls = if tls { "yes" } else { "" };
            println!("| {} | {tls} | {memory:.1} KiB | {unsent:.1} KiB |", kind.name);
        }
    }
    Ok(())
}

/// The most that was held for one connection, in bytes.
#[derive(Default)]
struct Held {
    memory: u64,
    unsent: u64,
}

async fn measure(
    attack: &Attack,
    certificate: Option<&Certificate>,
    visio: &Path,
    flags: &Flags,
) -> anyhow::Result<Held> {
    // Limits on time and number are not measured here, nor how fast the memory fills.
    let limits = ["--max-connections-per-ip", "0", "--byte-rate", "0", "--message-rate", "0"];
    let mut args =
        [&["--listen", "127.0.0.1:0", "--heartbeat-seconds", "60"], &limits[..]].concat();
    args.extend(certificate.iter().flat_map(|certificate| certificate.flags()));
    let server = Server::start(visio, &args, None)?;
    let door = Door::new(&server.url, certificate)?;
    let port = door.port()?;
    let count = if attack.heavy { flags.heavy } else { flags.connections };
    // What a server allocates once, at its first clients, is not theirs.
    drop((attack.open)(door.clone(), 10).await?);
    tokio::time::sleep(SETTLE).await;
    let before = server.process().memory()?;
    let mut open = (attack.open)(door, count).await?;
    tokio::time::sleep(SETTLE).await;
    let mut most = Held::default();
    loop {
        let used = server.process().memory()?.saturating_sub(before);
        // Once it falls they are being closed.
        if used < most.memory / 2 {
            break;
        }
        most.memory = most.memory.max(used);
        most.unsent = most.unsent.max(kernel::unsent(port)?);
        // Some keep sending for as long as they can.
        if !open.go_on().await? {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    let count = count as u64;
    Ok(Held { memory: most.memory / count, unsent: most.unsent / count })
}
