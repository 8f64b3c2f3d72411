//! A message that cannot be understood is refused with a reason, and the connection stays open.

use serde_json::json;

use super::client::{Client, meet};
use super::{Runtime, Settings};

pub async fn text_that_is_not_json_is_invalid_json<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for text in [
        "",
        "hello",
        "{",
        r#"{"type":"ping""#,
        r#"{"type":"ping"}{"type":"ping"}"#,
        r#"{"type":"ping",}"#,
        "{'type':'ping'}",
        "{\"type\":\"pi\nng\"}",
        r#"{"type":"\ud83e\ude"}"#,
        r#"{"n":01,"type":"ping"}"#,
    ] {
        refused(&mut client, text, "invalid_json", "JSON").await;
    }
}

pub async fn json_that_is_not_one_object_is_invalid<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for text in ["[]", r#"[{"type":"ping"}]"#, r#""ping""#, "7", "true", "null"] {
        refused(&mut client, text, "invalid_message", "object").await;
    }
}

pub async fn a_message_needs_a_type<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for text in [
        "{}",
        r#"{"peerId":"ada"}"#,
        r#"{"type":null}"#,
        r#"{"type":7}"#,
        r#"{"type":["ping"]}"#,
        r#"{"Type":"ping"}"#,
    ] {
        refused(&mut client, text, "invalid_message", "`type`").await;
    }
}

pub async fn a_type_that_the_protocol_does_not_have_is_unknown<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for kind in ["", "Ping", "ping ", "hello", "joined", "peer_joined", "knock", "error", "roster"]
    {
        let text = json!({"type": kind}).to_string();
        refused(&mut client, &text, "unknown_type", "`type`").await;
    }
}

pub async fn a_bad_field_of_a_join_is_named<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    let (long_id, long_name) = ("x".repeat(129), "é".repeat(129));
    for (field, value) in [
        ("roomId", json!("")),
        ("roomId", json!("a b")),
        ("roomId", json!("a/b")),
        ("roomId", json!("é")),
        ("roomId", json!(long_id)),
        ("roomId", json!(7)),
        ("roomId", json!({})),
        ("peerId", json!("")),
        ("peerId", json!("a\u{0}b")),
        ("peerId", json!(long_id)),
        ("peerId", json!(["ada"])),
        ("peerId", json!(false)),
        ("displayName", json!(long_name)),
        ("displayName", json!("Ada\u{7}")),
        ("displayName", json!("two\nlines")),
        ("displayName", json!(7)),
        ("metadata", json!("x")),
        ("metadata", json!([1])),
        ("metadata", json!({"k": "x".repeat(1017)})),
    ] {
        let mut join = json!({"type": "join"});
        join[field] = value;
        refused(&mut client, &join.to_string(), "invalid_message", field).await;
    }
}

pub async fn a_bad_recipient_is_named<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for text in [
        r#"{"type":"offer"}"#,
        r#"{"type":"offer","to":null}"#,
        r#"{"type":"offer","to":""}"#,
        r#"{"type":"answer","to":7}"#,
        r#"{"type":"candidate","to":["bob"]}"#,
        r#"{"type":"chat","to":"b o b"}"#,
        r#"{"type":"typing_indicator","to":{}}"#,
        r#"{"type":"private_message","to":"a/b"}"#,
    ] {
        refused(&mut ada, text, "invalid_message", "`to`").await;
    }
    for text in [
        r#"{"type":"private_message","targetUserId":7}"#,
        r#"{"type":"private_message","targetUserId":"a b"}"#,
    ] {
        refused(&mut ada, text, "invalid_message", "`targetUserId`").await;
    }
    bob.expect_nothing().await;
}

