//! What a client asked for on a connection that it has given up since can come late.

use super::lobby_tests::{grant, join, visit};
use super::tests::{claim, shown};
use super::*;
use crate::core::*;
use crate::wire::{ResumeSecret, RoomId, Version};

const NOW: Timestamp = Timestamp(1_000);

fn opened(what: Said<'static>, at: u64) -> Said<'static> {
    let Said::Join(request) = what else { panic!("expected a join") };
    Said::Join(JoinRequest { opened: Some(Timestamp(at)), ..request })
}

fn plain() -> Said<'static> {
    Said::Join(JoinRequest { named_room: true, ..JoinRequest::new(ResumeSecret::new("ada's")) })
}

fn with_key() -> Said<'static> {
    let key = Key::of(&ResumeSecret::new("ada's"));
    let resume = Some(Resume { key, received: None, alone: false, detached: None });
    Said::Join(JoinRequest { resume, ..JoinRequest::new(ResumeSecret::new("next")) })
}

fn decide(room: &Room, who: &str, what: Said<'_>) -> Decision {
    room.decide(&claim(who).says(what), NOW, &Rules::default())
}

/// Ada, on a connection that was opened at 500.
fn ada() -> Room {
    let empty = Room::empty(RoomId::fallback(), Version(0));
    decide(&empty, "c5 ada", opened(plain(), 500)).next.unwrap()
}

#[test]
fn a_join_on_a_connection_opened_before_takes_no_seat_from_a_living_page() {
    for late in [plain(), with_key()] {
        let refused = decide(&ada(), "c4 ada", opened(late, 499));
        assert_eq!(shown(&refused), ["c4 < error replaced", "c4 x 4009"]);
        assert_eq!((refused.next, refused.standing), (None, Standing::Unseated));
    }
}

#[test]
fn one_opened_later_takes_it_and_so_does_one_of_unknown_age() {
    for join in [opened(plain(), 500), opened(plain(), 501), plain(), opened(with_key(), 501)] {
        assert_eq!(decide(&ada(), "c6 ada", join).standing, Standing::Seated);
    }
}

#[test]
fn whoever_takes_or_resumes_a_seat_is_as_old_as_its_own_connection() {
    for join in [opened(plain(), 700), opened(with_key(), 700)] {
        let room = decide(&ada(), "c7 ada", join).next.unwrap();
        let refused = decide(&room, "c6 ada", opened(plain(), 600));
        assert_eq!(shown(&refused), ["c6 < error replaced", "c6 x 4009"]);
    }
}

#[test]
fn a_seat_that_is_away_is_not_kept_from_another_page() {
    let event = Event::lost(ConnectionId::new("c5"));
    let away = ada().decide(&event, NOW, &Rules::default()).next.unwrap();
    assert_eq!(decide(&away, "c4 ada", opened(plain(), 499)).standing, Standing::Seated);
}

#[test]
fn a_place_in_the_lobby_is_not_lost_to_a_late_join_either() {
    let pat = || join(grant("pat"));
    let room = decide(&visit(&["c1 doc host"], &[]), "c5 pat", opened(pat(), 500)).next.unwrap();
    let refused = decide(&room, "c4 pat", opened(pat(), 499));
    assert_eq!(shown(&refused), ["c4 < error replaced", "c4 x 4009"]);
    assert_eq!(refused.next, None);
}
