//! What a run needs, what it says, and what it leaves behind.

use serde_json::{Value, json};

use super::super::certificate::{Certificate, Directory};
use super::super::{Program, output};
use super::{SHORT, load};
use crate::conformance::client::Client;
use crate::conformance::{Runtime, Settings};

const SECRET: &str = "a secret of the tests, of 32 bytes or more";

#[tokio::test]
async fn a_server_that_works_is_measured_and_nothing_is_left_in_it() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let url = format!("http://{}", program.http_address());
    // A pair, and a visit of three.
    let ran = load(&[&url, "--users", "5"], &[]).await;
    assert_eq!((ran.code, &ran.report["ok"]), (0, &json!(true)), "{}", ran.text);
    assert_eq!(ran.report["url"], program.websocket_url());
    assert_eq!((ran.number("/users"), ran.number("/successRate")), (5.0, 100.0));
    let kinds = ["connect", "join", "offer", "answer", "candidate", "text", "leave"];
    let each = |what: &str| kinds.map(|kind| ran.number(&format!("/kinds/{kind}/{what}")));
    assert_eq!(each("totalRequests").iter().sum::<f64>(), ran.number("/totalRequests"));
    let [connects, joins, offers, answers, candidates, ..] = each("totalRequests");
    assert_eq!((connects, offers, candidates), (joins, answers, 12.0 * offers));
    let figures = ["min", "p50", "p95", "p99", "max"];
    let figures = figures.map(|it| ran.number(&format!("/responseTimesMs/{it}")));
    assert!(figures.is_sorted() && figures[0] > 0.0, "{figures:?}");

    let mut ada = Client::connect(&program).await;
    ada.send(json!({"type": "join", "roomId": "visit", "peerId": "ada"})).await;
    ada.expect("joined").await;
    ada.send(json!({"type": "room_list"})).await;
    let rooms = ada.expect("room_list").await;
    assert_eq!(rooms["rooms"].as_array().map(Vec::len), Some(1), "{rooms}");
}

#[tokio::test]
async fn what_it_prints_can_be_read() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let url = program.websocket_url();
    let args = [&["load", &url, "--users", "2"], &SHORT[..]].concat();
    let (code, report, progress) = output(&args, &[]).await;
    assert_eq!(code, 0, "{report}");
    for part in ["custom, 2 users", "0 failed", "p95", "offer ", "a second", "0 lost, 0 doubled"] {
        assert!(report.contains(part), "{part:?} is not in {report}");
    }
    assert!(report.ends_with("Every message arrived once, in order and unchanged.\n"), "{report}");
    let plan = format!("2 users hold visits of two with {url} for 1s");
    assert!(progress.starts_with(&plan) && progress.contains("0:00/0:01"), "{progress}");
    for personal in ["load~", "load-0"] {
        assert!(!format!("{report}{progress}").contains(personal), "{report}{progress}");
    }
}

#[tokio::test]
async fn each_peer_has_a_token_of_its_own() {
    let variables = [("VISIO_JWT_SECRET", SECRET)];
    let program = Program::start(&["--listen", "127.0.0.1:0"], &variables).await;
    let args = [&*program.websocket_url(), "--users", "3"];
    load(&args, &[]).await.refuses(22, &["unauthorized", "VISIO_JWT_SECRET", "--jwt-audience"]);
    let ran = load(&args, &variables).await;
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(!ran.text.contains(SECRET) && !ran.text.contains("eyJ"), "{}", ran.text);
}

#[tokio::test]
async fn a_server_with_tls_is_reached_by_who_trusts_its_certificate() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let flags = directory.flags(&certificate);
    let mut args = vec!["--listen", "127.0.0.1:0"];
    args.extend(flags.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    let (url, ca) = (format!("wss://{}/ws", program.http_address()), directory.path("cert.pem"));
    let ran = load(&[&url, "--ca", &ca, "--users", "2"], &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.text);
    load(&[&url], &[]).await.refuses(22, &["self-signed", "--ca"]);
}

#[tokio::test]
async fn a_server_that_is_full_fails_the_run_and_says_why() {
    // The last of four users is refused. Its visit fails, and the other visit goes on.
    let args = ["--listen", "127.0.0.1:0", "--max-connections-per-ip", "3"];
    let program = Program::start(&args, &[]).await;
    let ran = load(&[&program.websocket_url(), "--users", "4"], &[]).await;
    let (held, failed) = (ran.number("/visits/held"), ran.number("/visits/failed"));
    assert_eq!((ran.code, held, failed), (21, 1.0, 1.0), "{}", ran.text);
    assert!(ran.number("/kinds/connect/failedRequests") > 0.0, "{}", ran.text);
    assert!(ran.text.contains("too many connections from this address"), "{}", ran.text);
}

#[tokio::test]
async fn no_load_is_put_on_another_machine_by_accident() {
    // An address for documents, where nobody answers: it must not even be tried.
    let ran = load(&["ws://192.0.2.1:9/ws", "--timeout-seconds", "60"], &[]).await;
    ran.refuses(1, &["ws://192.0.2.1:9/ws is not on this machine", "--yes"]);
}

#[tokio::test]
async fn a_signal_ends_it_with_a_report() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_visio"));
    command.args(["load", "--json", &program.websocket_url()]).args(&SHORT[2..]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("it starts");
    let mut said = tokio::io::BufReader::new(child.stderr.take().expect("standard error"));
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut said, &mut line).await.expect("a line");
    assert!(line.starts_with("15 users hold visits"), "{line}");
    let pid = child.id().expect("it runs").to_string();
    let kill = std::process::Command::new("kill").args(["-s", "INT", &pid]).status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().await.expect("its end");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["stopped"], json!(true), "{report}");
    assert_eq!(report["scenario"], json!("light"), "{report}");
}

#[tokio::test]
async fn an_invalid_command_line_is_refused() {
    for (args, part) in [
        (&["ws://127.0.0.1:1", "--users", "1"][..], "--users"),
        (&["ws://127.0.0.1:1", "--users", "2001"], "--users"),
        (&["ws://127.0.0.1:1", "--duration", "2h"], "at most 1h"),
        (&["ws://127.0.0.1:1", "--think", "0s"], "at least 50ms"),
        (&["ws://127.0.0.1:1", "--scenario", "huge"], "stress"),
        (&["127.0.0.1"], "expected a URL"),
    ] {
        let (code, _, err) = output(&[&["load"], args].concat(), &[]).await;
        assert!(code == 2 && err.contains(part), "{args:?}: {code} {err}");
    }
    for (args, part) in [
        (&["ws://127.0.0.1:1", "--ramp-up", "30m"][..], "--ramp-up: expected no more than"),
        (&["ws://127.0.0.1:1", "--ca", "/nowhere"], "--ca /nowhere"),
        (&["ws://127.0.0.1:1/ws?token=a.b.c"], "expected none"),
    ] {
        let (code, _, err) = output(&[&["load"], args].concat(), &[]).await;
        assert!(code == 1 && err.contains(part), "{args:?}: {code} {err}");
    }
}
