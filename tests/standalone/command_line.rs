//! Flags, variables, and the line that says it is ready.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::certificate::{Certificate, Directory};
use super::{Program, run};
use crate::conformance::client::Client;

#[tokio::test]
async fn the_ready_line_names_urls_that_work() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let line = program.log.line("ready").await;
    let json: Value = serde_json::from_str(&line).expect("JSON where there is no terminal");
    let text = json["message"].as_str().unwrap();
    for part in ["http://127.0.0.1:", "/demo/", "ws://127.0.0.1:", "/ws", "/health"] {
        assert!(text.contains(part), "{text}");
    }
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["peerId"], "ada");
}

#[tokio::test]
async fn without_a_command_the_program_serves() {
    let program = Program::start(&["serve", "--listen", "127.0.0.1:0"], &[]).await;
    Client::join(&program, "visit", "ada").await;
}

#[tokio::test]
async fn a_variable_sets_what_a_flag_sets_and_the_flag_wins() {
    let variables = [
        ("VISIO_LISTEN", "127.0.0.1:0"),
        ("VISIO_MAX_PEERS_PER_ROOM", "1"),
        ("VISIO_HEARTBEAT_SECONDS", "7"),
        ("VISIO_LOG_FORMAT", "text"),
    ];
    let program = Program::start(&["--heartbeat-seconds", "9"], &variables).await;
    assert!(!program.log.line("ready").await.starts_with('{'));
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["heartbeatSeconds"], 9);
    let mut bob = Client::connect(&program).await;
    bob.send(serde_json::json!({"type": "join", "roomId": "visit"})).await;
    bob.expect_error("room_full").await;
}

#[tokio::test]
async fn open_mode_refuses_a_public_address() {
    for (args, variables) in [
        (&["--listen", "0.0.0.0:0"][..], &[][..]),
        (&[], &[("VISIO_LISTEN", "[::]:0")]),
        (&[], &[("PORT", "0")]),
    ] {
        let (code, text) = run(args, variables).await;
        assert_eq!(code, Some(1), "{text}");
        for way_out in ["127.0.0.1", "--jwt-secret", "--open"] {
            assert!(text.contains(way_out), "{text}");
        }
    }
    let program = Program::start(&["--listen", "0.0.0.0:0"], &[("VISIO_OPEN", "1")]).await;
    assert!(program.log.line("ready").await.contains("0.0.0.0"));
}

#[tokio::test]
async fn a_bad_setting_stops_the_server_at_once_and_names_the_flag() {
    for (args, parts) in [
        (["--max-peers-per-room", "0"], ["--max-peers-per-room", "1..=256"]),
        (["--listen", "nowhere"], ["--listen", "nowhere"]),
        (["--log", "a=b=c"], ["--log", "a=b=c"]),
        (["--allowed-origin", "clinic"], ["--allowed-origin", "https://"]),
        (["--allowed-origin", ""], ["--allowed-origin", "VISIO_ALLOWED_ORIGIN"]),
        (["--trusted-proxy", "10.0.0.1/8"], ["--trusted-proxy", "10.0.0.0/8"]),
    ] {
        let (code, text) = run(&args, &[]).await;
        assert_ne!(code, Some(0));
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[tokio::test]
async fn an_invalid_certificate_stops_the_server_at_once_and_says_why() {
    let directory = Directory::new();
    let (good, other) = (Certificate::new(), Certificate::new());
    let expired = Certificate::valid((2020, 1, 1), (2021, 1, 1));
    let future = Certificate::valid((4000, 1, 1), (4001, 1, 1));
    let file = |name, text: &str| directory.write(name, text);
    let (cert, key) = (file("cert.pem", &good.pem), file("key.pem", &good.key));
    let other_key = file("other.pem", &other.key);
    let no_pem = file("no.pem", "nonsense");
    let broken = file("broken.pem", &good.pem.replace("MII", "***"));
    let missing = directory.path("missing.pem");
    let (old, old_key) = (file("old.pem", &expired.pem), file("old_key.pem", &expired.key));
    let (new, new_key) = (file("new.pem", &future.pem), file("new_key.pem", &future.key));
    for (cert, key, parts) in [
        (&missing, &key, ["--tls-cert", &missing, "No such file"]),
        (&cert, &missing, ["--tls-key", &missing, "No such file"]),
        (&directory.path(""), &key, ["--tls-cert", "visio-test", "directory"]),
        (&no_pem, &key, ["--tls-cert", &no_pem, "expected a certificate in PEM"]),
        (&broken, &key, ["--tls-cert", &broken, "expected a certificate in PEM"]),
        (&cert, &no_pem, ["--tls-key", &no_pem, "expected a private key"]),
        (&cert, &cert, ["--tls-key", &cert, "expected a private key"]),
        (&cert, &other_key, ["--tls-key", &other_key, "not the key of the certificate"]),
        (&old, &old_key, ["--tls-cert", &old, "expired at 2021-01-01T00:00:00Z"]),
        (&new, &new_key, ["--tls-cert", &new, "not valid before 4000-01-01"]),
    ] {
        let args = ["--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key];
        let (code, text) = run(&args, &[]).await;
        assert_eq!(code, Some(1), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(!text.contains("BEGIN") && !text.contains("ready"), "{text}");
    }
    for (args, variables, missing) in [
        (&["--tls-cert", &*cert][..], &[][..], "--tls-key"),
        (&[], &[("VISIO_TLS_KEY", &*key)], "--tls-cert"),
    ] {
        let (code, text) = run(args, variables).await;
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(missing), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_that_expires_soon_causes_a_warning() {
    let directory = Directory::new();
    let day = day_of(SystemTime::now() + Duration::from_secs(3 * 24 * 3600));
    let flags = directory.flags(&Certificate::valid((2020, 1, 1), day));
    let args: Vec<_> =
        ["--listen", "127.0.0.1:0"].into_iter().chain(flags.iter().map(|flag| &**flag)).collect();
    let program = Program::start(&args, &[]).await;
    let line = program.log.line("expires soon").await;
    let expected = format!("{:04}-{:02}-{:02}T00:00:00Z", day.0, day.1, day.2);
    assert!(line.contains("WARN") && line.contains(&expected), "{line}");
}

/// Year, month and day.
fn day_of(time: SystemTime) -> (i32, u8, u8) {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let (date, _) = text.split_once('T').expect("a date and a time");
    let mut numbers = date.split('-').map(|part| part.parse::<i32>().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    let (year, month, day) = (next(), next(), next());
    (year, u8::try_from(month).expect("a month"), u8::try_from(day).expect("a day"))
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(&["--listen", &address], &[]).await;
    assert_eq!(code, Some(1));
    assert!(text.contains(&address) && text.contains("in use"), "{text}");
}
