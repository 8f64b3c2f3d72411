//! Golden frames: the protocol as files. Browsers that we do not control depend on every byte.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{
    BootstrapPeer, Code, DisplayName, FromText, IceConfiguration, IceServer, IceUrl, Incoming,
    LeaveReason, Metadata, PeerInfo, Rejection, RequestId, ResumeSecret, ResumeToken, Role,
    RoomSummary, ServerMessage, Timestamp, TurnCredentials, Version,
};

use super::schema::{self, Sender};
use super::{peer, room_id};

const SERVER: &str = include_str!("frames/server.jsonl");
const CLIENT: &str = include_str!("frames/client.jsonl");
const REFUSED: &str = include_str!("frames/refused.jsonl");

#[test]
fn server_messages_match_the_golden_frames() {
    let frames: Vec<_> = messages().into_iter().map(ServerMessage::encode).collect();
    let golden: Vec<_> = SERVER.lines().collect();
    for (frame, golden) in frames.iter().zip(&golden) {
        assert_eq!(frame, golden);
    }
    assert_eq!(frames.len(), golden.len());
}

#[test]
fn the_golden_client_frames_are_understood() {
    for frame in CLIENT.lines() {
        assert!(Incoming::parse(frame).is_ok(), "{frame}");
    }
}

/// Each line: the code, a tab, the frame.
#[test]
fn frames_that_are_not_messages_are_refused_with_their_code() {
    for line in REFUSED.lines() {
        let (code, frame) = line.split_once('\t').expect("a code and a frame");
        let rejection = Incoming::parse(frame).expect_err(frame);
        assert_eq!(rejection.code.name(), code, "{frame}");
    }
}

#[test]
fn every_golden_frame_is_what_the_contract_for_machines_says() {
    for (sender, frames) in [(Sender::Client, CLIENT), (Sender::Server, SERVER)] {
        for frame in frames.lines() {
            schema::assert_in_contract(sender, frame);
        }
    }
}

/// All but a field that comes twice: to a schema there is only one.
#[test]
fn the_contract_for_machines_refuses_what_the_server_refuses() {
    for line in REFUSED.lines() {
        let (_, frame) = line.split_once('\t').expect("a code and a frame");
        let Ok(message) = serde_json::from_str::<Value>(frame) else { continue };
        let is_twice = message.to_string().len() < frame.len();
        let passes = schema::check(Sender::Client, &message).is_ok();
        assert_eq!(passes, is_twice, "{frame}");
    }
}

#[test]
fn every_frame_is_one_json_object() {
    for frame in SERVER.lines().chain(CLIENT.lines()) {
        let value: Value = serde_json::from_str(frame).expect(frame);
        assert!(value["type"].is_string(), "{frame}");
    }
}

/// One of each message, and two of those with optional fields.
fn messages() -> Vec<ServerMessage> {
    let (ada, bob) =
        (ada(), PeerInfo { peer_id: peer("bob"), display_name: None, metadata: None, ..ada() });
    let (request_id, version) = (RequestId::parse("r1"), Version(3));
    let peer_id = peer("ada");
    let mut messages = vec![
        joined(vec![ada.clone(), bob.clone()], request_id.clone()),
        joined(vec![], None),
        joined_as_host(),
        resumed(),
        relayed_only(),
        ServerMessage::BootstrapPeers { peers: vec![BootstrapPeer { id: peer("ada") }] },
        ServerMessage::PeerJoined {
            room_id: room_id("visit-42"),
            peer_id: peer_id.clone(),
            display_name: ada.display_name.clone(),
            role: Role::Guest,
            version,
            peers: vec![ada],
            rejoined: false,
        },
        ServerMessage::PeerAway {
            room_id: room_id("visit-42"),
            peer_id: peer_id.clone(),
            until: Timestamp(1_700_000_020_000),
            version,
            peers: vec![bob.clone()],
        },
        ServerMessage::PeerBack {
            room_id: room_id("visit-42"),
            peer_id: peer_id.clone(),
            version,
            peers: vec![bob.clone()],
        },
        ServerMessage::PeerLeft {
            room_id: room_id("visit-42"),
            peer_id,
            reason: LeaveReason::Disconnected,
            version,
            peers: vec![bob.clone()],
        },
        ServerMessage::Roster {
            room_id: room_id("visit-42"),
            version,
            peers: vec![bob],
            request_id,
        },
    ];
    messages.extend(messages_without_peers());
    messages.extend(errors().map(ServerMessage::from));
    let relayed = r#"{"from":"ada","type":"offer","to":"bob"}"#;
    messages.push(ServerMessage::Relayed(Redacted::new(relayed.into())));
    messages
}

