//! Tables of a host that tells somebody in the lobby that it was seen.

use super::lobby_tests::*;
use super::tests::shown;
use super::*;
use crate::wire::{FromText, HostMessage, Reason};

#[test]
fn who_is_held_keeps_waiting_and_reads_why() {
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
