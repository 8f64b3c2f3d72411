//! Tables of valid and invalid keys. The signatures that a key verifies show whether it was parsed
//! correctly.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::super::mint::signed;
use super::verify_tests::{NOW, RSA, SECRET, refused_claim, refused_header, verify};
use super::*;

const P256: &str = include_str!("../../tests/core/tokens/p256.pem");
const ED25519_PEM: &str = include_str!("../../tests/core/tokens/ed25519.pem");
const SET: &str = include_str!("../../tests/core/tokens/keys.json");

/// RFC 7515, appendices A.1 to A.3, and RFC 8037, appendix A.4. The signatures are valid, but the
/// claims are not those of a visit token.
#[test]
fn the_signatures_of_the_rfc_examples_are_valid() {
    const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvb\
        S9pc19yb290Ijp0cnVlfQ";
    let rows = [
        (
            json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN\
                3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}),
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            JOE,
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l\
                8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b\
                32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa\
                2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9\
                iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}),
            "eyJhbGciOiJSUzI1NiJ9",
            JOE,
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O\
                8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIA\
                RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOP\
                qvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe\
                77Rw",
        ),
        (
            json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            "eyJhbGciOiJFUzI1NiJ9",
            JOE,
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ];
    for (key, header, payload, signature) in rows {
        let keys = Keys::from_jwks(&json!({"keys": [key]}).to_string()).unwrap();
        let verdict = verify(&keys, &format!("{header}.{payload}.{signature}"));
        let stranger = payload != JOE;
        match verdict {
            Err(Refused::Part("claims")) if stranger => {}
            other => assert_eq!(refused_claim(other), "exp", "{header}"),
        }
        let (other_payload, other_signature) = (one_bit_off(payload), one_bit_off(signature));
        for changed in [
            format!("{header}.{other_payload}.{signature}"),
            format!("{header}.{payload}.{other_signature}"),
        ] {
            assert_eq!(verify(&keys, &changed), Err(Refused::Signature));
        }
    }
}

fn one_bit_off(part: &str) -> String {
    let mut bytes = BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
    bytes[7] ^= 1;
    BASE64URL_NOPAD.encode(&bytes)
}

