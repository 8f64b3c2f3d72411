//! Visit tokens: the ways to send one, what a token decides, and what is refused.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use visio_signaling::core::Grant;
use visio_signaling::token::mint;
use visio_signaling::wire::{DisplayName, FromText, PeerId, Role, RoomId, Timestamp};

use super::client::{Client, ids, meet};
use super::{Runtime, Settings};

/// The secret of the server under test.
pub const SECRET: &str = "the secret of the conformance suite, 32+";
/// When all valid tokens expire: in the year 2100.
pub const EXPIRES: Timestamp = Timestamp(4_102_444_800_000);

/// Tokens that no server accepts, and the word that the refusal must contain. PyJWT made them, all
/// but one with the same secret.
const BAD: [(&str, &str); 9] = [
    (
        "`alg`",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjQxMDI0NDQ4MDB9.",
    ),
    (
        "`alg`",
        "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjQxMDI0NDQ4MDB9.mgMIRIafLGw8Q7Pzwnsa89Et81_thdC_k5HcrpxivNfI1aZGJMcjba45_1dHT9wUcwucW2Fl6hzLpmfGf78SJQ",
    ),
    (
        "signature",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjQxMDI0NDQ4MDB9.b2PEqRyHMn_zehGNw3CqA59oLlHGToNA31jT94cOvXQ",
    ),
    (
        "expired",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjE3MDAwMDAwMDB9.4A3_2_F8HpeuSW5csexXkHYErawIizJ_kyo9uMt_lAg",
    ),
    (
        "not valid yet",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjQxMDI0NDQ4MDAsIm5iZiI6NDEwMjQ0NDAwMH0.9QQw0s1Qz6WbmNOPbdHbHqwrWPEAPU4K_9YOu1hugtQ",
    ),
    (
        "`exp`",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQifQ.TUE2W1-enbjdtiN2jREpc8U_c81QanCAdiPY3snG854",
    ),
    (
        "`room`",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.ba56yc2G-X5fBR71wWrSozlN-MoTrYYEB5XNxTP73_A",
    ),
    (
        "`role`",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoidmlzaXQiLCJleHAiOjQxMDI0NDQ4MDAsInJvbGUiOiJkb2N0b3IifQ.o9LZZ5luPdwqU9OZM9PYX_Bj1Uhl2Wud-DAjcR3bJ6U",
    ),
    ("three parts", "no-token-at-all"),
];

/// A server that requires a token.
pub fn guarded() -> Settings {
    Settings { jwt_secret: Some(SECRET), ..Settings::default() }
}

/// A token's claims, which a scenario can change.
pub fn guest(room: &str, peer: &str) -> Grant {
    Grant {
        subject: PeerId::parse(peer).expect("a peer id"),
        room: RoomId::parse(room).expect("a room id"),
        role: Role::Guest,
        name: None,
        relay_only: false,
        lobby: false,
        capacity: None,
        expires_at: EXPIRES,
        visit_end: None,
        readmitted_at: None,
    }
}

/// A valid token with these claims.
pub fn token(grant: &Grant) -> String {
    mint(SECRET, grant, None).expect("a long secret").expose().to_owned()
}

/// With a name, and a role that nobody has without a token.
fn for_ada() -> Grant {
    Grant { role: Role::Observer, name: DisplayName::parse("Ada"), ..guest("visit", "ada") }
}

pub async fn a_token_is_accepted_in_every_way<R: Runtime>() {
    let server = R::start(guarded()).await;
    let token = token(&for_ada());
    for way in 0..4 {
        let mut bob = Client::connect(&server).await;
        bob.send(json!({"type": "join", "token": self::token(&guest("visit", "bob"))})).await;
        bob.expect("joined").await;
        let mut ada = arrive(&server, way, &token).await.expect("a handshake");
        ada.send(json!({"type": "join", "token": (way == 3).then_some(&token)})).await;
        let joined = ada.expect("joined").await;
        assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("visit"), &json!("ada")));
        assert_eq!((&joined["role"], &joined["expiresAt"]), (&json!("observer"), &json!(EXPIRES)));
        assert_eq!(ids(&joined), ["bob"]);
        let news = bob.wait_for("peer_joined").await;
        assert_eq!((&news["role"], &news["displayName"]), (&json!("observer"), &json!("Ada")));
        ada.close().await;
        bob.wait_for("peer_left").await;
        bob.close().await;
    }
}

