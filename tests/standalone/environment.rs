//! Variables that are set but empty, as templates make them from settings that nobody filled in.

use serde_json::Value;

use super::{Program, run};
use crate::conformance::client::Client;
use crate::conformance::request::get;

/// Those that count as not set.
const HARMLESS: [&str; 31] = [
    "PORT",
    "VISIO_BYTE_BURST",
    "VISIO_BYTE_RATE",
    "VISIO_CONNECTION_RATE",
    "VISIO_DRAIN_SECONDS",
    "VISIO_FRAME_ANCESTOR",
    "VISIO_GRACE_SECONDS",
    "VISIO_HEARTBEAT_SECONDS",
    "VISIO_LISTEN",
    "VISIO_LOG",
    "VISIO_LOG_FORMAT",
    "VISIO_MAX_CONNECTIONS",
    "VISIO_MAX_CONNECTIONS_PER_IP",
    "VISIO_MAX_MESSAGE_BYTES",
    "VISIO_MAX_PEERS_PER_ROOM",
    "VISIO_MESSAGE_BURST",
    "VISIO_MESSAGE_RATE",
    "VISIO_METRICS_LISTEN",
    "VISIO_OPEN",
    "VISIO_PAGE_COLOR",
    "VISIO_PAGE_LOGO",
    "VISIO_PAGE_NAME",
    "VISIO_REGION",
    "VISIO_SERVICE_NAME",
    "VISIO_STUN_URL",
    "VISIO_TRUSTED_PROXY",
    "VISIO_TURN_CREDENTIAL",
    "VISIO_TURN_SECRET",
    "VISIO_TURN_TTL_SECONDS",
    "VISIO_TURN_URL",
    "VISIO_TURN_USERNAME",
];
/// Those that would silently switch off a protection.
const GUARDS: [(&str, &str); 8] = [
    ("VISIO_RELAY_ONLY", "--relay-only"),
    ("VISIO_ALLOWED_ORIGIN", "--allowed-origin"),
    ("VISIO_AUDIT", "--audit"),
    ("VISIO_JWKS", "--jwks"),
    ("VISIO_JWT_AUDIENCE", "--jwt-audience"),
    ("VISIO_JWT_PUBLIC_KEY", "--jwt-public-key"),
    ("VISIO_JWT_SECRET", "--jwt-secret"),
    ("VISIO_TLS_CERT", "--tls-cert"),
];

#[tokio::test]
async fn an_empty_variable_counts_as_not_set() {
    let variables = HARMLESS.map(|name| (name, ""));
    let program = Program::start(&["--listen", "127.0.0.1:0"], &variables).await;
    let ready = program.log.line("ready").await;
    assert!(ready.contains("INFO"), "{ready}");
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["heartbeatSeconds"], 25);
    let health: Value = get(&program, "/health").await.json();
    assert_eq!([&health["region"], &health["service"]], ["local", "visio-conference"]);
}

#[tokio::test]
async fn an_empty_address_counts_as_not_set() {
    let variables = [("VISIO_LISTEN", ""), ("PORT", "")];
    let (code, said) = run(&["--jwks", "/nowhere"], &variables).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--jwks /nowhere"), "{said}");
}

#[tokio::test]
async fn an_empty_variable_that_would_switch_off_a_protection_is_refused() {
    let tls_key = ("VISIO_TLS_KEY", "--tls-key");
    for (variable, flag) in GUARDS.into_iter().chain([tls_key]) {
        let (code, said) = run(&["--listen", "127.0.0.1:0"], &[(variable, "")]).await;
        assert!(code.is_some_and(|code| code != 0), "{variable}: {said}");
        assert!(said.contains(flag) && !said.contains("ready"), "{variable}: {said}");
    }
}

#[tokio::test]
async fn an_empty_filter_on_the_command_line_is_refused() {
    let (code, said) = run(&["--log", ""], &[]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--log"), "{said}");
}

/// This makes sure that a new flag is considered here.
#[tokio::test]
async fn every_variable_is_of_one_kind_or_the_other() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_visio")).arg("--help").output();
    let help = String::from_utf8(help.expect("the program starts").stdout).expect("text");
    let named = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    let guards = GUARDS.map(|(name, _)| name);
    let mut count = 0;
    for name in named {
        count += 1;
        let known = HARMLESS.contains(&name) || guards.contains(&name) || name == "VISIO_TLS_KEY";
        assert!(known, "{name}");
    }
    assert!(count >= 20, "{help}");
}
