//! Arbitrary tokens and keys: nothing panics, only signed tokens are valid, and grants can be
//! serialized and read back. The first byte selects the entry point.
#![no_main]

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use ring::hmac;
use visio_signaling::token::{Keys, mint};
use visio_signaling::wire::{Timestamp, Token};

const SECRET: &str = "a secret of tests that has 32 bytes or more";
const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A secret, and public keys whose private half nobody has.
static KEYS: LazyLock<[Keys; 4]> = LazyLock::new(|| {
    [
        Keys::from_secret(SECRET),
        Keys::from_pem(include_str!("../../tests/core/tokens/rsa.pem")),
        Keys::from_pem(include_str!("../../tests/core/tokens/p256.pem")),
        Keys::from_jwks(include_str!("../../tests/core/tokens/keys.json")),
    ]
    .map(|keys| keys.expect("good keys"))
});

fuzz_target!(|input: (u8, &str)| {
    let (door, text) = input;
    match door % 4 {
        0 => unsigned(text),
        1 => signed(text),
        2 => drop(Keys::from_pem(text)),
        _ => set_of_keys(text),
    }
});

/// Nobody can guess a signature.
fn unsigned(text: &str) {
    let token = Token::new(text);
    for keys in &*KEYS {
        let _ = keys.verify(&token, Some("visio"), NOW).expect_err("nobody signed this");
    }
}

/// Header and claims, line by line, with a valid signature.
fn signed(text: &str) {
    let (header, claims) = text.split_once('\n').unwrap_or((r#"{"alg":"HS256"}"#, text));
    let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = BASE64URL_NOPAD.encode(hmac::sign(&key, message.as_bytes()).as_ref());
    let token = Token::new(format!("{message}.{signature}"));
    for audience in [None, Some("visio")] {
        let Ok(mut grant) = KEYS[0].verify(&token, audience, NOW) else { continue };
        let whole_seconds = |time: Timestamp| Timestamp(time.0 / 1000 * 1000);
        grant.expires_at = whole_seconds(grant.expires_at);
        grant.visit_end = grant.visit_end.map(whole_seconds);
        let again = mint(SECRET, &grant, audience).expect("a long secret");
        let then = Timestamp(grant.expires_at.0.min(NOW.0));
        assert_eq!(KEYS[0].verify(&again, audience, then), Ok(grant));
    }
}

/// A set that is accepted accepts no token without a signature.
fn set_of_keys(text: &str) {
    let Ok(keys) = Keys::from_jwks(text) else { return };
    for token in ["e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"] {
        let _ = keys.verify(&Token::new(token), None, NOW).expect_err("nobody signed this");
    }
}
