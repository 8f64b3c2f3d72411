//! The limit on open files: the server says what it allows, and keeps within it. If it runs out of
//! descriptors all the same, it still answers `/health`, and the log stays short.

use std::fs;

use rlimit::Resource;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Duration, Instant, timeout};

use super::{Log, Program, spawn_command};
use crate::conformance::Runtime;
use crate::conformance::client::{Client, PATIENCE};
use crate::conformance::request::{Answer, get};

/// Sooner than a visit of the health check gives up.
const AT_ONCE: Duration = Duration::from_millis(2500);

#[tokio::test]
async fn the_server_keeps_within_a_low_limit_and_stays_healthy() {
    let (child, log) = limited(64, &["--listen", "127.0.0.1:0"]);
    let program = Program::ready((child, log)).await;
    let warning = parsed(&program.log.line("max-connections").await);
    assert_eq!(warning["level"], "WARN");
    assert_eq!([&warning["wanted"], &warning["open_files"]], [100_000, 64]);
    let allowed = warning["allowed"].as_u64().expect("a number");
    assert!((2..64).contains(&allowed), "{warning}");

    let mut seated = Vec::new();
    for nth in 0..allowed {
        seated.push(Client::join(&program, &format!("visit-{nth}"), "ada").await);
    }
    Client::connect_with(&program, "", &[]).await.err().expect("no room for one more");
    let (answer, took) = timed(&program).await;
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!((answer.status, &answer.json()["status"]), (200, &Value::from("DEGRADED")));

    // A client that sends a plain request sometimes finds the spare places taken, and is told so at
    // once.
    let idle = idle(&program, 60).await;
    let (answer, took) = timed(&program).await;
    assert!(took < AT_ONCE && [200, 503].contains(&answer.status), "{answer:?} {took:?}");
    drop(idle);
    seated[0].0.send(serde_json::json!({"type": "ping"})).await;
    seated[0].0.expect("pong").await;
    program.signal("TERM");
    drop(seated);
    let (_, log) = program.end().await;
    assert!(!log.iter().any(|line| line.contains("be accepted")), "{log:?}");
}

#[tokio::test]
async fn without_a_limit_on_connections_open_files_are_the_limit() {
    let (child, log) = limited(64, &["--listen", "127.0.0.1:0", "--max-connections", "0"]);
    let program = Program::ready((child, log)).await;
    let line = parsed(&program.log.line("open_files").await);
    assert_eq!((&line["level"], &line["open_files"]), (&"INFO".into(), &64.into()));
    assert!(line["allowed"].as_u64().is_some_and(|allowed| allowed >= 2), "{line}");
}

#[tokio::test]
async fn a_limit_too_low_for_one_visit_is_refused() {
    let (mut child, log) = limited(40, &["--listen", "127.0.0.1:0"]);
    let status = timeout(PATIENCE, child.wait()).await.expect("an end in time");
    log.closed().await;
    assert_eq!(status.expect("a status").code(), Some(1), "{:?}", log.all());
    let said = log.all().join("\n");
    assert!(said.contains("40") && said.contains("ulimit -n"), "{said}");
}

#[tokio::test]
async fn a_shortage_is_logged_twice_and_health_is_answered_meanwhile() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    limit(&program, room_for(&program, 8));
    let idle = idle(&program, 30).await;
    let began = parsed(&program.log.line("cannot be accepted").await);
    assert_eq!(began["level"], "WARN");
    for _ in 0..10 {
        let (answer, took) = timed(&program).await;
        assert_eq!(answer.status, 503);
        assert!(took < AT_ONCE, "{took:?}");
    }
    drop(idle);
    let ended = parsed(&program.log.line("turned_away").await);
    assert!(ended["turned_away"].as_u64().is_some_and(|count| count >= 10), "{ended}");
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["peerId"], "ada");
    program.signal("TERM");
    let (_, log) = program.end().await;
    let told: Vec<_> = log.iter().filter(|line| line.contains("accepted")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

/// The program, under a limit on open files that it cannot raise.
fn limited(files: u32, args: &[&str]) -> (tokio::process::Child, Log) {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_visio")]).args(args).env_remove("PORT");
    spawn_command(command)
}

/// Sockets that say nothing.
async fn idle(program: &Program, count: usize) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(TcpStream::connect(program.http_address()).await.expect("a connection"));
    }
    idle
}

async fn timed(program: &Program) -> (Answer, Duration) {
    let began = Instant::now();
    (get(program, "/health").await, began.elapsed())
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON where there is no terminal")
}

/// The limit that leaves it this many more descriptors.
fn room_for(program: &Program, more: usize) -> u64 {
    let pid = program.child.id().expect("a running program");
    let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("/proc");
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok());
    let taken: Vec<u64> = numbers.collect();
    let last = (0..).filter(|number| !taken.contains(number)).nth(more - 1);
    last.expect("numbers without end") + 1
}

/// Denies the running program any descriptor with this number or a higher one.
fn limit(program: &Program, files: u64) {
    let pid = i32::try_from(program.child.id().expect("a running program")).expect("an id");
    let (_, hard) = rlimit::getrlimit(Resource::NOFILE).expect("a limit");
    rlimit::prlimit(pid, Resource::NOFILE, Some((files, hard)), None).expect("a lower limit");
}
