//! Each fault of a server is counted, and fails the run.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::{Program, spawn};
use super::meddler::{Meddler, Meddling};
use super::{load, run};
use crate::conformance::client::PATIENCE;
use crate::conformance::{Runtime, Settings};

#[tokio::test]
async fn each_fault_of_a_server_is_counted_and_fails_the_run() {
    let cases = [
        (Meddling::Lose, &["lost"][..]),
        (Meddling::Double, &["doubled"]),
        // Whom it was for waits for it in vain.
        (Meddling::Misroute, &["lost", "misrouted"]),
        (Meddling::Forge, &["misrouted"]),
        (Meddling::Reorder, &["reordered"]),
        (Meddling::Change, &["changed"]),
        // It cannot be told what it was.
        (Meddling::Truncate, &["changed", "lost"]),
    ];
    join_all(cases.map(|(meddling, expected)| counts(meddling, expected))).await;
}

/// These faults are counted once, and no others.
async fn counts(meddling: Meddling, expected: &[&str]) {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let (url, _) = Meddler::start(program.websocket_url(), meddling).await;
    let ran = load(&[&url, "--users", "4", "--timeout-seconds", "2"], &[]).await;
    let mut faults = json!({
        "lost": 0, "doubled": 0, "misrouted": 0, "reordered": 0, "changed": 0
    });
    expected.iter().for_each(|fault| faults[fault] = json!(1));
    assert_eq!(ran.report["faults"], faults, "{}", ran.text);
    assert_eq!((ran.code, &ran.report["ok"]), (20, &json!(false)), "{}", ran.text);
}

#[tokio::test]
async fn frames_that_overtake_each_other_may_be_allowed() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let (url, _) = Meddler::start(program.websocket_url(), Meddling::Reorder).await;
    let args = [&url, "--users", "2", "--any-order"];
    let ran = load(&args, &[]).await;
    assert_eq!((ran.code, ran.number("/faults/reordered")), (0, 1.0), "{}", ran.text);
}

#[tokio::test]
async fn a_server_that_stalls_cannot_slow_down_its_own_measurement() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let (url, _) = Meddler::start(program.websocket_url(), Meddling::Stall).await;
    let args = ["--users", "2", "--duration", "1s", "--ramp-up", "0s", "--think", "50ms"];
    let ran = run(&[&[&*url], &args[..]].concat(), &[]).await;
    // Those who wait for each answer would see one slow text of five. But all five were due.
    assert!(ran.number("/kinds/text/responseTimesMs/p50") > 500.0, "{}", ran.text);
    assert!(ran.number("/visits/missed") > 0.0, "{}", ran.text);
    assert_eq!(ran.code, 21, "{}", ran.text);
}

#[tokio::test]
async fn a_user_that_is_silent_for_a_heartbeat_sends_a_ping() {
    let program = <Program as Runtime>::start(Settings::default()).await;
    let (url, meddler) = Meddler::start(program.websocket_url(), Meddling::Hurry).await;
    let args = ["load", "--ramp-up", "0s", "--think", "1m", "--users", "2", &url];
    let (_child, log) = spawn(&args, &[]);
    log.line("users hold visits").await;
    timeout(PATIENCE, meddler.pinged.notified()).await.expect("a ping");
}

#[tokio::test]
async fn a_refused_message_is_a_failure_with_a_reason_and_not_lost() {
    let args = ["--listen", "127.0.0.1:0", "--message-rate", "1", "--message-burst", "12"];
    let program = Program::start(&args, &[]).await;
    let url = program.websocket_url();
    let args = [&url, "--users", "3", "--timeout-seconds", "1"];
    let ran = load(&args, &[]).await;
    assert_eq!((ran.code, ran.number("/faults/lost")), (21, 0.0), "{}", ran.text);
    let reasons = ran.report["reasons"].as_array().expect("reasons");
    let says = |part: &str| reasons.iter().any(|it: &Value| it["says"].to_string().contains(part));
    assert!(says("rate_limited"), "{}", ran.text);
    let (total, failed) = (ran.number("/totalRequests"), ran.number("/failedRequests"));
    assert_eq!(ran.number("/successfulRequests"), total - failed);
    let rate = (total - failed) * 100.0 / total;
    assert!((ran.number("/successRate") - rate).abs() < 0.001, "{}", ran.text);
}