pub async fn one_token_may_come_in_several_ways<R: Runtime>() {
    let server = R::start(guarded()).await;
    let token = token(&for_ada());
    let (bearer, pair) = (format!("Bearer {token}"), format!("visio, bearer.{token}"));
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", &pair)];
    let query = format!("?token={token}");
    let mut ada = Client::connect_with(&server, &query, &headers).await.expect("a handshake");
    ada.send(json!({"type": "join", "token": token})).await;
    assert_eq!(ada.expect("joined").await["role"], "observer");
}

pub async fn a_token_in_the_url_triggers_the_join<R: Runtime>() {
    let server = R::start(guarded()).await;
    let query = format!("?token={}", token(&for_ada()));
    let mut ada = Client::connect_with(&server, &query, &[]).await.expect("a handshake");
    ada.send(json!({"type": "peers", "requestId": "p"})).await;
    assert_eq!(ada.expect("joined").await["peerId"], "ada");
    assert_eq!(ada.expect("roster").await["requestId"], "p");
}

pub async fn a_bad_token_fails_the_handshake_and_says_why<R: Runtime>() {
    let server = R::start(guarded()).await;
    for (nth, (reason, bad)) in BAD.into_iter().enumerate() {
        let refusal = refused(arrive(&server, nth % 3, bad).await.map(drop));
        assert_eq!(refusal.status(), 401, "{reason}");
        if R::PROFILE.explains_refusals {
            assert_eq!(refusal.headers()["www-authenticate"], "Bearer");
            let body = refusal.body().as_deref().unwrap_or_default();
            let body: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(body["error"], "Unauthorized");
            let message = body["message"].as_str().expect("a reason");
            assert!(message.contains(reason), "{message}");
            assert!(!message.contains(bad) && !message.contains("doctor"), "{message}");
        }
    }
    let mut ada = arrive(&server, 0, &token(&for_ada())).await.expect("a handshake");
    ada.send(json!({"type": "join"})).await;
    ada.expect("joined").await;
}

pub async fn two_different_tokens_in_a_handshake_are_refused<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [one, other] = ["ada", "bob"].map(|peer| token(&guest("visit", peer)));
    let query = format!("?token={one}");
    let header = format!("Bearer {other}");
    let outcome = Client::connect_with(&server, &query, &[("authorization", &header)]).await;
    assert_eq!(refused(outcome.map(drop)).status(), 401);
}

pub async fn a_join_without_a_token_ends_the_connection<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut eve = Client::connect(&server).await;
    eve.expect_nothing().await;
    eve.send(json!({"type": "peers"})).await;
    eve.expect_error("not_joined").await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "eve", "requestId": "j"});
    eve.send(join).await;
    let error = eve.expect_error("unauthorized").await;
    assert_eq!(error["requestId"], "j");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("token")), "{error}");
    eve.expect_closed(eve.close_code(4001)).await;
}

pub async fn a_bad_token_in_a_join_ends_the_connection_and_says_why<R: Runtime>() {
    let server = R::start(guarded()).await;
    for (reason, bad) in BAD {
        let mut eve = Client::connect(&server).await;
        eve.send(json!({"type": "join", "token": bad})).await;
        let error = eve.expect_error("unauthorized").await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains(reason)), "{error}");
        assert!(!error.to_string().contains(bad), "{error}");
        eve.expect_closed(eve.close_code(4001)).await;
    }
}

pub async fn a_join_requested_by_the_url_needs_a_token_too<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut eve = Client::connect_with(&server, "?roomId=visit", &[]).await.expect("a handshake");
    eve.send(json!({"type": "chat", "message": "hello"})).await;
    eve.expect_end("unauthorized", 4001).await;
}

pub async fn an_earlier_good_token_does_not_excuse_a_bad_one<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada = arrive(&server, 0, &token(&for_ada())).await.expect("a handshake");
    let (_, bad) = BAD[2];
    ada.send(json!({"type": "join", "token": bad})).await;
    ada.expect_end("unauthorized", 4001).await;
}

