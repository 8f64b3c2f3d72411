//! SIGHUP: the server reloads everything that it can, and a server with nothing to reload goes on.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Program;
use super::certificate::{Certificate, Directory};
use super::tokens::set_of;
use crate::conformance::client::{Client, PATIENCE};
use crate::conformance::tokens::SECRET;

const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[tokio::test]
async fn a_server_with_nothing_to_reload_says_so_and_goes_on() {
    for variables in [&[][..], &[("VISIO_JWT_SECRET", SECRET)]] {
        let program = Program::start(&LOOPBACK, variables).await;
        let connected = Client::connect(&program).await;
        program.signal("HUP");
        let line = program.log.line("nothing to read again").await;
        assert!(line.contains("INFO"), "{line}");
        Client::connect(&program).await;
        drop(connected);
        program.signal("TERM");
        assert_eq!(program.end().await.0, Some(0));
    }
}

#[tokio::test]
async fn one_signal_reloads_the_certificate_and_the_keys() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let set = directory.write("set.json", &set_of(&[("a", SECRET)]));
    let tls = directory.flags(&certificate);
    let mut args = [&LOOPBACK[..], &["--jwks", &set]].concat();
    args.extend(tls.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    program.signal("HUP");
    program.log.line("the TLS certificate was read again").await;
    program.log.line("the keys of visit tokens were read again").await;
    program.signal("TERM");
    let (code, log) = program.end().await;
    assert_eq!(code, Some(0));
    assert!(!log.iter().any(|line| line.contains("nothing to read again")), "{log:?}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visio"));
    command.args(LOOPBACK).env_remove("PORT").stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("the program starts");
    let address = address(child.stderr.take().expect("its standard error")).await;
    let pid = child.id().expect("a running program").to_string();
    for signal in ["HUP", "HUP", "TERM"] {
        TcpStream::connect(&address).await.expect("it still listens");
        kill(signal, &pid);
    }
    let status = timeout(PATIENCE, child.wait()).await.expect("an end in time");
    assert_eq!(status.expect("a status").code(), Some(0));
}

/// A terminal that closes sends SIGHUP too.
#[tokio::test]
async fn a_server_exits_when_its_terminal_closes() {
    let mut command = Command::new("script");
    let program = format!("exec {} {}", env!("CARGO_BIN_EXE_visio"), LOOPBACK.join(" "));
    command.args(["-qec", &program, "/dev/null"]).env_remove("PORT");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut terminal: Child = command.spawn().expect("script, of util-linux");
    let address = address(terminal.stdout.take().expect("its screen")).await;
    terminal.kill().await.expect("an end");
    let gone = async { while TcpStream::connect(&address).await.is_ok() {} };
    timeout(PATIENCE, gone).await.expect("an end in time");
}

/// The address that it says it listens on. Nothing more is read.
async fn address(output: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut lines = BufReader::new(output).lines();
    let said = async {
        loop {
            let line = lines.next_line().await.expect("a line").expect("a line more");
            if let Some((_, rest)) = line.split_once("ws://") {
                return rest.split('/').next().expect("an address").to_owned();
            }
        }
    };
    timeout(PATIENCE, said).await.expect("ready in time")
}

fn kill(signal: &str, pid: &str) {
    let status = std::process::Command::new("kill").args(["-s", signal, pid]).status();
    assert!(status.expect("kill").success());
}
