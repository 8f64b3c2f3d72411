//! What only the standalone server promises: its command line, draining, TLS, limits against abuse,
//! logs that reveal nothing, and panics that do not spread.

mod abuse;
mod audit;
mod certificate;
mod chaos;
mod command_line;
mod descriptors;
mod doctor;
mod draining;
mod environment;
mod files;
mod half_open;
mod health;
mod interleaving;
mod listening;
mod load;
mod metrics;
mod page;
mod panics;
mod privacy;
mod proxies;
mod secrets;
mod signals;
mod tls;
mod tokens;

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::conformance::client::PATIENCE;
use crate::conformance::{Profile, Runtime, Settings};

/// The built binary, as an operator starts it.
pub(crate) struct Program {
    child: Child,
    log: Log,
    address: String,
}

impl Program {
    /// Starts it with these flags and variables, and waits until it says it is ready.
    pub(crate) async fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::ready(spawn(args, variables)).await
    }

    async fn ready((child, log): (Child, Log)) -> Self {
        let ready = log.line("ready").await;
        let after = ready.split("ws://").nth(1).or_else(|| ready.split("wss://").nth(1));
        let after = after.expect("a URL");
        let address = after.split("/ws").next().expect("an address").to_owned();
        Self { child, log, address }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().expect("a running program").to_string();
        let kill = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.expect("kill").success());
    }

    /// Waits until it has ended; returns the exit code, and everything that it logged.
    pub(crate) async fn end(mut self) -> (Option<i32>, Vec<String>) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("an end in time");
        self.log.closed().await;
        (status.expect("an exit status").code(), self.log.all())
    }
}

impl Runtime for Program {
    const PROFILE: Profile = crate::Standalone::PROFILE;

    async fn start(_: Settings) -> Self {
        Self::start(&["--listen", "127.0.0.1:0"], &[]).await
    }

    fn websocket_url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    fn http_address(&self) -> String {
        self.address.clone()
    }
}

/// Runs it with these flags to its end; returns the exit code, and what it printed.
pub(crate) async fn run(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let (mut child, log) = spawn(args, variables);
    let status = timeout(PATIENCE, child.wait()).await.expect("an end in time");
    log.closed().await;
    (status.expect("an exit status").code(), log.all().join("\n"))
}

/// Runs a command that prints what it found; returns its exit code, and the two streams.
pub(crate) async fn output(args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visio"));
    command.args(args).envs(variables.iter().copied());
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, child).await.expect("an end in time").expect("it starts");
    let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).expect("UTF-8"));
    (output.status.code().expect("an exit code"), out, err)
}

fn spawn(args: &[&str], variables: &[(&str, &str)]) -> (Child, Log) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visio"));
    command.args(args).env_remove("PORT").envs(variables.iter().copied());
    spawn_command(command)
}

/// The program, run in any way.
fn spawn_command(mut command: Command) -> (Child, Log) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let log = Log::default();
    let lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
    tokio::spawn(log.clone().fill(lines));
    (child, log)
}

/// The standard error of a program.
#[derive(Clone, Default)]
struct Log(Arc<Written>);

#[derive(Default)]
struct Written {
    /// The lines so far, and whether the stream has ended.
    lines: Mutex<(Vec<String>, bool)>,
    changed: Notify,
}

impl Log {
    async fn fill(self, mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>) {
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lines.lock().unwrap().0.push(line);
            self.0.changed.notify_waiters();
        }
        self.0.lines.lock().unwrap().1 = true;
        self.0.changed.notify_waiters();
    }

    /// The first line that contains this.
    async fn line(&self, part: &str) -> String {
        self.wait(|lines, _| lines.iter().find(|line| line.contains(part)).cloned()).await
    }

    async fn closed(&self) {
        self.wait(|_, closed| closed.then_some(())).await;
    }

    fn all(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().0.clone()
    }

    async fn wait<T>(&self, found: impl Fn(&[String], bool) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.0.changed.notified();
                let state = self.0.lines.lock().unwrap().clone();
                if let Some(value) = found(&state.0, state.1) {
                    return value;
                }
                changed.await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in the log: {:?}", self.all()))
    }
}