pub async fn a_field_may_repeat_the_token<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada = Client::connect(&server).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "ada", "displayName": "Ada",
                      "metadata": {"device": "desktop"}, "token": token(&for_ada())});
    ada.send(join).await;
    assert_eq!(ada.expect("joined").await["roomId"], "visit");
}

pub async fn a_field_that_contradicts_the_token_is_forbidden<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada = arrive(&server, 1, &token(&for_ada())).await.expect("a handshake");
    for (field, value) in [("roomId", "other"), ("peerId", "bob"), ("displayName", "Bob")] {
        ada.send(json!({"type": "join", field: value, "requestId": field})).await;
        let error = ada.expect_error("forbidden").await;
        assert_eq!(error["requestId"], field);
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    ada.send(json!({"type": "join"})).await;
    assert_eq!(ada.expect("joined").await["peers"], json!([]));
}

pub async fn the_url_may_not_contradict_the_token_either<R: Runtime>() {
    let server = R::start(guarded()).await;
    for field in ["roomId", "peerId", "displayName"] {
        let query = format!("?{field}=other&token={}", token(&for_ada()));
        let mut ada = Client::connect_with(&server, &query, &[]).await.expect("a handshake");
        ada.send(json!({"type": "join"})).await;
        let error = ada.expect_error("forbidden").await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains(field)), "{error}");
    }
}

pub async fn the_client_chooses_a_name_that_the_token_leaves_open<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut ada, mut bob] = [Client::connect(&server).await, Client::connect(&server).await];
    ada.send(json!({"type": "join", "token": token(&for_ada())})).await;
    ada.expect("joined").await;
    let bobs = token(&guest("visit", "bob"));
    bob.send(json!({"type": "join", "token": bobs, "displayName": "Bob"})).await;
    let joined = bob.expect("joined").await;
    assert_eq!(
        (&joined["role"], &joined["peers"][0]["role"]),
        (&json!("guest"), &json!("observer"))
    );
    assert_eq!(ada.expect("peer_joined").await["displayName"], "Bob");
}

pub async fn the_token_in_a_join_is_the_one_that_counts<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada =
        arrive(&server, 1, &token(&guest("elsewhere", "eva"))).await.expect("a handshake");
    ada.send(json!({"type": "join", "token": token(&for_ada())})).await;
    let joined = ada.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["role"]), (&json!("visit"), &json!("observer")));
}

pub async fn a_peer_that_left_may_come_back_with_the_same_token<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada = Client::connect(&server).await;
    ada.send(json!({"type": "join", "token": token(&for_ada())})).await;
    ada.expect("joined").await;
    ada.send(json!({"type": "leave"})).await;
    ada.handled().await;
    ada.send(json!({"type": "join"})).await;
    let joined = ada.expect("joined").await;
    assert_eq!((&joined["peerId"], &joined["role"]), (&json!("ada"), &json!("observer")));
}

pub async fn a_peer_needs_another_token_to_move<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut ada = arrive(&server, 2, &token(&for_ada())).await.expect("a handshake");
    ada.send(json!({"type": "join"})).await;
    ada.expect("joined").await;
    ada.send(json!({"type": "join_room", "roomId": "other"})).await;
    ada.expect_error("forbidden").await;
    assert_eq!(ada.roster().await["roomId"], "visit");
    let next = token(&guest("other", "ada"));
    ada.send(json!({"type": "join_room", "token": next})).await;
    let joined = ada.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["role"]), (&json!("other"), &json!("guest")));
}

pub async fn another_token_does_not_change_a_seat<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut bob = Client::connect(&server).await;
    bob.send(json!({"type": "join", "token": token(&guest("visit", "bob"))})).await;
    bob.expect("joined").await;
    let host = Grant { role: Role::Host, ..guest("visit", "bob") };
    bob.send(json!({"type": "join", "token": token(&host)})).await;
    bob.expect_error("already_joined").await;
    bob.send(json!({"type": "end_visit"})).await;
    bob.expect_error("forbidden").await;
}

