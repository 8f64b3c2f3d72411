//! Tables: this token, by this key, at this time. Tokens of other people's libraries are in
//! `tests/core/tokens`.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::super::mint::signed;
use super::*;
use crate::wire::{DisplayName, FromText, PeerId, Role, RoomId};

const SECRET: &str = "a secret of tests that has 32 bytes or more";
const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// In seconds.
const NOW: u64 = 1_800_000_000;

const RSA: &str = include_str!("../../tests/core/tokens/rsa.pem");
const P256: &str = include_str!("../../tests/core/tokens/p256.pem");
const ED25519_PEM: &str = include_str!("../../tests/core/tokens/ed25519.pem");
const SET: &str = include_str!("../../tests/core/tokens/keys.json");

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1000)
}

fn verify(keys: &Keys, token: &str) -> Result<Grant, Refused> {
    keys.verify(&Token::new(token), None, at(NOW))
}

/// The verdict on claims as they are written, rightly signed.
fn claims(text: &str) -> Result<Grant, Refused> {
    verify(&Keys::from_secret(SECRET).unwrap(), &signed(SECRET, HS256, text))
}

/// The verdict on good claims but for these.
fn but(changes: Value) -> Result<Grant, Refused> {
    let mut all = json!({"sub": "ada", "room": "visit", "exp": NOW + 60});
    let Value::Object(changes) = changes else { panic!("expected an object") };
    all.as_object_mut().unwrap().extend(changes);
    claims(&all.to_string())
}

fn header(text: &str) -> Result<Grant, Refused> {
    let claims = json!({"sub": "ada", "room": "visit", "exp": NOW + 60}).to_string();
    verify(&Keys::from_secret(SECRET).unwrap(), &signed(SECRET, text, &claims))
}

fn refused_claim(verdict: Result<Grant, Refused>) -> &'static str {
    match verdict {
        Err(Refused::Claim { claim, .. }) => claim,
        other => panic!("expected a claim to be refused, got {other:?}"),
    }
}

fn refused_header(verdict: Result<Grant, Refused>) -> &'static str {
    match verdict {
        Err(Refused::Header { field, .. }) => field,
        other => panic!("expected a header to be refused, got {other:?}"),
    }
}

#[test]
fn every_claim_finds_its_place() {
    let granted = but(json!({
        "role": "host", "name": "Dr Ada", "lobby": true, "capacity": 3, "visitEnd": NOW + 30,
        "nbf": NOW - 1, "iat": "whatever", "iss": 7, "jti": null, "clinic": {"deep": [1]},
    }));
    let expected = Grant {
        subject: PeerId::parse("ada").unwrap(),
        room: RoomId::parse("visit").unwrap(),
        role: Role::Host,
        name: DisplayName::parse("Dr Ada"),
        lobby: true,
        capacity: Some(3),
        expires_at: at(NOW + 60),
        visit_end: Some(at(NOW + 30)),
    };
    assert_eq!(granted, Ok(expected));
}

#[test]
fn what_is_left_out_has_a_default() {
    let granted = but(json!({})).unwrap();
    assert_eq!((granted.role, granted.name, granted.lobby), (Role::Guest, None, false));
    assert_eq!((granted.capacity, granted.visit_end), (None, None));
}

#[test]
fn every_role_is_known() {
    for (name, role) in [
        ("host", Role::Host),
        ("guest", Role::Guest),
        ("observer", Role::Observer),
        ("admin", Role::Admin),
    ] {
        assert_eq!(but(json!({"role": name})).unwrap().role, role);
    }
}

#[test]
fn a_bad_claim_is_refused_by_name() {
    for (claim, bad) in [
        ("sub", json!([null, 7, "", "a b", "x".repeat(129), ["ada"]])),
        ("room", json!([null, true, "", "a/b", {"id": "visit"}])),
        ("role", json!([null, 1, "", "Host", "doctor", ["host"], {"host": null}])),
        ("name", json!([null, 5, "x".repeat(129), "Ada\u{7}"])),
        ("exp", json!([null, "1900000000", -1, [NOW], true, 1.8e12, 1e300])),
        ("nbf", json!([null, "0", -1, {}, false, 1.8e12])),
        ("lobby", json!([null, "true", 1, 0, []])),
        ("capacity", json!([null, 0, 1001, -1, 2.5, 70000, "3"])),
        ("visitEnd", json!([null, "2026-11-20T10:00:00Z", -5, [], 1.8e12])),
        ("aud", json!([null, 7, [7], {}])),
    ] {
        for value in bad.as_array().unwrap() {
            assert_eq!(refused_claim(but(json!({ claim: value }))), claim, "{value}");
        }
    }
}