fn messages_without_peers() -> [ServerMessage; 5] {
    [
        ServerMessage::Renewed {
            expires_at: Timestamp(1_700_003_600_000),
            request_id: RequestId::parse("r1"),
        },
        ServerMessage::IceServers {
            ice_servers: ice_servers(),
            expires_at: Some(Timestamp(1_700_003_600_000)),
        },
        ServerMessage::RoomList {
            rooms: vec![RoomSummary { room_id: room_id("visit-42"), peer_count: 2 }],
            request_id: None,
        },
        ServerMessage::Pong { server_time: Timestamp(1_700_000_000_000), request_id: None },
        ServerMessage::GoingAway { reconnect_after_ms: 1500 },
    ]
}

fn ada() -> PeerInfo {
    let metadata = r#"{"device":"phone"}"#.to_owned();
    PeerInfo {
        peer_id: peer("ada"),
        display_name: DisplayName::parse("Ada \"L\" \u{e9}"),
        role: Role::Guest,
        joined_at: Timestamp(1_700_000_000_000),
        away: false,
        metadata: Metadata::from_json(&RawValue::from_string(metadata).unwrap()),
    }
}

fn joined(peers: Vec<PeerInfo>, request_id: Option<RequestId>) -> ServerMessage {
    ServerMessage::Joined {
        room_id: room_id("visit-42"),
        peer_id: peer("cy"),
        version: Version(3),
        peers,
        ice: IceConfiguration::default(),
        resume_token: ResumeToken {
            room: room_id("visit-42"),
            peer: peer("cy"),
            secret: ResumeSecret::new("5ec2e7"),
        },
        received: None,
        heartbeat_seconds: 25,
        resumed: false,
        role: Role::Guest,
        expires_at: None,
        request_id,
    }
}

fn resumed() -> ServerMessage {
    let mut message = joined(vec![PeerInfo { away: true, ..ada() }], None);
    if let ServerMessage::Joined { resumed, received, .. } = &mut message {
        (*resumed, *received) = (true, Some(7));
    }
    message
}

fn relayed_only() -> ServerMessage {
    let mut message = joined(vec![], None);
    if let ServerMessage::Joined { ice, .. } = &mut message {
        let ice_servers_expire_at = Some(Timestamp(1_700_003_600_000));
        let ice_servers = ice_servers();
        *ice = IceConfiguration { ice_servers, ice_servers_expire_at, relay_only: true };
    }
    message
}

fn ice_servers() -> Vec<IceServer> {
    let urls = |text| vec![IceUrl::parse(text).unwrap()];
    let text = |text: &str| Redacted::new(text.to_owned());
    let (username, credential) = (text("1700003600:9f2c"), text("c2VjcmV0"));
    vec![
        IceServer { urls: urls("stun:stun.example"), credentials: None },
        IceServer {
            urls: urls("turn:turn.example?transport=tcp"),
            credentials: Some(TurnCredentials { username, credential }),
        },
    ]
}

fn joined_as_host() -> ServerMessage {
    let mut message = joined(vec![], None);
    if let ServerMessage::Joined { role, expires_at, .. } = &mut message {
        (*role, *expires_at) = (Role::Host, Some(Timestamp(1_700_003_600_000)));
    }
    message
}

fn errors() -> [Rejection; 4] {
    [
        Rejection::new(Code::PeerNotFound, "no such peer in this room")
            .to(Some(peer("dan")))
            .answering(RequestId::parse("r1")),
        Rejection::new(Code::RateLimited, "too many messages")
            .retry_after(Duration::from_millis(120)),
        Rejection::new(Code::PeerAway, "nothing more can wait for it")
            .to(Some(peer("dan")))
            .retry_after(Duration::from_secs(20)),
        Rejection::new(Code::PeerGone, "it was dropped").to(Some(peer("dan"))).counting(3),
    ]
}