pub async fn the_same_subject_takes_its_seat_over<R: Runtime>() {
    let server = R::start(guarded()).await;
    let mut old = Client::connect(&server).await;
    old.send(json!({"type": "join", "token": token(&for_ada())})).await;
    old.expect("joined").await;
    let mut new = Client::connect(&server).await;
    new.send(json!({"type": "join", "token": token(&for_ada())})).await;
    new.expect("joined").await;
    old.expect_end("replaced", 4009).await;
}

pub async fn a_seated_peer_renews_its_token_without_reconnecting<R: Runtime>() {
    let server = R::start(guarded()).await;
    let valid_for = |seconds| {
        let expires_at = (SystemTime::now() + Duration::from_secs(seconds)).into();
        Grant { expires_at, ..for_ada() }
    };
    let (soon, later) = (valid_for(60), valid_for(3600));
    let (mut ada, joined) =
        Client::join_with(&server, json!({"type": "join", "token": token(&soon)})).await;
    let renewal = |grant: &Grant| json!({"type": "renew", "token": token(grant), "requestId": "r"});
    ada.send(renewal(&later)).await;
    let renewed = ada.expect("renewed").await;
    assert_eq!(renewed["requestId"], "r");
    assert!(renewed["expiresAt"].as_u64() > joined["expiresAt"].as_u64());
    // A shorter one changes nothing, and says so.
    ada.send(renewal(&soon)).await;
    assert_eq!(ada.expect("renewed").await["expiresAt"], renewed["expiresAt"]);
    let for_another_peer = Grant { subject: PeerId::parse("nurse").unwrap(), ..later.clone() };
    let expired = Grant { expires_at: Timestamp(soon.expires_at.0 - 180_000), ..later };
    for refused in [for_another_peer, expired] {
        ada.send(renewal(&refused)).await;
        assert_eq!(ada.expect_error("forbidden").await["requestId"], "r");
    }
    assert_eq!(ids(&ada.roster().await), [""; 0], "it keeps its seat");
}

pub async fn the_answer_to_the_subprotocol_omits_the_token<R: Runtime>() {
    let server = R::start(guarded()).await;
    let offer = format!("visio, bearer.{}", token(&for_ada()));
    let site = super::site::Site::of(&server);
    let stream = tokio::net::TcpStream::connect(site.address()).await.expect("a connection");
    let headers = [("sec-websocket-protocol", offer.as_str())];
    let handshake = Client::shake_hands(&site, stream, site.url(), &headers).await;
    let (_, response) = handshake.expect("a handshake");
    assert_eq!(response.headers()["sec-websocket-protocol"], "visio");
}

pub async fn in_open_mode_a_token_means_nothing<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let tokens = ["rubbish".to_owned(), token(&Grant { role: Role::Host, ..guest("x", "y") })];
    for (nth, token) in tokens.iter().enumerate() {
        let query = format!("?token={token}");
        let headers = [("authorization", "Bearer another"), ("sec-websocket-protocol", "visio")];
        let mut bob = Client::connect_with(&server, &query, &headers).await.expect("a handshake");
        let peer = format!("bob-{nth}");
        bob.send(json!({"type": "join", "roomId": "visit", "peerId": peer, "token": token})).await;
        let joined = bob.expect("joined").await;
        assert_eq!((&joined["peerId"], &joined["role"]), (&json!(peer), &json!("guest")));
        assert_eq!(joined.get("expiresAt"), None);
        assert_eq!(ada.wait_for("peer_joined").await["peerId"], peer);
    }
}

/// Connects with the token in the query, in a header, as a subprotocol, or not at all.
async fn arrive(server: &impl Runtime, way: usize, token: &str) -> Result<Client, Error> {
    let (query, bearer) = (format!("?token={token}"), format!("Bearer {token}"));
    let pair = format!("visio, bearer.{token}");
    match way {
        0 => Client::connect_with(server, &query, &[]).await,
        1 => Client::connect_with(server, "", &[("authorization", &bearer)]).await,
        2 => Client::connect_with(server, "", &[("sec-websocket-protocol", &pair)]).await,
        _ => Client::connect_with(server, "", &[]).await,
    }
}

fn refused(outcome: Result<(), Error>) -> Response {
    match outcome {
        Err(Error::Http(response)) => *response,
        Err(other) => panic!("expected a refusal, got {other}"),
        Ok(()) => panic!("expected a refusal, got a WebSocket"),
    }
}