#[test]
fn what_must_be_there_must_be_there() {
    for (missing, text) in [
        ("exp", r#"{"sub":"ada","room":"visit"}"#),
        ("sub", r#"{"room":"visit","exp":1800000060}"#),
        ("room", r#"{"sub":"ada","exp":1800000060}"#),
    ] {
        assert_eq!(refused_claim(claims(text)), missing);
    }
}

#[test]
fn clocks_may_be_a_minute_apart() {
    for (exp, good) in
        [(NOW + 1, true), (NOW, true), (NOW - 59, true), (NOW - 60, false), (0, false)]
    {
        let verdict = but(json!({"exp": exp}));
        assert_eq!(verdict.is_ok(), good, "{exp}");
        assert!(good || refused_claim(verdict) == "exp");
    }
    for (nbf, good) in [(0, true), (NOW + 60, true), (NOW + 61, false), (NOW + 9999, false)] {
        let verdict = but(json!({"nbf": nbf}));
        assert_eq!(verdict.is_ok(), good, "{nbf}");
        assert!(good || refused_claim(verdict) == "nbf");
    }
}

#[test]
fn seconds_may_have_a_fraction() {
    let granted = but(json!({"exp": NOW as f64 + 0.25})).unwrap();
    assert_eq!(granted.expires_at, Timestamp(NOW * 1000 + 250));
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    for twice in [
        r#""room":"other""#,
        r#""r\u006fom":"other""#,
        r#""sub":"ada""#,
        r#""exp":1900000000"#,
        r#""role":"guest","role":"host""#,
        r#""visitEnd":1,"visitEnd":2"#,
    ] {
        let text = format!(r#"{{"sub":"ada","room":"visit","exp":1800000060,{twice}}}"#);
        assert_eq!(claims(&text), Err(Refused::Part("claims")), "{twice}");
    }
}

#[test]
fn claims_are_one_object() {
    for text in ["", "null", "[]", "7", "{", r#"{"sub":"ada"}{}"#, r#"["ada","visit"]"#] {
        assert_eq!(claims(text), Err(Refused::Part("claims")), "{text}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    assert_eq!(refused_claim(claims(&deep)), "exp");
}

#[test]
fn who_is_meant_must_be_who_is_asked() {
    let keys = Keys::from_secret(SECRET).unwrap();
    let asked = |aud: Option<Value>, own: Option<&str>| {
        let mut all = json!({"sub": "ada", "room": "visit", "exp": NOW + 60});
        all["aud"] = aud.clone().unwrap_or_default();
        if aud.is_none() {
            all.as_object_mut().unwrap().remove("aud");
        }
        keys.verify(&Token::new(signed(SECRET, HS256, &all.to_string())), own, at(NOW))
    };
    for good in [json!("visio"), json!(["other", "visio"])] {
        assert!(asked(Some(good), Some("visio")).is_ok());
    }
    assert!(asked(None, None).is_ok());
    for bad in [json!("other"), json!("Visio"), json!([]), json!(["visio2"]), json!(["visio", 7])] {
        assert_eq!(refused_claim(asked(Some(bad), Some("visio"))), "aud");
    }
    assert_eq!(refused_claim(asked(None, Some("visio"))), "aud");
    assert_eq!(refused_claim(asked(Some(json!("visio")), None)), "aud");
}

#[test]
fn the_key_decides_the_algorithm() {
    for alg in ["none", "None", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256"] {
        assert_eq!(refused_header(header(&json!({"alg": alg}).to_string())), "alg", "{alg}");
    }
    for text in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"typ":"JWT"}"#] {
        assert_eq!(refused_header(header(text)), "alg", "{text}");
    }
    // What is not signed at all has no third part, or an empty one.
    let unsigned = |alg: &str| {
        let parts = [format!(r#"{{"alg":"{alg}"}}"#), r#"{"sub":"ada"}"#.into()];
        parts.map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".") + "."
    };
    let keys = Keys::from_secret(SECRET).unwrap();
    assert_eq!(refused_header(verify(&keys, &unsigned("none"))), "alg");
    assert_eq!(verify(&keys, &unsigned("HS256")), Err(Refused::Signature));
}

#[test]
fn a_public_key_is_no_secret() {
    let keys = Keys::from_pem(RSA).unwrap();
    let claims = json!({"sub": "ada", "room": "visit", "role": "admin", "exp": NOW + 60});
    for alg in ["HS256", "RS256"] {
        let header = json!({"alg": alg}).to_string();
        let verdict = verify(&keys, &signed(RSA, &header, &claims.to_string()));
        match alg {
            "HS256" => assert_eq!(refused_header(verdict), "alg"),
            _ => assert_eq!(verdict, Err(Refused::Signature)),
        }
    }
    let expected = Keys::from_secret(RSA).unwrap_err().to_string();
    assert!(expected.contains("--jwt-public-key"), "{expected}");
}

#[test]
fn a_header_is_one_object_without_extensions() {
    assert_eq!(refused_header(header(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#)), "crit");
    assert_eq!(refused_header(header(r#"{"alg":"HS256","crit":[]}"#)), "crit");
    assert_eq!(refused_header(header(r#"{"alg":"HS256","crit":null}"#)), "crit");
    assert_eq!(refused_header(header(r#"{"alg":"HS256","kid":7}"#)), "kid");
    for text in
        ["", "[]", r#"{"alg":"HS256","alg":"HS256"}"#, r#"{"alg":"HS256","\u0061lg":"none"}"#]
    {
        assert_eq!(header(text), Err(Refused::Part("header")), "{text}");
    }
    for text in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"any","jku":"https://evil.example","jwk":{"kty":"oct","k":"AA"}}"#,
    ] {
        assert!(header(text).is_ok(), "{text}");
    }
}

#[test]
fn a_token_has_three_parts_of_base64url() {
    let keys = Keys::from_secret(SECRET).unwrap();
    let good = signed(SECRET, HS256, r#"{"sub":"ada","room":"visit","exp":1800000060}"#);
    assert!(verify(&keys, &good).is_ok());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        "".into(),
        ".".into(),
        "..".into(),
        signed.to_owned(),
        format!("{good}."),
        format!("{good}.{signature}.{signature}"),
        format!("{good}="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        good.replace('.', ":"),
        "not a token".into(),
        "é.é.é".into(),
        format!("e30=.{good}"),
    ] {
        let verdict = verify(&keys, &bad);
        let empty = Err(Refused::Part("header"));
        assert!(verdict == Err(Refused::Form) || (bad == ".." && verdict == empty), "{bad}");
    }
    // The last character of 32 bytes has bits to spare; only one way to write them is right.
    let last = signature.chars().last().unwrap();
    let twin = char::from(last as u8 + 1);
    let twisted = format!("{signed}.{}{twin}", &signature[..signature.len() - 1]);
    assert!(verify(&keys, &twisted).is_err());
}

#[test]
fn a_token_that_was_changed_is_refused() {
    let keys = Keys::from_secret(SECRET).unwrap();
    let of = |room: &str| {
        signed(SECRET, HS256, &json!({"sub": "ada", "room": room, "exp": NOW + 60}).to_string())
    };
    let (one, other) = (of("visit-1"), of("visit-2"));
    let (signed, _) = one.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    for bad in [format!("{signed}.{signature}"), format!("{signed}."), format!("{signed}.AAAA")] {
        assert_eq!(verify(&keys, &bad), Err(Refused::Signature));
    }
    let elsewhere = Keys::from_secret("another secret that is as long as this one").unwrap();
    assert_eq!(verify(&elsewhere, &one), Err(Refused::Signature));
}

#[test]
fn a_token_that_is_too_long_is_not_looked_at() {
    let sized = |length: usize| {
        let claims = format!(
            r#"{{"sub":"ada","room":"visit","exp":1800000060,"x":"{}"}}"#,
            "x".repeat(length)
        );
        signed(SECRET, HS256, &claims)
    };
    let keys = Keys::from_secret(SECRET).unwrap();
    let short = (6000..).map(sized).take_while(|token| token.len() <= MAX_TOKEN).last().unwrap();
    assert!(short.len() > MAX_TOKEN - 4);
    assert!(verify(&keys, &short).is_ok());
    assert_eq!(verify(&keys, &sized(6100)), Err(Refused::TooLong));
    assert_eq!(verify(&keys, &"x".repeat(1 << 20)), Err(Refused::TooLong));
}

#[test]
fn a_refusal_tells_what_to_change_and_quotes_nothing() {
    for (verdict, part) in [
        (
            but(json!({"room": "secret/visit"})),
            "`room` in the token: expected a string of 1 to 128",
        ),
        (but(json!({"role": "secret"})), "`role` in the token: expected host, guest"),
        (but(json!({"exp": 1_000})), "`exp` in the token: expected a time to come"),
        (but(json!({"exp": "secret"})), "`exp` in the token: expected seconds since 1970"),
        (but(json!({"nbf": NOW + 99})), "`nbf` in the token: expected a time that has come"),
        (but(json!({"aud": "secret"})), "`aud` in the token: expected none"),
        (header(r#"{"alg":"secret"}"#), "`alg` in the token's header: expected HS256"),
        (claims("secret"), "the token's claims: expected one JSON object"),
    ] {
        let text = verdict.unwrap_err().to_string();
        assert!(text.contains(part) && !text.contains("secret"), "{text}");
    }
}

#[test]
fn what_is_minted_is_good() {
    let grant = Grant {
        subject: PeerId::parse("ada").unwrap(),
        room: RoomId::parse("visit").unwrap(),
        role: Role::Host,
        name: DisplayName::parse("Dr \"Ada\" é"),
        lobby: true,
        capacity: Some(2),
        expires_at: at(NOW + 3600),
        visit_end: Some(at(NOW + 1800)),
    };
    let keys = Keys::from_secret(SECRET).unwrap();
    for audience in [None, Some("visio")] {
        let token = super::super::mint(SECRET, &grant, audience).unwrap();
        assert_eq!(keys.verify(&token, audience, at(NOW)), Ok(grant.clone()));
    }
    assert!(super::super::mint("too short", &grant, None).is_err());
}

/// RFC 7515, appendices A.1 to A.3, and RFC 8037, appendix A.4: the signatures are good, and the
/// claims are none of ours.
#[test]
fn the_examples_of_the_rfcs_are_signed_well() {
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
    let oct = |kid: &str, secret: &str| json!({"kty": "oct", "kid": kid, "k": BASE64URL_NOPAD.encode(secret.as_bytes())});
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
fn a_token_that_names_no_key_is_taken_where_one_key_fits() {
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
fn two_keys_of_a_name_are_told_apart_by_their_algorithm() {
    let set = SET.replace("2026-p256", "2026-rsa");
    assert!(Keys::from_jwks(&set).is_ok());
    let twice: Value = serde_json::from_str(SET).unwrap();
    let twice = json!({"keys": [twice["keys"][0], twice["keys"][0]]}).to_string();
    let expected = Keys::from_jwks(&twice).unwrap_err().to_string();
    assert!(expected.contains("`kid`"), "{expected}");
}

#[test]
fn keys_of_a_set_that_are_for_something_else_are_passed_over() {
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
    for (field, value) in [("d", json!("AAAA")), ("x", json!("A+/=")), ("y", json!("AAAA"))] {
        let expected = Keys::from_jwks(&with(field, value)).unwrap_err().to_string();
        assert!(expected.contains("key 2"), "{expected}");
    }
}

#[test]
fn what_is_no_set_of_keys_is_refused() {
    let short = BASE64URL_NOPAD.encode(&[7; 31]);
    for (text, part) in [
        ("", "JWK Set"),
        ("{}", "JWK Set"),
        ("[]", "JWK Set"),
        (r#"{"keys":7}"#, "line 1"),
        (r#"{"keys":[]}"#, "a key for RS256"),
        (r#"{"keys":[{"kty":"EC","crv":"P-521"}]}"#, "a key for RS256"),
        (r#"{"keys":[{"kid":"x"}]}"#, "line 1"),
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
fn a_pem_is_of_the_kinds_that_are_known() {
    for (pem, algorithm) in [(RSA, "RS256"), (P256, "ES256"), (ED25519_PEM, "EdDSA")] {
        let keys = Keys::from_pem(pem).unwrap();
        assert_eq!(format!("{keys:?}"), format!("Keys([{algorithm:?}])"));
        let crlf = format!("Made for tests\r\n{}", pem.replace('\n', "\r\n"));
        assert!(Keys::from_pem(&crlf).is_ok());
    }
    let block = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    // `openssl ecparam -name secp384r1 -genkey | openssl pkey -pubout`, and RSA of 1024 bits.
    let p384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE5pQoZSAqYDRzgNmN4EzJzXmGtjr4WMTTOfhkNQWmO1tVWuTv3Cpm\
        qIM2NbZGQZc0Mr9rlXm1gF2v7kQ5Kk4rCkLsV1t2J0yVYb5KpqQ7mB1wVb8gG8H3k7v8kT1xg5pF";
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
        (RSA.replace("-----END", "AAAA\n-----END"), "RS256 (RSA)"),
    ] {
        let expected = Keys::from_pem(&text).unwrap_err().to_string();
        assert!(expected.contains(part), "{text}: {expected}");
    }
}

#[test]
fn a_secret_is_long_and_nothing_else() {
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
