//! What the driver makes of joins by clients that sit already, or sat a moment ago.

use visio_signaling::core::{Grant, Unread};
use visio_signaling::token::Gatekeeper;
use visio_signaling::wire::{JoinDefaults, Role, Timestamp};

use super::delivering::World;
use super::{peer, room_id};

#[test]
fn a_client_resumes_while_its_old_connection_still_stands_and_need_not_say_where_it_sat() {
    let mut world = World::of(["ada", "bob"]);
    world.opens("bob");
    world.hears("bob", r#"{"type":"join","resumeToken":"visit/bob/s1"}"#);
    assert!(world.sent("bob")[0].contains(r#""resumed":true"#), "{:?}", world.sent("bob"));
    let claim = world.connection("bob").claim.clone().unwrap();
    assert_eq!((claim.room, claim.peer), (room_id("visit"), peer("bob")));
}

#[test]
fn a_join_that_names_another_seat_than_its_resume_token_resumes_nothing() {
    for (named, resumed) in [
        (r#""roomId":"visit","peerId":"bob""#, true),
        (r#""roomId":"visit""#, true),
        (r#""peerId":"bob""#, true),
        (r#""roomId":"visit","peerId":"cy""#, false),
        (r#""roomId":"other","peerId":"bob""#, false),
    ] {
        let mut world = World::of(["ada", "bob"]);
        world.opens("bob");
        world.hears("bob", &format!(r#"{{"type":"join",{named},"resumeToken":"visit/bob/s1"}}"#));
        let joined = world.sent("bob")[0].contains(r#""resumed":true"#);
        assert_eq!(joined, resumed, "{named}");
    }
}

#[test]
fn the_health_check_names_its_room_as_clients_do_and_resumes() {
    let mut world = World::within(room_id("visit").own(), ["ada", "bob"]);
    world.opens("bob");
    let tokens = r#""roomId":"visit","resumeToken":"own/visit/bob/s1""#;
    world.hears("bob", &format!(r#"{{"type":"join",{tokens}}}"#));
    assert!(world.sent("bob")[0].contains(r#""resumed":true"#), "{:?}", world.sent("bob"));
}

#[test]
fn a_visit_token_for_another_seat_resumes_nothing() {
    for (token, resumed) in [("visit bob", true), ("visit cy", false), ("other bob", false)] {
        let mut world = World::of([]);
        world.driver.gatekeeper = Gatekeeper::new(|token, _| Ok(grant(token.expose())));
        for name in ["ada", "bob"] {
            world.opens(name);
            world.hears(name, &format!(r#"{{"type":"join","token":"visit {name}"}}"#));
        }
        world.opens("bob");
        let tokens = format!(r#""token":"{token}","resumeToken":"visit/bob/s1""#);
        world.hears("bob", &format!(r#"{{"type":"join",{tokens}}}"#));
        let joined = world.sent("bob")[0].contains(r#""resumed":true"#);
        let claim = world.connection("bob").claim.clone().unwrap();
        let seat = format!("{} {}", claim.room.as_str(), claim.peer.as_str());
        assert_eq!((joined, seat.as_str()), (resumed, token));
    }
}

#[test]
fn a_client_that_sits_cannot_take_another_seat_with_its_resume_token() {
    let mut world = World::of(["ada", "bob"]);
    world.hears("ada", r#"{"type":"join","resumeToken":"visit/bob/s1"}"#);
    let refused = world.sent("ada").last().cloned().unwrap();
    assert!(refused.contains(r#""code":"already_joined""#), "{refused}");
    world.hears("ada", r#"{"type":"offer","to":"bob"}"#);
    assert!(world.sent("bob").last().unwrap().contains(r#""type":"offer""#), "bob sits as before");
}

#[test]
fn in_open_mode_a_client_that_has_missed_too_much_sits_anew_as_its_join_says() {
    let mut world = World::of(["ada", "bob"]);
    world.driver.outbox.0.lock().unwrap().unread = Unread::UNKNOWN;
    world.opens("bob");
    let named = r#""displayName":"Bobby","resumeToken":"visit/bob/s1""#;
    world.hears("bob", &format!(r#"{{"type":"join",{named}}}"#));
    assert!(world.sent("bob")[0].contains(r#""resumed":false"#), "{:?}", world.sent("bob"));
    let news = world.sent("ada").last().cloned().unwrap();
    assert!(news.contains(r#""rejoined":true"#) && news.contains("Bobby"), "{news}");
}

#[test]
fn a_client_that_names_its_room_in_the_join_or_the_url_hears_of_the_others_once() {
    let introduced = |url: &str, join: &str| {
        let mut world = World::of(["ada"]);
        world.opens("bob");
        world.connection("bob").defaults = JoinDefaults::parse(url);
        world.hears("bob", join);
        world.sent("bob").iter().any(|it| it.contains("bootstrap_peers"))
    };
    assert!(!introduced("", r#"{"type":"join","roomId":"visit"}"#));
    assert!(!introduced("roomId=visit", r#"{"type":"join"}"#));
    assert!(introduced("", r#"{"type":"join"}"#));
}

/// What a token that is "ROOM PEER" grants.
fn grant(token: &str) -> Grant {
    let (room, subject) = token.split_once(' ').unwrap();
    Grant {
        subject: peer(subject),
        room: room_id(room),
        role: Role::Guest,
        name: None,
        lobby: false,
        capacity: None,
        relay_only: false,
        expires_at: Timestamp(1_000_000),
        visit_end: None,
        readmitted_at: None,
    }
}
