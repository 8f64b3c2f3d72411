//! A public key from a PEM file (RFC 7468, section 13). It parses SubjectPublicKeyInfo (RFC 5280,
//! section 4.1.2.7), but only as much of it as is needed here.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{SubjectPublicKeyInfoDer, alg_id};

use super::key::{BadKey, Key};

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// The key in the text of a PEM file.
pub(super) fn key(text: &str) -> Result<Key, BadKey> {
    let found = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
    let der = found.map_err(|_| BadKey::new(instead_of(text)))?;
    spki(&der).unwrap_or_else(|| {
        Err(BadKey::new("a public key for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519)"))
    })
}

/// Says what was expected instead of a file without a public key, and how to get it.
fn instead_of(text: &str) -> &'static str {
    if text.contains("PRIVATE KEY-----") {
        "a public key, not a private one; the private key stays where the tokens are made; \
         `openssl pkey -in PRIVATE -pubout` prints the public key"
    } else if text.contains("BEGIN CERTIFICATE-----") {
        "a public key, not a certificate: `openssl x509 -in CERTIFICATE -noout -pubkey` prints it"
    } else if text.contains("BEGIN RSA PUBLIC KEY-----") {
        "a public key that begins with `-----BEGIN PUBLIC KEY-----`: \
         `openssl rsa -RSAPublicKey_in -in FILE -pubout` prints it"
    } else {
        "a public key in PEM, which begins with `-----BEGIN PUBLIC KEY-----`"
    }
}

/// The key in a SubjectPublicKeyInfo; `None` if its kind is unknown.
fn spki(der: &[u8]) -> Option<Result<Key, BadKey>> {
    let mut info = only(der, SEQUENCE)?;
    let algorithm = take(&mut info, SEQUENCE)?;
    let (unused_bits, bits) = only(info, BIT_STRING)?.split_first()?;
    if *unused_bits != 0 {
        return None;
    }
    if algorithm == alg_id::RSA_ENCRYPTION.as_ref() {
        let mut numbers = only(bits, SEQUENCE)?;
        let n = take(&mut numbers, INTEGER)?;
        Some(Key::rsa(n, only(numbers, INTEGER)?))
    } else if algorithm == alg_id::ECDSA_P256.as_ref() {
        Some(Key::p256(bits))
    } else if algorithm == alg_id::ED25519.as_ref() {
        Some(Key::ed25519(bits))
    } else {
        None
    }
}

/// The content of a DER value with this tag, if `input` is exactly one such value.
fn only(mut input: &[u8], tag: u8) -> Option<&[u8]> {
    let held = take(&mut input, tag)?;
    input.is_empty().then_some(held)
}

/// Takes a DER value with this tag from the front of `input` and returns its content (X.690,
/// section 8.1).
fn take<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (length, rest) = match **input {
        [first, short @ 0..=0x7f, ref rest @ ..] if first == tag => (usize::from(short), rest),
        [first, 0x81, byte, ref rest @ ..] if first == tag => (usize::from(byte), rest),
        [first, 0x82, high, low, ref rest @ ..] if first == tag => {
            (usize::from(u16::from_be_bytes([high, low])), rest)
        }
        _ => return None,
    };
    let (held, after) = rest.split_at_checked(length)?;
    *input = after;
    Some(held)
}
