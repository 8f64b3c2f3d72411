//! Golden frames: the protocol, as files. Browsers that we do not control depend on every byte.

use serde_json::Value;
use visio_signaling::redact::Redacted;
use visio_signaling::wire::{
    BootstrapPeer, Code, DisplayName, FromText, Incoming, LeaveReason, Metadata, PeerInfo,
    Rejection, RequestId, Role, RoomSummary, ServerMessage, Timestamp, Version,
};

use super::{peer, room_id};

const SERVER: &str = include_str!("frames/server.jsonl");
const CLIENT: &str = include_str!("frames/client.jsonl");
const REFUSED: &str = include_str!("frames/refused.jsonl");

#[test]
fn what_the_server_sends_is_as_written_down() {
    let frames: Vec<_> = messages().into_iter().map(ServerMessage::encode).collect();
    let golden: Vec<_> = SERVER.lines().collect();
    for (frame, golden) in frames.iter().zip(&golden) {
        assert_eq!(frame, golden);
    }
    assert_eq!(frames.len(), golden.len());
}

#[test]
fn what_clients_send_is_understood() {
    for frame in CLIENT.lines() {
        assert!(Incoming::parse(frame).is_ok(), "{frame}");
    }
}

/// Each line: the code, a tab, the frame.
#[test]
fn what_is_no_message_is_refused_with_its_code() {
    for line in REFUSED.lines() {
        let (code, frame) = line.split_once('\t').expect("a code and a frame");
        let rejection = Incoming::parse(frame).expect_err(frame);
        assert_eq!(rejection.code.name(), code, "{frame}");
    }
}

#[test]
fn every_frame_is_one_json_object() {
    for frame in SERVER.lines().chain(CLIENT.lines()) {
        let value: Value = serde_json::from_str(frame).expect(frame);
        assert!(value["type"].is_string(), "{frame}");
    }
}

fn messages() -> Vec<ServerMessage> {
    let request_id = RequestId::parse("r1");
    let raw = serde_json::value::RawValue::from_string(r#"{"device":"phone"}"#.into()).unwrap();
    let ada = PeerInfo {
        peer_id: peer("ada"),
        display_name: DisplayName::parse("Ada \"L\" \u{e9}"),
        role: Role::Guest,
        joined_at: Timestamp(1_700_000_000_000),
        metadata: Metadata::from_json(&raw),
    };
    let bob = PeerInfo { peer_id: peer("bob"), display_name: None, metadata: None, ..ada.clone() };
    let version = Version(3);
    let joined = |peers, request_id| ServerMessage::Joined {
        room_id: room_id("visit-42"),
        peer_id: peer("cy"),
        version,
        peers,
        ice_servers: [],
        heartbeat_seconds: 25,
        resumed: false,
        role: Role::Guest,
        request_id,
    };
    vec![
        joined(vec![ada.clone(), bob.clone()], request_id.clone()),
        joined(vec![], None),
        ServerMessage::BootstrapPeers { peers: vec![BootstrapPeer { id: peer("ada") }] },
        ServerMessage::PeerJoined {
            peer_id: peer("ada"),
            display_name: ada.display_name.clone(),
            role: Role::Guest,
            version,
            peers: vec![ada.clone()],
            rejoined: false,
        },
        ServerMessage::PeerLeft {
            peer_id: peer("ada"),
            reason: LeaveReason::Disconnected,
            version,
            peers: vec![bob.clone()],
        },
        ServerMessage::Roster {
            room_id: room_id("visit-42"),
            version,
            peers: vec![bob],
            request_id: request_id.clone(),
        },
        ServerMessage::RoomList {
            rooms: vec![RoomSummary { room_id: room_id("visit-42"), peer_count: 2 }],
            request_id: None,
        },
        ServerMessage::Pong { server_time: Timestamp(1_700_000_000_000), request_id: None },
        ServerMessage::GoingAway { reconnect_after_ms: 1500 },
        Rejection::new(Code::PeerNotFound, "no such peer in this room")
            .to(Some(peer("dan")))
            .answering(request_id)
            .into(),
        Rejection::new(Code::RateLimited, "too many messages")
            .retry_after(std::time::Duration::from_millis(120))
            .into(),
        ServerMessage::Relayed(Redacted::new(r#"{"from":"ada","type":"offer","to":"bob"}"#.into())),
    ]
}
