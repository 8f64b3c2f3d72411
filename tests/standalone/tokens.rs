//! Visit tokens on the command line: keys, `visio token`, and everything that must stay hidden.

use serde_json::{Value, json};
use tokio::process::Command;
use visio_signaling::core::Grant;
use visio_signaling::wire::{DisplayName, FromText, Role};

use super::Program;
use super::certificate::Directory;
use crate::conformance::client::Client;
use crate::conformance::request::get;
use crate::conformance::tokens::{SECRET, guest, token};

const VARIABLE: (&str, &str) = ("VISIO_JWT_SECRET", SECRET);
const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[tokio::test]
async fn visio_token_makes_tokens_that_the_server_accepts() {
    let program = Program::start(&LOOPBACK, &[VARIABLE]).await;
    let args = ["token", "--room", "visit", "--peer", "ada", "--role", "host", "--name", "Dr Ada"];
    let (code, printed, complaint) = output(&args, &[VARIABLE]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let token = printed.strip_suffix('\n').expect("one line");
    let query = format!("?token={token}");
    let mut ada = Client::connect_with(&program, &query, &[]).await.expect("a handshake");
    ada.send(json!({"type": "join"})).await;
    let joined = ada.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["role"]), (&json!("visit"), &json!("host")));
    let left = joined["expiresAt"].as_u64().expect("a time") - now();
    assert!((3_500_000..=3_600_000).contains(&left), "an hour: {left}");
}

#[tokio::test]
async fn visio_token_names_the_flag_that_it_refuses() {
    let least = ["token", "--room", "visit", "--peer", "ada"];
    for (args, variables, parts) in [
        (&least[..], &[][..], ["--jwt-secret", "required"]),
        (&least, &[("VISIO_JWT_SECRET", "too short")], ["--jwt-secret", "32 bytes"]),
        (&["token", "--peer", "ada"], &[VARIABLE], ["--room", "required"]),
        (&["token", "--room", "a/b", "--peer", "ada"], &[VARIABLE], ["--room", "1 to 128"]),
        (&[&least[..], &["--ttl", "ever"]].concat(), &[VARIABLE], ["--ttl", "such as"]),
        (&[&least[..], &["--visit-end", "x"]].concat(), &[VARIABLE], ["--visit-end", "such as"]),
        (&[&least[..], &["--role", "boss"]].concat(), &[VARIABLE], ["--role", "observer"]),
        (&[&least[..], &["--capacity", "0"]].concat(), &[VARIABLE], ["--capacity", "1..=256"]),
    ] {
        let (code, printed, complaint) = output(args, variables).await;
        assert!(code != Some(0) && printed.is_empty(), "{printed}");
        assert!(parts.iter().all(|part| complaint.contains(part)), "{complaint}");
        assert!(!complaint.contains("too short") && !complaint.contains(SECRET), "{complaint}");
    }
}

#[tokio::test]
async fn an_invalid_key_stops_the_server_at_once() {
    let directory = Directory::new();
    let rubbish = directory.write("rubbish", "a personal secret");
    for (args, variables, parts) in [
        (&[][..], &[("VISIO_JWT_SECRET", "a personal secret")][..], ["--jwt-secret", "32 bytes"]),
        (&[], &[("VISIO_JWT_SECRET", "")], ["VISIO_JWT_SECRET", "32 bytes"]),
        (&["--jwks", &rubbish], &[], ["--jwks", "JWK Set"]),
        (&["--jwt-public-key", &rubbish], &[], ["--jwt-public-key", "BEGIN PUBLIC KEY"]),
        (&["--jwt-public-key", "/nowhere"], &[], ["--jwt-public-key /nowhere", "No such file"]),
        (&["--jwks", &rubbish], &[VARIABLE], ["--jwks", "--jwt-secret"]),
        (&["--jwt-audience", "visio"], &[], ["--jwt-audience", "--jwks"]),
    ] {
        let (code, _, complaint) = output(&[&LOOPBACK, args].concat(), variables).await;
        assert_ne!(code, Some(0), "{complaint}");
        assert!(parts.iter().all(|part| complaint.contains(part)), "{complaint}");
        let shown = complaint.contains("personal") || complaint.contains(SECRET);
        assert!(!shown, "{complaint}");
    }
}

#[tokio::test]
async fn the_help_shows_no_secret() {
    for args in [&["--help"][..], &["serve", "--help"], &["token", "--help"]] {
        let (code, printed, _) = output(args, &[VARIABLE]).await;
        assert_eq!(code, Some(0));
        assert!(printed.contains("VISIO_JWT_SECRET") && !printed.contains(SECRET), "{printed}");
    }
}

#[tokio::test]
async fn with_a_key_the_server_may_listen_on_a_public_address() {
    let program = Program::start(&["--listen", "0.0.0.0:0"], &[VARIABLE]).await;
    let mut eve = Client::connect(&program).await;
    eve.send(json!({"type": "join"})).await;
    eve.expect_end("unauthorized", 4001).await;
}

