//! The STUN and TURN servers that clients are told of, and their credentials.

use serde_json::{Value, json};
use visio_signaling::core::Grant;
use visio_signaling::ice::IceSettings;
use visio_signaling::redact::Redacted;

use super::client::Client;
use super::tokens::{guarded, guest, token};
use super::visit::{doctor, patient};
use super::{Runtime, Settings};

const TTL_SECONDS: u32 = 10;

fn turn() -> IceSettings {
    IceSettings {
        stun_urls: vec!["stun:stun.example".into()],
        turn_urls: vec!["turn:turn.example".into(), "turns:turn.example:443".into()],
        secret: Some(Redacted::new("north".to_owned())),
        ..IceSettings::NONE
    }
}

pub async fn each_client_gets_turn_credentials_of_its_own<R: Runtime>() {
    let server = R::start(Settings { ice: turn(), ..Settings::default() }).await;
    let mut names = Vec::new();
    for peer in ["ada", "bob"] {
        let (client, joined) = Client::join(&server, "visit", peer).await;
        let servers = &joined["iceServers"];
        assert_eq!(servers[0], json!({"urls": ["stun:stun.example"]}));
        assert_eq!(servers[1]["urls"], json!(["turn:turn.example", "turns:turn.example:443"]));
        let (name, ends_at) = credentials(servers);
        assert_eq!(joined["iceServersExpireAt"].as_u64().map(|it| it / 1000), Some(ends_at));
        assert!(!name.contains(peer), "it reaches the logs of the TURN server: {name}");
        assert_eq!(joined["iceTransportPolicy"], Value::Null);
        names.push(name);
        client.close().await;
    }
    assert_ne!(names[0], names[1]);
}

pub async fn turn_credentials_are_renewed_before_they_end<R: Runtime>() {
    let ice = IceSettings { ttl_seconds: TTL_SECONDS, ..turn() };
    let server = R::start(Settings { ice, ..Settings::default() }).await;
    let (mut ada, joined) = Client::join(&server, "visit", "ada").await;
    let (first, ends_at) = credentials(&joined["iceServers"]);
    // Where nothing ends by itself, the next event brings them.
    let renewed = loop {
        ada.send(json!({"type": "peers"})).await;
        let message = ada.next().await;
        if message["type"] == "ice_servers" {
            break message;
        }
    };
    let (second, then_ends_at) = credentials(&renewed["iceServers"]);
    assert!(first != second && then_ends_at > ends_at, "{first} {second}");
    assert_eq!(renewed["expiresAt"].as_u64().map(|it| it / 1000), Some(then_ends_at));
}

pub async fn a_guest_that_is_admitted_gets_turn_credentials<R: Runtime>() {
    let server = R::start(Settings { ice: turn(), ..guarded() }).await;
    let (mut doctor, _) = doctor(&server).await;
    let (mut patient, _) = patient(&server, "patient").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    credentials(&patient.wait_for("joined").await["iceServers"]);
}

pub async fn a_client_that_resumes_gets_new_turn_credentials<R: Runtime>() {
    let grace = std::time::Duration::from_secs(60);
    let server = R::start(Settings { ice: turn(), grace, ..Settings::default() }).await;
    let (_ada, joined) = Client::join(&server, "visit", "ada").await;
    let join = json!({"type": "join", "resumeToken": joined["resumeToken"]});
    let (_back, back) = Client::join_with(&server, join).await;
    assert_eq!(back["resumed"], true);
    let [before, after] = [joined, back].map(|it| credentials(&it["iceServers"]).0);
    assert_ne!(before, after);
}

pub async fn a_token_can_demand_that_all_media_is_relayed<R: Runtime>() {
    let grace = std::time::Duration::from_secs(60);
    let server = R::start(Settings { ice: turn(), grace, ..guarded() }).await;
    let relayed = Grant { relay_only: true, ..guest("visit", "ada") };
    let join = |grant: &Grant| json!({"type": "join", "token": token(grant)});
    let (_ada, joined) = Client::join_with(&server, join(&relayed)).await;
    assert_eq!(joined["iceTransportPolicy"], "relay");
    let (_bob, bobs) = Client::join_with(&server, join(&guest("visit", "bob"))).await;
    assert_eq!(bobs["iceTransportPolicy"], Value::Null);
    let resume = json!({"type": "join", "resumeToken": joined["resumeToken"]});
    let (_back, back) = Client::join_with(&server, resume).await;
    assert_eq!(back["iceTransportPolicy"], "relay");
}

pub async fn a_server_can_demand_that_all_media_is_relayed<R: Runtime>() {
    let ice = IceSettings { relay_only: true, ..turn() };
    let server = R::start(Settings { ice, ..Settings::default() }).await;
    let (_, joined) = Client::join(&server, "visit", "ada").await;
    assert_eq!(joined["iceTransportPolicy"], "relay");
}

pub async fn credentials_that_are_set_are_the_same_for_everybody<R: Runtime>() {
    let ice = IceSettings {
        secret: None,
        username: Some("visio".into()),
        credential: Some(Redacted::new("pass".to_owned())),
        ..turn()
    };
    let server = R::start(Settings { ice, ..Settings::default() }).await;
    for peer in ["ada", "bob"] {
        let (_, joined) = Client::join(&server, "visit", peer).await;
        let turn = &joined["iceServers"][1];
        assert_eq!((&turn["username"], &turn["credential"]), (&json!("visio"), &json!("pass")));
        assert_eq!(joined["iceServersExpireAt"], Value::Null);
    }
}

/// The user name that a TURN server is told, and when it ends in seconds.
fn credentials(servers: &Value) -> (String, u64) {
    let turn = &servers[1];
    let name = turn["username"].as_str().expect("a user name").to_owned();
    let ends_at = name.split_once(':').expect("an end and a suffix").0.parse();
    assert_eq!(turn["credential"].as_str().expect("a password").len(), 28, "SHA-1 in Base64");
    (name, ends_at.expect("seconds"))
}
