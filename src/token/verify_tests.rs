//! Tables of tokens, each verified with a key at a time. Tokens made by other libraries are in
//! `tests/core/tokens`.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::super::mint::signed;
use super::*;
use crate::wire::{DisplayName, FromText, PeerId, Role, RoomId};

pub(super) const SECRET: &str = "a secret of tests that has 32 bytes or more";
const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// In seconds.
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) const RSA: &str = include_str!("../../tests/core/tokens/rsa.pem");

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1000)
}

pub(super) fn verify(keys: &Keys, token: &str) -> Result<Grant, Refused> {
    keys.verify(&Token::new(token), None, at(NOW))
}

/// The verdict on these claims, correctly signed.
fn claims(text: &str) -> Result<Grant, Refused> {
    verify(&Keys::from_secret(SECRET).unwrap(), &signed(SECRET, HS256, text))
}

/// The verdict on valid claims with these changes.
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

pub(super) fn refused_claim(verdict: Result<Grant, Refused>) -> &'static str {
    match verdict {
        Err(Refused::Claim { claim, .. }) => claim,
        other => panic!("expected a claim to be refused, got {other:?}"),
    }
}

pub(super) fn refused_header(verdict: Result<Grant, Refused>) -> &'static str {
    match verdict {
        Err(Refused::Header { field, .. }) => field,
        other => panic!("expected a header to be refused, got {other:?}"),
    }
}

#[test]
fn every_claim_goes_into_the_grant() {
    let granted = but(json!({
        "role": "host", "name": "Dr Ada", "lobby": true, "capacity": 3, "visitEnd": NOW + 30,
        "nbf": NOW - 1, "iat": "whatever", "iss": 7, "jti": null, "clinic": {"deep": [1]},
    }));
    let expected = Grant {
        subject: PeerId::parse("ada").unwrap(),
        room: RoomId::parse("visit").unwrap(),
        role: Role::Host,
        name: DisplayName::parse("Dr Ada"),
        relay_only: false,
        lobby: true,
        capacity: Some(3),
        expires_at: at(NOW + 60),
        visit_end: Some(at(NOW + 30)),
        readmitted_at: None,
    };
    assert_eq!(granted, Ok(expected));
}

#[test]
fn absent_claims_have_defaults() {
    let granted = but(json!({})).unwrap();
    assert_eq!((granted.role, granted.name, granted.lobby), (Role::Guest, None, false));
    assert_eq!((granted.capacity, granted.visit_end), (None, None));
}

#[test]
fn a_token_that_readmits_must_say_when_it_was_issued() {
    let made = |at: Value| but(json!({"readmit": true, "iat": at}));
    assert_eq!(made(json!(NOW)).unwrap().readmitted_at, Some(at(NOW)));
    assert_eq!(made(json!(NOW + 60)).unwrap().readmitted_at, Some(at(NOW + 60)));
    for bad in [json!(null), json!("now"), json!(-1), json!(1.8e12), json!(NOW + 61)] {
        assert_eq!(refused_claim(made(bad.clone())), "iat", "{bad}");
    }
    assert_eq!(refused_claim(but(json!({"readmit": true}))), "iat");
    for passed_over in [json!({"readmit": false, "iat": "now"}), json!({"iat": NOW})] {
        assert_eq!(but(passed_over).unwrap().readmitted_at, None);
    }
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
fn an_invalid_claim_is_refused_by_name() {
    for (claim, bad) in [
        ("sub", json!([null, 7, "", "a b", "x".repeat(129), ["ada"]])),
        ("room", json!([null, true, "", "a/b", {"id": "visit"}])),
        ("role", json!([null, 1, "", "Host", "doctor", ["host"], {"host": null}])),
        ("name", json!([null, 5, "x".repeat(129), "Ada\u{7}"])),
        ("exp", json!([null, "1900000000", -1, [NOW], true, 1.8e12, 1e300])),
        ("nbf", json!([null, "0", -1, {}, false, 1.8e12])),
        ("lobby", json!([null, "true", 1, 0, []])),
        ("readmit", json!([null, "true", 1, 0, []])),
        ("capacity", json!([null, 0, 257, -1, 2.5, 70000, "3"])),
        ("visitEnd", json!([null, "2026-11-20T10:00:00Z", -5, [], 1.8e12])),
        ("aud", json!([null, 7, [7], {}])),
    ] {
        for value in bad.as_array().unwrap() {
            assert_eq!(refused_claim(but(json!({ claim: value }))), claim, "{value}");
        }
    }
}

#[test]
fn a_missing_required_claim_is_refused() {
    for (missing, text) in [
        ("exp", r#"{"sub":"ada","room":"visit"}"#),
        ("sub", r#"{"room":"visit","exp":1800000060}"#),
        ("room", r#"{"sub":"ada","exp":1800000060}"#),
    ] {
        assert_eq!(refused_claim(claims(text)), missing);
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
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
fn a_repeated_claim_is_refused() {
    for twice in [
        r#""room":"other""#,
        r#""r\u006fom":"other""#,
        r#""sub":"ada""#,
        r#""exp":1900000000"#,
        r#""role":"guest","role":"host""#,
        r#""visitEnd":1,"visitEnd":2"#,
        r#""readmit":false,"readmit":true"#,
    ] {
        let text = format!(r#"{{"sub":"ada","room":"visit","exp":1800000060,{twice}}}"#);
        assert_eq!(claims(&text), Err(Refused::Part("claims")), "{twice}");
    }
}

#[test]
fn claims_must_be_one_object() {
    for text in ["", "null", "[]", "7", "{", r#"{"sub":"ada"}{}"#, r#"["ada","visit"]"#] {
        assert_eq!(claims(text), Err(Refused::Part("claims")), "{text}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    assert_eq!(refused_claim(claims(&deep)), "exp");
}

#[test]
fn a_token_must_name_the_servers_audience() {
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
    // An unsigned token has no third part, or an empty one.
    let unsigned = |alg: &str| {
        let parts = [format!(r#"{{"alg":"{alg}"}}"#), r#"{"sub":"ada"}"#.into()];
        parts.map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".") + "."
    };
    let keys = Keys::from_secret(SECRET).unwrap();
    assert_eq!(refused_header(verify(&keys, &unsigned("none"))), "alg");
    assert_eq!(verify(&keys, &unsigned("HS256")), Err(Refused::Signature));
}

#[test]
fn a_public_key_cannot_be_used_as_a_secret() {
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
fn a_header_must_be_one_object_without_extensions() {
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
fn a_token_must_have_three_parts_of_base64url() {
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
    // The last base64 character of 32 bytes has unused bits, which must be zero.
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
fn a_token_that_is_too_long_is_refused() {
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
fn a_refusal_says_what_to_change_and_never_quotes_the_token() {
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
fn a_minted_token_is_valid() {
    let grant = Grant {
        subject: PeerId::parse("ada").unwrap(),
        room: RoomId::parse("visit").unwrap(),
        role: Role::Host,
        name: DisplayName::parse("Dr \"Ada\" é"),
        relay_only: false,
        lobby: true,
        capacity: Some(2),
        expires_at: at(NOW + 3600),
        visit_end: Some(at(NOW + 1800)),
        readmitted_at: Some(at(NOW)),
    };
    let keys = Keys::from_secret(SECRET).unwrap();
    for audience in [None, Some("visio")] {
        let token = super::super::mint(SECRET, &grant, audience).unwrap();
        assert_eq!(keys.verify(&token, audience, at(NOW)), Ok(grant.clone()));
    }
    assert!(super::super::mint("too short", &grant, None).is_err());
}