#[tokio::test]
async fn keys_rotate_while_visits_go_on() {
    let directory = Directory::new();
    let set = directory.write("set.json", &set_of(&[("old", SECRET)]));
    let program = Program::start(&[&LOOPBACK[..], &["--jwks", &set]].concat(), &[]).await;
    let old = token(&guest("visit", "ada"));
    let mut ada = join(&program, &old).await;
    ada.expect("joined").await;
    directory.write("set.json", "half of a");
    program.signal("HUP");
    program.log.line("still the old ones").await;
    let mut bob = join(&program, &token(&guest("visit", "bob"))).await;
    bob.expect("joined").await;
    directory.write("set.json", &set_of(&[("new", "the next secret, of 32 bytes as well")]));
    program.signal("HUP");
    program.log.line("were read again").await;
    join(&program, &old).await.expect_end("unauthorized", 4001).await;
    ada.expect("peer_joined").await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    assert_eq!(bob.wait_for("offer").await["from"], "ada");
}

#[tokio::test]
async fn a_foreign_key_in_a_set_is_skipped_and_counted() {
    let directory = Directory::new();
    let mut set: Value = serde_json::from_str(&set_of(&[("a", SECRET)])).expect("JSON");
    let keys = set["keys"].as_array_mut().expect("keys");
    keys.insert(0, json!({"kty": "AKP", "alg": "ML-DSA-44", "n": {"odd": "key-material"}}));
    keys.push(json!({"kty": "RSA", "kid": 7, "n": "key-material"}));
    let file = directory.write("set.json", &set.to_string());
    let program = Program::start(&[&LOOPBACK[..], &["--jwks", &file]].concat(), &[]).await;
    join(&program, &token(&guest("visit", "ada"))).await.expect("joined").await;
    program.signal("HUP");
    program.log.line("were read again").await;
    program.signal("TERM");
    let (_, log) = program.end().await;
    let skipped: Vec<_> = log.iter().filter(|line| line.contains("--jwks")).collect();
    assert_eq!(skipped.len(), 2, "at the start and at the reload: {log:?}");
    assert!(skipped.iter().all(|line| line.contains(r#""skipped":2"#)), "{skipped:?}");
    assert!(!log.iter().any(|line| line.contains("key-material")), "{log:?}");
}

#[tokio::test]
async fn health_needs_no_token() {
    let program = Program::start(&LOOPBACK, &[VARIABLE]).await;
    let answer = get(&program, "/health").await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &body["checks"]["signaling_server"]), (200, &json!("operational")));
}

#[tokio::test]
async fn nothing_of_a_token_is_logged() {
    let args = [&LOOPBACK[..], &["--log", "trace"]].concat();
    let program = Program::start(&args, &[VARIABLE, ("RUST_BACKTRACE", "1")]).await;
    let grant = Grant {
        role: Role::Host,
        name: DisplayName::parse("Ada Lovelace"),
        ..guest("visit-of-ada", "ada-peer-id")
    };
    let good = token(&grant);
    let bad = format!("{good}x");
    for token in [&good, &bad] {
        let query = format!("?token={token}");
        let bearer = format!("Bearer {token}");
        let pair = format!("visio, bearer.{token}");
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", &pair)];
        let _ = Client::connect_with(&program, &query, &headers).await;
        let mut ada = join(&program, token).await;
        ada.expect(if *token == good { "joined" } else { "error" }).await;
    }
    get(&program, "/health").await;
    program.signal("TERM");
    let (code, lines) = program.end().await;
    assert_eq!(code, Some(0));
    let parts: Vec<&str> = good.split('.').collect();
    let secrets = [SECRET, "Ada Lovelace", "ada-peer-id", "visit-of-ada"];
    for personal in secrets.into_iter().chain(parts) {
        let found = lines.iter().find(|line| line.contains(personal));
        assert_eq!(found, None, "{personal}");
    }
}

async fn join(program: &Program, token: &str) -> Client {
    let mut client = Client::connect(program).await;
    client.send(json!({"type": "join", "token": token})).await;
    client
}

/// A JWK Set of these named secrets.
pub(super) fn set_of(secrets: &[(&str, &str)]) -> String {
    let encoded = |secret: &str| data_encoding::BASE64URL_NOPAD.encode(secret.as_bytes());
    let key =
        |(kid, secret): &(&str, &str)| json!({"kty": "oct", "kid": kid, "k": encoded(secret)});
    json!({"keys": secrets.iter().map(key).collect::<Vec<_>>()}).to_string()
}

/// Runs it to its end; returns the exit code, its standard output, and its standard error.
async fn output(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visio"));
    command.args(args).env_remove("PORT").envs(variables.iter().copied()).kill_on_drop(true);
    let output = command.output().await.expect("the program starts");
    let [printed, complaint] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    (output.status.code(), printed, complaint)
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.expect("a clock").as_millis()).expect("a time")
}
