//! Tables of what hosts, and those who wait to be let in, say to each other.

use super::lobby_tests::*;
use super::tests::{shown, signal};
use super::*;
use crate::wire::{FromText, HostMessage, Reason};

#[test]
fn a_guest_that_is_held_keeps_waiting_and_reads_why() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let hold = |who: &str| HostMessage::Hold(peer(who), Reason::parse("A moment, please"));
    let held = act(&room, "c1 doc", host(hold("pat")));
    assert_eq!(shown(&held), ["c2 < waiting"]);
    assert!(held.next.is_none(), "nothing of it is stored");
    let Effect::Send { message: ServerMessage::Waiting { message, since, .. }, .. } =
        &held.effects[0]
    else {
        panic!("{held:?}")
    };
    let told = message.as_ref().map(|reason| serde_json::to_string(reason).unwrap());
    assert_eq!(told.as_deref(), Some("\"A moment, please\""));
    assert_eq!(*since, room.waiting()[0].since);
    // Already let in: there is nobody to hold.
    assert_eq!(shown(&act(&room, "c1 doc", host(hold("kim")))), [""; 0]);
    assert_eq!(shown(&act(&room, "c1 doc", host(hold("eve")))), ["c1 < error peer_not_found"]);
    assert_eq!(shown(&act(&room, "c3 kim", host(hold("pat")))), ["c3 < error forbidden"]);
}

#[test]
fn a_guest_that_waits_may_write_to_one_host_alone_or_to_whichever_is_there() {
    let room = visit(&["c1 doc host", "c3 ann host"], &["c2 pat"]);
    let private = act(&room, "c2 pat", signal(r#"{"type":"chat","to":"doc"}"#));
    assert_eq!(shown(&private), [r#"c1 < {"from":"pat","type":"chat","to":"doc"}"#]);
    let nobody = visit(&[], &["c2 pat"]);
    let unheard = act(&nobody, "c2 pat", signal(r#"{"type":"chat"}"#));
    assert_eq!(shown(&unheard), [""; 0], "no host is there, which is no fault of who waits");
}

#[test]
fn a_guest_that_a_host_turns_away_reads_the_reason() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let why = || Reason::parse("We are full today");
    for (message, conn) in [
        (HostMessage::Deny(peer("pat"), why()), "c2"),
        (HostMessage::Remove(peer("kim"), why()), "c3"),
        (HostMessage::EndVisit(why()), "c3"),
    ] {
        let decision = act(&room, "c1 doc", host(message));
        let told = decision.effects.into_iter().find_map(|effect| match effect {
            Effect::Send { to, message } if to == ConnectionId::new(conn) => Some(message.encode()),
            _ => None,
        });
        let told = told.unwrap();
        assert!(told.contains(r#""reason":"We are full today""#), "{told}");
    }
}
