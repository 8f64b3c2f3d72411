//! Tables of who is told of new ICE servers, and when.

use super::resume_tests::{NOW, RULES, join, lose};
use super::tests::{claim, shown};
use super::*;
use crate::core::*;
use crate::wire::{FromText, RoomId, Version};

#[test]
fn a_client_is_told_of_new_ice_servers_when_half_of_the_time_is_over() {
    let rules = Rules { turn_ttl: Some(std::time::Duration::from_millis(400)), ..RULES };
    let at = |after| Timestamp(NOW.0 + after);
    let ada = claim("c1 ada");
    let room = Room::empty(RoomId::parse("r").unwrap(), Version(0));
    let room = room.decide(&ada.says(join()), NOW, &rules).next.unwrap();
    assert_eq!(room.next_due(), Some(at(200)));
    assert_eq!(shown(&room.decide(&Event::Due, at(199), &rules)), [""; 0]);
    let told = room.decide(&Event::Due, at(200), &rules);
    assert_eq!(shown(&told), ["c1 < ice_servers"]);
    let room = told.next.unwrap();
    assert_eq!(room.next_due(), Some(at(400)));
    // A peer that is away gets them when it comes back.
    let away = lose(&room, "c1", Unread::default());
    assert_eq!(shown(&away.decide(&Event::Due, at(401), &rules)), [""; 0]);
    let event = claim("c2 ada");
    let back = event.says(join());
    let back = away.decide(&back, at(500), &rules).next.unwrap();
    assert_eq!(back.next_due(), Some(at(700)));
}
