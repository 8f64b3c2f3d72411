use super::*;
use crate::wire::{FromText, Reason};

fn refused(text: &str) -> (Code, String) {
    let rejection = Incoming::parse(text).unwrap_err();
    (rejection.code, rejection.message.into_owned())
}

#[test]
fn every_type_of_the_contract_is_known() {
    for kind in [
        "join",
        "join_room",
        "peers",
        "room_list",
        "leave",
        "leave_room",
        "ping",
        "chat",
        "typing_indicator",
        "end_visit",
    ] {
        let text = format!(r#"{{"type":"{kind}"}}"#);
        assert!(Incoming::parse(&text).is_ok(), "{kind}");
    }
    for kind in [
        "offer",
        "answer",
        "candidate",
        "ice-candidate",
        "signal",
        "batched_signals",
        "renegotiate",
        "ack",
        "connection_rejected",
        "signal_rejected",
        "private_message",
        "kademlia_rpc_request",
        "kademlia_rpc_response",
    ] {
        let text = format!(r#"{{"type":"{kind}","to":"bob"}}"#);
        let message = Incoming::parse(&text).unwrap().message;
        assert_eq!(message.to(), PeerId::parse("bob").as_ref(), "{kind}");
        let (code, message) = refused(&format!(r#"{{"type":"{kind}"}}"#));
        assert_eq!(code, Code::InvalidMessage);
        assert!(message.contains("`to`"), "{kind}: {message}");
    }
}

#[test]
fn a_refusal_names_the_field_and_what_was_expected() {
    for (text, code, parts) in [
        ("x", Code::InvalidJson, ["expected JSON", "line 1"]),
        ("[1]", Code::InvalidMessage, ["one JSON object", "expected"]),
        (r#"{"a":1}"#, Code::InvalidMessage, ["`type`", "a string"]),
        (r#"{"type":7}"#, Code::InvalidMessage, ["`type`", "a string"]),
        (r#"{"type":"Offer"}"#, Code::UnknownType, ["`type`", "offer"]),
        (r#"{"type":"offer","to":7}"#, Code::InvalidMessage, ["`to`", "1 to 128"]),
        (r#"{"type":"offer","to":""}"#, Code::InvalidMessage, ["`to`", "1 to 128"]),
        (r#"{"type":"chat","to":"a b"}"#, Code::InvalidMessage, ["`to`", "1 to 128"]),
        (r#"{"type":"join","roomId":"a/b"}"#, Code::InvalidMessage, ["`roomId`", "1 to 128"]),
        (r#"{"type":"join","peerId":["x"]}"#, Code::InvalidMessage, ["`peerId`", "string"]),
        (
            r#"{"type":"join","displayName":"\u0007"}"#,
            Code::InvalidMessage,
            ["`displayName`", "control"],
        ),
        (r#"{"type":"join","displayName":{}}"#, Code::InvalidMessage, ["`displayName`", "string"]),
        (r#"{"type":"join","metadata":"x"}"#, Code::InvalidMessage, ["`metadata`", "object"]),
        (
            r#"{"type":"join","roomId":"a","roomId":"b"}"#,
            Code::InvalidMessage,
            ["`roomId`", "once"],
        ),
        (r#"{"type":"offer","to":"a","to":"b"}"#, Code::InvalidMessage, ["`to`", "once"]),
        (r#"{"type":"join","token":["x"]}"#, Code::InvalidMessage, ["`token`", "a string"]),
        (r#"{"type":"ping","requestId":5}"#, Code::InvalidMessage, ["`requestId`", "64"]),
    ] {
        let (got, message) = refused(text);
        assert_eq!(got, code, "{text}");
        for part in parts {
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}

#[test]
fn a_refusal_echoes_the_request_id() {
    let rejection = Incoming::parse(r#"{"type":"nonsense","requestId":"r1"}"#).unwrap_err();
    assert_eq!(rejection.request_id, RequestId::parse("r1"));
}

#[test]
fn null_counts_as_absent() {
    let text = concat!(
        r#"{"type":"join","roomId":null,"peerId":null,"displayName":null,"#,
        r#""metadata":null,"token":null,"requestId":null}"#
    );
    let Ok(Incoming { request_id: None, message: ClientMessage::Join(join) }) =
        Incoming::parse(text)
    else {
        panic!("expected a join")
    };
    assert_eq!(*join, Join::default());
}

#[test]
fn values_are_unescaped_before_they_are_checked() {
    let text = r#"{"type":"\u006fffer","to":"b\u006fb"}"#;
    assert_eq!(Incoming::parse(text).unwrap().message.to(), PeerId::parse("bob").as_ref());
}

#[test]
fn a_join_room_moves_and_a_join_does_not() {
    let moves = |text: &str| match Incoming::parse(text).unwrap().message {
        ClientMessage::Join(join) => join.moves,
        other => panic!("expected a join, got {other:?}"),
    };
    assert!(moves(r#"{"type":"join_room","roomId":"a"}"#));
    assert!(!moves(r#"{"type":"join","roomId":"a"}"#));
}

#[test]
fn a_renewal_needs_a_token() {
    let renewal = Incoming::parse(r#"{"type":"renew","token":"eyJ"}"#).unwrap().message;
    assert!(matches!(renewal, ClientMessage::Renew(token) if token.expose() == "eyJ"));
    for text in [r#"{"type":"renew"}"#, r#"{"type":"renew","token":null}"#] {
        let (code, message) = refused(text);
        assert!(code == Code::InvalidMessage && message.contains("`token`"), "{message}");
    }
}

#[test]
fn metrics_count_a_message_by_the_first_name_of_its_type() {
    for (kind, counted_as) in [
        ("join", "join"),
        ("join_room", "join"),
        ("offer", "offer"),
        ("chat", "chat"),
        ("private_message", "private_message"),
        ("peers", "peers"),
        ("room_list", "room_list"),
        ("leave", "leave"),
        ("leave_room", "leave"),
        ("ping", "ping"),
        ("renew", "renew"),
        ("admit", "admit"),
        ("deny", "deny"),
        ("hold", "hold"),
        ("to_lobby", "to_lobby"),
        ("remove", "remove"),
        ("end_visit", "end_visit"),
    ] {
        let text = format!(r#"{{"type":"{kind}","to":"bob","peerId":"bob","token":"t"}}"#);
        assert_eq!(Incoming::parse(&text).unwrap().message.kind(), counted_as);
    }
}

#[test]
fn what_a_host_decides_is_about_the_peer_it_names_for_the_reason_it_gives() {
    let bob = || PeerId::parse("bob").unwrap();
    let why = || Reason::parse("late");
    for (kind, expected) in [
        ("admit", HostMessage::Admit(bob())),
        ("deny", HostMessage::Deny(bob(), why())),
        ("hold", HostMessage::Hold(bob(), Reason::parse("soon"))),
        ("to_lobby", HostMessage::ToLobby(bob())),
        ("remove", HostMessage::Remove(bob(), why())),
        ("end_visit", HostMessage::EndVisit(why())),
    ] {
        let rest = r#""peerId":"bob","reason":"late","message":"soon""#;
        let text = format!(r#"{{"type":"{kind}",{rest}}}"#);
        match Incoming::parse(&text).unwrap().message {
            ClientMessage::Host(message) => assert_eq!(message, expected),
            other => panic!("{kind}: {other:?}"),
        }
    }
    let (code, message) = refused(r#"{"type":"admit"}"#);
    assert!(code == Code::InvalidMessage && message.contains("`peerId`"), "{message}");
}

#[test]
fn a_private_message_may_use_the_old_target_field() {
    let text = r#"{"type":"private_message","targetUserId":"user2","message":"hi"}"#;
    assert_eq!(Incoming::parse(text).unwrap().message.to(), PeerId::parse("user2").as_ref());
    let text = r#"{"type":"private_message","to":null,"targetUserId":"user2"}"#;
    assert_eq!(Incoming::parse(text).unwrap().message.to(), PeerId::parse("user2").as_ref());
}

#[test]
fn a_refusal_never_quotes_the_frame() {
    for text in [r#""secret text""#, "secret text", r#"{"type":"secret text"}"#] {
        let (_, message) = refused(text);
        assert!(!message.contains("secret"), "{message}");
    }
}