pub async fn a_field_that_the_server_reads_may_appear_only_once<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for (text, field) in [
        (r#"{"type":"offer","to":"bob","to":"ada"}"#, "`to`"),
        (r#"{"type":"offer","to":"bob","t\u006f":"bob"}"#, "`to`"),
        (r#"{"type":"offer","to":"bob","type":"leave"}"#, "`type`"),
        (r#"{"type":"private_message","targetUserId":"bob","targetUserId":"x"}"#, "`targetUserId`"),
        (r#"{"type":"ping","requestId":"1","requestId":"2"}"#, "`requestId`"),
    ] {
        refused(&mut ada, text, "invalid_message", field).await;
    }
    let mut cay = Client::connect(&server).await;
    for field in ["roomId", "peerId", "displayName", "metadata"] {
        let text = format!(r#"{{"type":"join","{field}":null,"{field}":null}}"#);
        refused(&mut cay, &text, "invalid_message", field).await;
    }
    bob.expect_nothing().await;
}

pub async fn a_bad_request_id_is_named<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for value in [json!(7), json!({}), json!("x".repeat(65))] {
        let text = json!({"type": "ping", "requestId": value}).to_string();
        refused(&mut client, &text, "invalid_message", "`requestId`").await;
    }
    for mark in ["", "a \"mark\" \\ of Ü's own\n", &"x".repeat(64)] {
        client.send(json!({"type": "ping", "requestId": mark})).await;
        let echoed = R::PROFILE.hears_bare_pings || !mark.is_empty();
        assert_eq!(client.expect("pong").await.get("requestId"), echoed.then_some(&json!(mark)));
    }
}

pub async fn a_refusal_echoes_the_request_id<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for (message, code) in [
        (json!({"type": "nonsense"}), "unknown_type"),
        (json!({"type": 7}), "invalid_message"),
        (json!({}), "invalid_message"),
        (json!({"type": "offer", "to": 7}), "invalid_message"),
        (json!({"type": "join", "roomId": 7}), "invalid_message"),
        (json!({"type": "peers"}), "not_joined"),
    ] {
        let mut marked = message;
        marked["requestId"] = json!("mark");
        client.send(marked).await;
        assert_eq!(client.expect_error(code).await["requestId"], "mark");
    }
}

pub async fn a_refusal_quotes_nothing_of_the_message<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for text in [
        r#""v=0 secret""#,
        "v=0 secret",
        r#"{"type":"v=0 secret"}"#,
        r#"{"v=0 secret":1}"#,
        r#"{"type":"offer","to":"v=0 secret","sdp":"v=0 secret"}"#,
        r#"{"type":"offer","to":"bob","to":"bob","sdp":"v=0 secret"}"#,
        r#"{"type":"ping","requestId":["v=0 secret"]}"#,
        r#"{"type":"offer","to":"ada","sdp":"v=0 secret"}"#,
        r#"{"type":"offer","to":"bob","sdp":"v=0 secret"}"#,
        r#"{"type":"offer","to":"bob","sdp":"v=0 secret}"#,
    ] {
        ada.send_text(text).await;
        let error = ada.expect("error").await.to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

pub async fn a_refused_join_leaves_the_client_free_to_join<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    refused(&mut client, r#"{"type":"join","peerId":7}"#, "invalid_message", "`peerId`").await;
    client.send(json!({"type": "join", "roomId": "visit", "peerId": "ada"})).await;
    client.expect("joined").await;
}

pub async fn junk_from_one_peer_disturbs_no_other<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for text in ["", "{", "[]", r#"{"type":"nonsense"}"#, r#"{"type":"offer"}"#] {
        ada.send_text(text).await;
        ada.expect("error").await;
    }
    bob.expect_nothing().await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    assert_eq!(bob.expect("offer").await["from"], "ada");
}

pub async fn deep_nesting_harms_nobody<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for forged in ["", r#""from":1,"#] {
        ada.send_text(format!(r#"{{"type":"signal","to":"bob",{forged}"deep":{deep}}}"#)).await;
        let arrived = bob.text().await;
        assert!(arrived.contains(&deep) && arrived.contains(r#""from":"ada""#));
    }
    let objects = r#"{"a":"#.repeat(6000);
    refused(&mut ada, &objects, "invalid_json", "JSON").await;
    for field in ["to", "type", "requestId"] {
        ada.send_text(format!(r#"{{"type":"signal","{field}":{deep}}}"#)).await;
        ada.expect_error("invalid_message").await;
    }
    bob.expect_nothing().await;
}

pub async fn a_frame_full_of_fields_harms_nobody<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let mut fields = String::new();
    for nth in 0..2500 {
        fields += &format!(r#","f{nth}":1e9"#);
    }
    ada.send_text(format!(r#"{{"type":"signal","to":"bob"{fields}}}"#)).await;
    assert_eq!(bob.expect("signal").await["f2499"], 1e9);
    // The same field many times does no harm either, unless the server reads it.
    let again = r#","x":0"#.repeat(5000);
    ada.send_text(format!(r#"{{"type":"signal","to":"bob"{again}}}"#)).await;
    bob.expect("signal").await;
    let number = "9".repeat(30_000);
    ada.send_text(format!(r#"{{"type":"signal","to":"bob","n":{number}}}"#)).await;
    assert!(bob.text().await.contains(&number));
    let long = "x".repeat(30_000);
    refused(&mut ada, &format!(r#"{{"type":"{long}"}}"#), "unknown_type", "type").await;
    for field in ["to", "requestId"] {
        let text = format!(r#"{{"type":"signal","{field}":"{long}"}}"#);
        refused(&mut ada, &text, "invalid_message", field).await;
    }
    bob.expect_nothing().await;
}

/// Asserts that `text` is refused, that the refusal names what was wrong, and that the connection
/// stays open.
async fn refused(client: &mut Client, text: &str, code: &str, named: &str) {
    client.send_text(text).await;
    let error = client.expect_error(code).await;
    let message = error["message"].as_str().expect("a text");
    assert!(message.contains(named), "{text:?}: expected {named} in {message:?}");
    client.expect_nothing().await;
}
