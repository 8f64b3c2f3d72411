//! Makes a visit token as a backend in Rust would: `cargo run --example mint -- '{"sub": "anna"}'`.
//!
//! The secret is in `VISIO_JWT_SECRET`. The function is in `docs/client.md`, too; a test compares.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde_json::{Map, Value};

fn visit_token(secret: &str, claims: &Map<String, Value>) -> String {
    let part = |data: &[u8]| BASE64URL_NOPAD.encode(data);
    let claims = Value::Object(claims.clone()).to_string();
    let text = format!("{}.{}", part(br#"{"alg":"HS256","typ":"JWT"}"#), part(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", part(signature.as_ref()))
}

fn main() -> anyhow::Result<()> {
    let secret = std::env::var("VISIO_JWT_SECRET")?;
    let claims = std::env::args().nth(1).unwrap_or_default();
    println!("{}", visit_token(&secret, &serde_json::from_str(&claims)?));
    Ok(())
}
