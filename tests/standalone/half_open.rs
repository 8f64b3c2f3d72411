//! Thousands of stalled sockets: they cost little, delay nobody, and are soon gone.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};

use super::Program;
use super::certificate::{Certificate, Directory};
use super::tls;
use crate::conformance::Runtime;
use crate::conformance::client::{PATIENCE, meet};
use crate::conformance::request::get;

/// At most this many, or as many as the machine lets a process open.
const MANY: u64 = 10_000;
/// Fewer prove nothing.
const FEW: u64 = 2_000;
/// The most that one of them may cost, in bytes. `docs/performance.md` has the actual cost.
const COST: u64 = 20 * 1024;

const HEAD: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow: ";
const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_http() {
    let args = ["--listen", "127.0.0.1:0", "--max-connections-per-ip", "0"];
    let program = Program::start(&args, &[]).await;
    let [mut ada, mut bob] = meet(&program, "visit", ["ada", "bob"]).await;
    let before = memory(&program);
    let stuck = open(&program, HEAD).await;
    let slow = tokio::spawn(trickle(program.http_address(), HEAD));
    for seq in 0..50 {
        ada.send(json!({"type": "offer", "to": "bob", "seq": seq})).await;
        assert_eq!(bob.expect("offer").await["seq"], seq);
    }
    assert_eq!(get(&program, "/health").await.status, 200);
    assert_cheap(&program, before, stuck.len());
    all_end(stuck).await;
    slow.await.expect("an end, however alive it looks");
    ada.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_tls() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let flags = directory.flags(&certificate);
    let mut args = vec!["--listen", "127.0.0.1:0", "--max-connections-per-ip", "0"];
    args.extend(flags.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    let mut ada = tls::Peer::join(&certificate.connector(), &program, "ada").await;
    let before = memory(&program);
    let stuck = open(&program, HELLO).await;
    let slow = tokio::spawn(trickle(program.http_address(), HELLO));
    let mut bob = tls::Peer::join(&certificate.connector(), &program, "bob").await;
    ada.expect("peer_joined").await;
    bob.send(json!({"type": "offer", "to": "ada"})).await;
    ada.expect("offer").await;
    assert_cheap(&program, before, stuck.len());
    all_end(stuck).await;
    slow.await.expect("an end, however alive it looks");
    bob.send(json!({"type": "ping"})).await;
    bob.expect("pong").await;
}

/// Opens them; half of them send nothing at all.
async fn open(program: &Program, beginning: &[u8]) -> Vec<TcpStream> {
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit on open files");
    // Both tests of this file may run at once, and other tests too.
    let count = MANY.min(files.saturating_sub(1000) / 2);
    assert!(count >= FEW, "the machine allows {files} open files, which is too few to try");
    let mut stuck = Vec::new();
    for nth in 0..count {
        let mut stream = TcpStream::connect(program.http_address()).await.expect("a connection");
        if nth % 2 == 0 {
            stream.write_all(beginning).await.expect("bytes are taken");
        }
        stuck.push(stream);
    }
    stuck
}

/// Begins, and then sends a byte now and again until the connection ends, which is within 20 s.
async fn trickle(address: String, beginning: &'static [u8]) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(beginning).await.expect("bytes are taken");
    let mut answer = [0; 64];
    let ended = async {
        loop {
            let pause = Duration::from_millis(200);
            if let Ok(Ok(0) | Err(_)) = timeout(pause, stream.read(&mut answer)).await {
                return;
            }
            if stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, ended).await.expect("an end in time");
}

/// Waits until the server has ended them all, which is 10 s after they began.
async fn all_end(stuck: Vec<TcpStream>) {
    let since = Instant::now();
    for mut stream in stuck {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("an end in time");
        assert!(read.is_err() || rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{rest:?}");
    }
    assert!(since.elapsed() < Duration::from_secs(20));
}

fn assert_cheap(program: &Program, before: Option<u64>, count: usize) {
    if let (Some(before), Some(now)) = (before, memory(program)) {
        let each = now.saturating_sub(before) / count as u64;
        assert!(each < COST, "{each} bytes for each of {count}");
    }
}

/// Its resident memory, if there is `/proc`.
fn memory(program: &Program) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id()?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kib * 1024)
}
