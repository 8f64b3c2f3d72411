//! Idle connections: what they cost in memory, and in CPU time.
//!
//! A process may have only so many open files, whatever the machine can hold. So a large crowd is
//! spread over several servers, and held by several processes: this program starts itself again,
//! once for each server, with `--hold`.

use std::cell::Cell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, ensure};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::certificate::trusting;
use super::child::Process;
use super::client::{Dialect, PATIENCE, Pair, Reads, Target, Writes};
use super::message::candidate;
use super::others;
use super::pattern::{AT_ONCE, SETTLE, connect, portions, visit};
use super::saturation::{frame_in, masked, write};

/// What one idle connection costs.
pub(super) struct Idle {
    /// Bytes of resident memory.
    pub(super) memory: f64,
    /// CPU time in a minute.
    pub(super) cpu: Duration,
}

/// A server, and what its clients need to know.
pub(super) struct Crowded<'a> {
    pub(super) target: &'a Target,
    pub(super) process: Process,
    /// The certificate, if it has TLS.
    pub(super) cert: Option<PathBuf>,
}

/// How many connections a server, and who holds them, may open.
pub(super) fn most_connections() -> anyhow::Result<usize> {
    let (open_files, _) = rlimit::getrlimit(rlimit::Resource::NOFILE)?;
    // A server keeps an eighth for those whom it refuses, and some files for itself.
    let most = usize::try_from(open_files)? / 5 * 4;
    ensure!(most > 100, "the limit on open files is {open_files}: expected more (ulimit -n)");
    Ok(most)
}

/// Lets so many connections join in pairs, in all, and watches the servers for a while.
pub(super) async fn measure(
    servers: &[Crowded<'_>],
    connections: usize,
    watch: Duration,
) -> anyhow::Result<Idle> {
    let each = connections / servers.len() / 2;
    ensure!(each > 0, "expected at least two connections for each server");
    for it in servers {
        // What a server allocates once, at its first clients, is not theirs.
        for _ in 0..AT_ONCE {
            visit(it.target, 0).await?;
        }
    }
    sleep(SETTLE).await;
    let memory = |it: &Crowded<'_>| it.process.memory();
    let before = servers.iter().map(memory).sum::<anyhow::Result<u64>>()?;
    let mut holders = Vec::new();
    for it in servers {
        holders.push(Holder::start(it, each)?);
    }
    sleep(SETTLE).await;
    let used = servers.iter().map(memory).sum::<anyhow::Result<u64>>()?.saturating_sub(before);
    let cpu = |it: &Crowded<'_>| it.process.cpu();
    let before = servers.iter().map(cpu).sum::<anyhow::Result<Duration>>()?;
    sleep(watch).await;
    let cpu = servers.iter().map(cpu).sum::<anyhow::Result<Duration>>()?.saturating_sub(before);
    // Otherwise a connection that is gone would still be counted.
    holders.iter_mut().try_for_each(Holder::check)?;
    let held = (each * servers.len() * 2) as f64;
    let minutes = watch.as_secs_f64() / 60.0;
    let cpu = if watch.is_zero() { Duration::ZERO } else { cpu.div_f64(held * minutes) };
    Ok(Idle { memory: used as f64 / held, cpu })
}

/// A process that holds connections until it is dropped.
struct Holder {
    child: Child,
    orders: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Holder {
    /// Starts one, and waits until it has all its pairs.
    fn start(server: &Crowded<'_>, pairs: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--hold", &server.target.url, "--connections", &pairs.to_string()]);
        command.args(["--dialect", server.target.dialect.name()]);
        if let Some(cert) = &server.cert {
            command.arg("--hold-cert").arg(cert);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().context("a child without standard input")?;
        let says = BufReader::new(child.stdout.take().context("a child without output")?);
        let mut holder = Self { child, orders, says };
        holder.expect("held")?;
        Ok(holder)
    }

    /// Lets each pair send a message.
    fn check(&mut self) -> anyhow::Result<()> {
        writeln!(self.orders, "check")?;
        self.expect("checked")
    }

    fn expect(&mut self, word: &str) -> anyhow::Result<()> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        ensure!(line.trim() == word, "expected {word} from a holder of connections, got {line:?}");
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dialect {
    const ALL: [Self; 5] =
        [Self::Visio, Self::Blind, Self::Matchbox, Self::Gstreamer, Self::PeerJs];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Visio => "visio",
            Self::Blind => "blind",
            Self::Matchbox => "matchbox",
            Self::Gstreamer => "gstreamer",
            Self::PeerJs => "peerjs",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Holds pairs of connections, answers pings, and obeys on standard input.
#[expect(clippy::print_stdout, reason = "the process that started it listens")]
pub(super) async fn hold(
    url: &str,
    dialect: Dialect,
    cert: Option<PathBuf>,
    pairs: usize,
) -> anyhow::Result<()> {
    let tls = cert.as_deref().map(trusting).transpose()?;
    let target = Target { url: url.to_owned(), dialect, tls };
    let arrived = Rc::new(Cell::new(0));
    let here = LocalSet::new();
    let work = async {
        let mut senders = Vec::with_capacity(pairs);
        for some in portions(pairs) {
            for Pair { ada, bob } in connect(&target, some).await? {
                let message = others::wrapped(&ada, candidate("bob", 0));
                let ((ada, sends), (bob, answers)) = (ada.into_halves(), bob.into_halves());
                let sends = Rc::new(tokio::sync::Mutex::new(sends));
                let answers = Rc::new(tokio::sync::Mutex::new(answers));
                spawn_local(listen(ada, Rc::clone(&sends), Rc::clone(&arrived)));
                spawn_local(listen(bob, answers, Rc::clone(&arrived)));
                senders.push((sends, message));
            }
        }
        println!("held");
        let (order, mut orders) = unbounded_channel();
        thread::spawn(move || io::stdin().lines().try_for_each(|_check| order.send(())));
        while orders.recv().await.is_some() {
            arrived.set(0);
            for (sends, message) in &senders {
                write(&mut *sends.lock().await, &masked(0x81, message.as_bytes())).await?;
            }
            let all = async {
                while arrived.get() < pairs {
                    sleep(SETTLE).await;
                }
            };
            timeout(PATIENCE, all).await.with_context(|| {
                format!("{} of {pairs} pairs are connected no more", pairs - arrived.get())
            })?;
            println!("checked");
        }
        anyhow::Ok(())
    };
    here.run_until(work).await
}

/// Answers pings, and counts messages.
async fn listen(
    mut reads: Reads,
    writes: Rc<tokio::sync::Mutex<Writes>>,
    arrived: Rc<Cell<usize>>,
) {
    let (mut buffer, mut end) = ([0; 512], 0);
    loop {
        let Ok(read @ 1..) = reads.read(&mut buffer[end..]).await else { return };
        end += read;
        let mut at = 0;
        while let Some((opcode, payload)) = frame_in(&buffer[at..end]) {
            at += payload.len() + if payload.len() < 126 { 2 } else { 4 };
            match opcode {
                0x89 => {
                    let pong = masked(0x8a, payload);
                    if write(&mut *writes.lock().await, &pong).await.is_err() {
                        return;
                    }
                }
                0x81 => arrived.set(arrived.get() + 1),
                _ => {}
            }
        }
        buffer.copy_within(at..end, 0);
        end -= at;
    }
}
