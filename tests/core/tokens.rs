//! Tokens made by other libraries: jose and jsonwebtoken (Node), PyJWT, golang-jwt.

use serde::Deserialize;
use visio_signaling::core::Grant;
use visio_signaling::token::{Keys, Refused};
use visio_signaling::wire::{DisplayName, FromText, Role, Timestamp, Token};

use super::{peer, room_id};

const MADE_ELSEWHERE: &str = include_str!("tokens/made_elsewhere.jsonl");
const PUBLIC_KEYS: [(&str, &str); 3] = [
    ("rsa.pem", include_str!("tokens/rsa.pem")),
    ("p256.pem", include_str!("tokens/p256.pem")),
    ("ed25519.pem", include_str!("tokens/ed25519.pem")),
];
const SET: &str = include_str!("tokens/keys.json");
const SECRET: &str = "a secret of tests that has 32 bytes or more";
const NOW: Timestamp = Timestamp(1_800_000_000_000);

#[derive(Deserialize)]
struct Row {
    by: String,
    key: String,
    token: String,
}

#[test]
fn tokens_from_other_libraries_are_accepted() {
    for Row { by, key, token } in rows() {
        assert_eq!(keys(&key).verify(&Token::new(token), None, NOW), Ok(granted()), "{by}, {key}");
    }
}

#[test]
fn a_key_set_accepts_tokens_by_the_names_of_their_keys() {
    let set = Keys::from_jwks(SET).unwrap();
    for Row { by, key, token } in rows().filter(|row| row.key != "secret") {
        assert_eq!(set.verify(&Token::new(token), None, NOW), Ok(granted()), "{by}, {key}");
    }
}

#[test]
fn no_key_accepts_the_tokens_of_another() {
    for Row { by, key, token } in rows() {
        let others = ["secret", "rsa.pem", "p256.pem", "ed25519.pem"].into_iter();
        for other in others.filter(|other| *other != key) {
            let verdict = keys(other).verify(&Token::new(token.clone()), None, NOW);
            let by_alg = matches!(verdict, Err(Refused::Header { field: "alg", .. }));
            assert!(by_alg, "{by}, {key}, {other}: {verdict:?}");
        }
    }
}

fn rows() -> impl Iterator<Item = Row> {
    MADE_ELSEWHERE.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn keys(name: &str) -> Keys {
    match PUBLIC_KEYS.iter().find(|(known, _)| *known == name) {
        Some((_, pem)) => Keys::from_pem(pem).unwrap(),
        None => Keys::from_secret(SECRET).unwrap(),
    }
}

fn granted() -> Grant {
    Grant {
        subject: peer("dr-ada"),
        room: room_id("visit-42"),
        role: Role::Host,
        name: DisplayName::parse("Dr Ada"),
        relay_only: false,
        lobby: false,
        capacity: Some(3),
        expires_at: Timestamp(4_102_444_800_000),
        visit_end: Some(Timestamp(4_102_441_200_000)),
        readmitted_at: None,
    }
}
