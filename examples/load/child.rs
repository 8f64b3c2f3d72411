//! A server as a child process, on a core of its own, and the resources that it used according to
//! the kernel.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, io, process, thread};

use anyhow::{Context, ensure};

/// How long a server may take to say that it is ready.
const START: Duration = Duration::from_secs(10);
/// The command that builds all programs to be measured.
const BUILD: &str = "cargo build --release --bins --examples";

/// A running server, killed when dropped.
pub(super) struct Server {
    child: Child,
    /// Where its WebSockets are.
    pub(super) url: String,
}

impl Server {
    /// Starts `program`, on these cores if they are given, and waits for its ready line.
    pub(super) fn start(
        program: &Path,
        args: &[&str],
        cores: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut child = command(program, cores)
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {}", program.display()))?;
        let stderr = child.stderr.take().context("a child without standard error")?;
        let (said, url) = mpsc::channel();
        thread::spawn(move || {
            // Read to its end, or the child would block once the pipe is full.
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(url) = url_in(&line) {
                    let _ = said.send(url);
                }
            }
        });
        let mut server = Self { child, url: String::new() };
        server.url = url
            .recv_timeout(START)
            .with_context(|| format!("{} did not say that it is ready", program.display()))?;
        Ok(server)
    }

    /// Starts a server that is to listen on this port, and waits until it does.
    pub(super) fn start_on(
        port: u16,
        program: &Path,
        args: &[String],
        cores: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut child = command(program, cores);
        child.args(args).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            child.spawn().with_context(|| format!("could not start {}", program.display()))?;
        let server = Self { child, url: String::new() };
        let end = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(Instant::now() < end, "{} does not listen on {port}", program.display());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its process.
    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it has ended by itself, there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs on these cores. It is bound to them before it starts: tokio makes one worker
/// for each core that it may use.
fn command(program: &Path, cores: Option<&str>) -> Command {
    let Some(cores) = cores else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program);
    command
}

/// The WebSocket URL in a ready line.
fn url_in(line: &str) -> Option<String> {
    let url = &line[line.find("ws://").or_else(|| line.find("wss://"))?..];
    Some(url.split([' ', '"', ',']).next()?.to_owned())
}

/// A process, by its number.
#[derive(Clone, Copy)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// The CPU time that it has used so far, in user and kernel mode.
    ///
    /// In nanoseconds, summed over its threads, if the kernel counts them (`schedstat`). A thread
    /// that has ended would be missing, but neither server ends threads. Otherwise in ticks.
    pub(super) fn cpu(self) -> anyhow::Result<Duration> {
        if let Ok(time) = self.scheduled() {
            return Ok(time);
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name before the closing bracket may hold anything; utime is the 14th field of all.
        let fields: Vec<&str> =
            stat.rsplit_once(')').context("a name")?.1.split_whitespace().collect();
        let ticks = |nth: usize| -> anyhow::Result<u64> {
            Ok(fields.get(nth).context("a field")?.parse()?)
        };
        Ok(Duration::from_millis(10) * u32::try_from(ticks(11)? + ticks(12)?)?)
    }

    fn scheduled(self) -> anyhow::Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu = stat.split(' ').next().context("a number")?;
            sum += Duration::from_nanos(on_cpu.parse()?);
        }
        Ok(sum)
    }

    /// Its resident memory, in bytes, without what the kernel keeps for its sockets.
    pub(super) fn memory(self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

/// Two cores, one for the servers and one for the load, if there are two, and `taskset` to bind
/// processes to them. This process moves to its own core at once.
pub(super) fn two_cores() -> Option<(usize, usize)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let cores = cores_in(list.trim());
    let (&server, &load) = (cores.first()?, cores.get(1)?);
    let me = process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-apc", &load.to_string(), &me])
        .stdout(Stdio::null())
        .status();
    pinned.is_ok_and(|status| status.success()).then_some((server, load))
}

/// The cores in a list such as `0-3,8`.
fn cores_in(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// The path of a program to be measured: next to this one, in the same profile.
pub(super) fn programs() -> anyhow::Result<(PathBuf, PathBuf)> {
    let this = env::current_exe()?;
    let examples = this.parent().context("a program is in a folder")?;
    let visio = examples.with_file_name("visio");
    let blind = examples.join("blind_relay");
    for program in [&visio, &blind] {
        ensure!(program.exists(), "there is no {}; build it: {BUILD}", program.display());
        if let Some(source) = newer_source(program) {
            eprintln!("warning: {} is older than {source}; build it: {BUILD}", program.display());
        }
    }
    Ok((visio, blind))
}

/// A source file that was changed after the program was built, according to cargo's notes next to
/// it.
fn newer_source(program: &Path) -> Option<String> {
    let changed = |path: &str| -> io::Result<SystemTime> { fs::metadata(path)?.modified() };
    let built = fs::metadata(program).ok()?.modified().ok()?;
    let notes = fs::read_to_string(program.with_extension("d")).ok()?;
    let mut sources = notes.split_once(": ")?.1.split_whitespace();
    sources.find(|path| changed(path).is_ok_and(|at| at > built)).map(str::to_owned)
}