#[test]
fn a_set_is_searched_by_name() {
    let secrets = ["the secret of last month, 32 bytes", "the secret of this month, 32 bytes"];
    let oct = |kid: &str, secret: &str| {
        let encoded = BASE64URL_NOPAD.encode(secret.as_bytes());
        json!({"kty": "oct", "kid": kid, "k": encoded})
    };
    let set = json!({"keys": [oct("old", secrets[0]), oct("new", secrets[1])]}).to_string();
    let keys = Keys::from_jwks(&set).unwrap();
    let claims = json!({"sub": "ada", "room": "visit", "exp": NOW + 60}).to_string();
    let by = |kid: Value, secret: &str| {
        let mut header = json!({"alg": "HS256"});
        if !kid.is_null() {
            header["kid"] = kid;
        }
        verify(&keys, &signed(secret, &header.to_string(), &claims))
    };
    assert!(by(json!("old"), secrets[0]).is_ok());
    assert!(by(json!("new"), secrets[1]).is_ok());
    assert_eq!(by(json!("new"), secrets[0]), Err(Refused::Signature));
    assert_eq!(refused_header(by(json!("newer"), secrets[1])), "kid");
    assert_eq!(refused_header(by(json!(""), secrets[1])), "kid");
    assert_eq!(refused_header(by(Value::Null, secrets[1])), "kid", "two keys fit");
    let rsa = signed(secrets[1], r#"{"alg":"RS256","kid":"new"}"#, &claims);
    assert_eq!(refused_header(verify(&keys, &rsa)), "alg");
}

#[test]
fn a_token_that_names_no_key_is_verified_if_only_one_key_fits() {
    let keys = Keys::from_jwks(SET).unwrap();
    let claims = json!({"sub": "ada", "room": "visit", "exp": NOW + 60}).to_string();
    let verdict =
        |alg: &str| verify(&keys, &signed(SECRET, &json!({"alg": alg}).to_string(), &claims));
    for alg in ["RS256", "ES256", "EdDSA", "Ed25519"] {
        assert_eq!(verdict(alg), Err(Refused::Signature), "{alg}: a key was found");
    }
    for alg in ["HS256", "none", "ES384"] {
        assert_eq!(refused_header(verdict(alg)), "alg");
    }
}

#[test]
fn two_keys_with_one_name_are_told_apart_by_their_algorithm() {
    let set = SET.replace("2026-p256", "2026-rsa");
    assert!(Keys::from_jwks(&set).is_ok());
    let twice: Value = serde_json::from_str(SET).unwrap();
    let twice = json!({"keys": [twice["keys"][0], twice["keys"][0]]}).to_string();
    let expected = Keys::from_jwks(&twice).unwrap_err().to_string();
    assert!(expected.contains("`kid`"), "{expected}");
}

#[test]
fn keys_of_a_set_that_are_for_something_else_are_skipped() {
    let set: Value = serde_json::from_str(SET).unwrap();
    let good = &set["keys"][2];
    let with = |field: &str, value: Value| {
        let mut key = set["keys"][1].clone();
        key[field] = value;
        json!({"keys": [good, key]}).to_string()
    };
    for (field, value) in [
        ("kty", json!("quantum")),
        ("crv", json!("P-384")),
        ("use", json!("enc")),
        ("key_ops", json!(["deriveKey"])),
        ("alg", json!("ECDH-ES")),
    ] {
        let keys = Keys::from_jwks(&with(field, value)).unwrap();
        assert_eq!(format!("{keys:?}"), r#"Keys(["EdDSA"])"#, "{field}");
    }
    for (field, value) in [("key_ops", json!(["verify"])), ("x5c", json!(["MII"]))] {
        let keys = Keys::from_jwks(&with(field, value)).unwrap();
        assert_eq!(format!("{keys:?}"), r#"Keys(["EdDSA", "ES256"])"#, "{field}");
    }
    let expected = Keys::from_jwks(&with("d", json!("AAAA"))).unwrap_err().to_string();
    assert!(expected.contains("key 2") && expected.contains("private"), "{expected}");
}

/// RFC 7517, section 5. Wherever such a key is in the set, it does not affect the others.
#[test]
fn a_key_that_cannot_be_used_is_skipped_and_counted() {
    let set: Value = serde_json::from_str(SET).unwrap();
    let good = set["keys"].as_array().unwrap();
    let of_p256 = |field: &str, value: Value| {
        let mut key = good[1].clone();
        key[field] = value;
        key.to_string()
    };
    for odd in [
        "7",
        "null",
        r#""key""#,
        "[]",
        r#"["EC", "kid"]"#,
        "{}",
        r#"{"kid": "no kind"}"#,
        r#"{"kty": 7}"#,
        r#"{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "n": 7, "key_ops": "verify"}"#,
        r#"{"kty": "oct", "kty": "oct"}"#,
        r#"{"kty": "oct", "k": "c2hvcnQ"}"#,
        r#"{"kty": "RSA", "e": "AQAB"}"#,
        r#"{"kty": "RSA", "n": "AQAB", "e": "AQAB"}"#,
        &of_p256("kid", json!(7)),
        &of_p256("use", json!(["sig"])),
        &of_p256("key_ops", json!("verify")),
        &of_p256("key_ops", json!([7])),
        &of_p256("alg", json!({})),
        &of_p256("crv", json!(256)),
        &of_p256("x", json!("A+/=")),
        &of_p256("x", json!(null)),
        &of_p256("y", json!("AAAA")),
    ] {
        for at in 0..=good.len() {
            let mut texts: Vec<String> = good.iter().map(Value::to_string).collect();
            texts.insert(at, odd.to_owned());
            let keys = Keys::from_jwks(&format!(r#"{{"keys":[{}]}}"#, texts.join(",")));
            let keys = keys.unwrap_or_else(|bad| panic!("{odd}: {bad}"));
            assert_eq!(format!("{keys:?}"), format!("{:?}", Keys::from_jwks(SET).unwrap()));
            let skipped = keys.skipped().unwrap();
            assert_eq!((skipped.count, skipped.nth), (1, at + 1), "{odd}");
        }
    }
    assert_eq!(Keys::from_jwks(SET).unwrap().skipped(), None);
}

#[test]
fn a_field_that_is_not_used_for_a_kind_of_key_may_hold_anything() {
    let mut set: Value = serde_json::from_str(SET).unwrap();
    for (nth, field) in [(0, "x"), (1, "n"), (2, "y"), (2, "k"), (0, "crv")] {
        set["keys"][nth][field] = json!({"odd": [7]});
    }
    assert_eq!(Keys::from_jwks(&set.to_string()).unwrap().skipped(), None);
}

#[test]
fn an_invalid_set_of_keys_is_refused() {
    let short = BASE64URL_NOPAD.encode(&[7; 31]);
    for (text, part) in [
        ("", "JWK Set"),
        ("{}", "JWK Set"),
        ("[]", "JWK Set"),
        (r#"{"keys":7}"#, "line 1"),
        (r#"{"keys":[]}"#, "a key for RS256, ES256, EdDSA or HS256 in the set, which is empty"),
        (r#"{"keys":[{"kty":"EC","crv":"P-521"}]}"#, "a key for RS256"),
        (r#"{"keys":[{"kid":"x"}]}"#, "`kty`"),
        (
            r#"{"keys":[7,{"kty":"oct"}]}"#,
            "none of its 2 keys can be used; key 1: expected an object",
        ),
        (RSA, "JWK Set"),
        (r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, "2048"),
        (r#"{"keys":[{"kty":"RSA","e":"AQAB"}]}"#, "`n`"),
        (&format!(r#"{{"keys":[{{"kty":"oct","k":"{short}"}}]}}"#), "32 bytes"),
    ] {
        let expected = Keys::from_jwks(text).unwrap_err().to_string();
        assert!(expected.contains(part), "{text}: {expected}");
        assert!(!expected.contains(&short), "{expected}");
    }
}

#[test]
fn only_known_kinds_of_keys_are_read_from_a_pem() {
    for (pem, algorithm) in [(RSA, "RS256"), (P256, "ES256"), (ED25519_PEM, "EdDSA")] {
        let keys = Keys::from_pem(pem).unwrap();
        assert_eq!(format!("{keys:?}"), format!("Keys([{algorithm:?}])"));
        let crlf = format!("Made for tests\r\n{}", pem.replace('\n', "\r\n"));
        assert!(Keys::from_pem(&crlf).is_ok());
    }
    let block = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    // A valid key for an unsupported curve, and a key that is too small.
    let p384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEHbDzjedMGPOtlThXxvDp+9FRNgoA2pxcZWGBsbWKJC35C+Bh\
        CFf5R8CnVp7Pj0+v83D1Br8ao25/TXd6Q/vV3UO8XhBpbY82QVVm3cJrVPq8gpC3c5L/LP7bkODHoQJI";
    let rsa_1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDk0vJrEIHxonRxXAOoBcuqmmNPL7QvZwf2JF88wuge\
        40WHkpDAhTMuRwH3HFf7k95cRqwI6rQ4SNh+vvFq5Dok3J3SMs+wmoXmMghPL5Gsx21H6LwYq9mw6nuF\
        8+aBi1vybA5jS/or4vvieq7bbk/oNWOyVQ/UIMEqvjW+hGgGpQIDAQAB";
    for (text, part) in [
        (String::new(), "BEGIN PUBLIC KEY"),
        ("a secret".into(), "BEGIN PUBLIC KEY"),
        (block("PRIVATE KEY", "AAAA"), "not a private one"),
        (block("RSA PRIVATE KEY", "AAAA"), "not a private one"),
        (block("EC PRIVATE KEY", "AAAA"), "not a private one"),
        (block("CERTIFICATE", "AAAA"), "not a certificate"),
        (block("RSA PUBLIC KEY", "AAAA"), "openssl rsa"),
        (block("PUBLIC KEY", "AAAA"), "RS256 (RSA)"),
        (block("PUBLIC KEY", "!!!!"), "BEGIN PUBLIC KEY"),
        (block("PUBLIC KEY", p384), "RS256 (RSA)"),
        (block("PUBLIC KEY", rsa_1024), "2048"),
        (RSA.replace("-----END", "AAAA\n-----END"), "RS256 (RSA)"),
    ] {
        let expected = Keys::from_pem(&text).unwrap_err().to_string();
        assert!(expected.contains(part), "{text}: {expected}");
    }
}

#[test]
fn a_secret_must_be_long_and_must_not_be_a_pem() {
    for (secret, part) in [
        ("", "32 bytes"),
        ("thirty-one bytes are not enough", "32 bytes"),
        (&format!("{SECRET}\n"), "white space"),
        (&format!(" {SECRET}"), "white space"),
        (P256, "not a PEM"),
    ] {
        let expected = Keys::from_secret(secret).unwrap_err().to_string();
        assert!(expected.contains(part), "{expected}");
    }
    let printed = format!("{:?}", Keys::from_secret(SECRET).unwrap());
    assert_eq!(printed, r#"Keys(["HS256"])"#);
}
