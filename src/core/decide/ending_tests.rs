//! Tables of how visits and tokens end: by a host's word, and by the clock.

use super::lobby_tests::*;
use super::tests::{secret, shown, signal};
use super::*;
use crate::core::Grant;
use crate::wire::HostMessage;

#[test]
fn an_ended_visit_is_over_for_everybody_and_stays_so() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let ended = act(&room, "c1 doc", host(HostMessage::EndVisit(None)));
    let told: Vec<_> = ["c1", "c3", "c2"]
        .iter()
        .flat_map(|conn| {
            ["< visit_ended", "< error visit_ended", "x 4011"].map(|told| format!("{conn} {told}"))
        })
        .collect();
    assert_eq!(shown(&ended), told);
    assert_eq!(ended.standing, Standing::Left);
    let room = ended.next.unwrap();
    for role in [Role::Host, Role::Guest] {
        let late = act(&room, "c5 doc", with_role(role));
        assert_eq!(shown(&late), ["c5 < error visit_ended", "c5 x 4011"]);
    }
    let day = 24 * 60 * MINUTE;
    let tomorrow = decide(&room, "c5 doc", with_role(Role::Host), Timestamp(NOW.0 + day));
    assert!(shown(&tomorrow)[0].starts_with("c5 < joined"), "{tomorrow:?}");
}

#[test]
fn a_token_that_ends_ends_its_seat_whoever_speaks_next() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let after = due(&room, Timestamp(LATER.0 + MINUTE));
    let all = ["c1", "c3", "c2"].iter().all(|conn| {
        shown(&after).contains(&format!("{conn} < error unauthorized"))
            && shown(&after).contains(&format!("{conn} x 4001"))
    });
    assert!(all, "{after:?}");
    assert!(after.next.unwrap().is_empty());

    let short = Grant { expires_at: Timestamp(NOW.0 + MINUTE), ..grant("ann") };
    let room = act(&room, "c6 ann", join(Grant { lobby: false, ..short })).next.unwrap();
    let later = decide(
        &room,
        "c3 kim",
        signal(r#"{"type":"offer","to":"ann"}"#),
        Timestamp(NOW.0 + 2 * MINUTE),
    );
    assert!(shown(&later).contains(&"c1 < peer_left ann expired v5 [kim]".to_owned()), "{later:?}");
    assert_eq!(shown(&later).last().unwrap(), "c3 < error peer_not_found");
}

#[test]
fn a_peer_that_speaks_after_its_token_has_ended_hears_of_that_and_nothing_else() {
    let room = visit(&["c1 doc host"], &[]);
    let longer = Grant { expires_at: Timestamp(LATER.0 + 60 * MINUTE), ..grant("ann") };
    let room = act(&room, "c4 ann", join(Grant { lobby: false, ..longer })).next.unwrap();
    let room = act(&room, "c2 pat", guest()).next.unwrap();
    let over = Timestamp(LATER.0 + MINUTE);
    for who in ["c1 doc", "c2 pat"] {
        let conn = who.split_once(' ').unwrap().0;
        let spoke = decide(&room, who, Said::Peers, over);
        let told = shown(&spoke).into_iter().filter(|effect| effect.starts_with(conn));
        let expected = [format!("{conn} < error unauthorized"), format!("{conn} x 4001")];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(spoke.standing, Standing::Left);
    }
    // Others get their answers after what was due.
    let asked = decide(&room, "c4 ann", Said::Peers, over);
    assert_eq!(shown(&asked).last().unwrap(), "c4 < roster v4 []");
    assert_eq!(asked.standing, Standing::Seated);
    let stranger = decide(&room, "c9 doc", Said::Peers, over);
    assert_eq!(shown(&stranger).last().unwrap(), "c9 < error not_joined");
    assert_eq!(stranger.standing, Standing::Unseated);
}

#[test]
fn a_room_knows_when_it_is_due_next() {
    assert_eq!(act(&Room::new(), "c1 ada", open()).next.unwrap().next_due(), None, "no token");
    let end = Timestamp(NOW.0 + 30 * MINUTE);
    let timed = Grant { visit_end: Some(end), lobby: false, ..grant("ann") };
    let short = Grant { expires_at: Timestamp(NOW.0 + 2 * MINUTE), ..timed.clone() };
    let room = act(&Room::new(), "c1 ann", join(timed)).next.unwrap();
    let mut room = act(&room, "c2 bob", join(short)).next.unwrap();
    let mut dues = Vec::new();
    while let Some(time) = room.next_due() {
        dues.push((time.0 - NOW.0) / MINUTE);
        assert_eq!(due(&room, Timestamp(time.0 - 1)).next, None, "nothing is early");
        room = due(&room, time).next.unwrap();
    }
    assert_eq!(dues, [3, 25, 30], "a token and a minute, the warning, the end of the visit");
    assert!(room.is_empty());
}

#[test]
fn a_visit_whose_end_nobody_noticed_does_not_keep_out_the_one_of_the_next_day() {
    let end = Timestamp(NOW.0 + 30 * MINUTE);
    let timed = Grant { visit_end: Some(end), lobby: false, ..grant("ann") };
    let room = act(&Room::new(), "c1 ann", join(timed)).next.unwrap();
    let room = act(&room, "c1 ann", Said::Leave).next.unwrap();
    let day = 24 * 60 * MINUTE;
    for (later, told) in [(0, "c2 < error visit_ended"), (day - 1, "c2 < error visit_ended")] {
        let late = decide(&room, "c2 doc", lasting(day), Timestamp(end.0 + later));
        assert_eq!(shown(&late)[0], told);
    }
    let next_day = decide(&room, "c2 doc", lasting(day), Timestamp(end.0 + day));
    assert!(shown(&next_day)[0].starts_with("c2 < joined"), "{next_day:?}");
}

/// A host's join, with a token that is good for more than this.
fn lasting(millis: u64) -> Said<'static> {
    let expires_at = Timestamp(LATER.0 + millis);
    join(Grant { role: Role::Host, expires_at, ..grant("doc") })
}

fn open() -> Said<'static> {
    Said::Join(crate::core::JoinRequest::new(secret()))
}

#[test]
fn a_visit_warns_and_ends_by_itself() {
    let end = Timestamp(NOW.0 + 30 * MINUTE);
    let timed = |name: &str| join(Grant { visit_end: Some(end), lobby: false, ..grant(name) });
    let room = act(&Room::new(), "c1 doc", timed("doc")).next.unwrap();
    let room = act(&room, "c2 pat", timed("pat")).next.unwrap();
    let at = |minutes: u64| Timestamp(NOW.0 + minutes * MINUTE);
    assert_eq!(due(&room, at(24)).next, None);
    let warned = due(&room, at(25));
    assert_eq!(shown(&warned), ["c1 < visit_ending", "c2 < visit_ending"]);
    let room = warned.next.unwrap();
    assert_eq!(due(&room, at(26)).next, None);
    let late = decide(&room, "c4 ann", timed("ann"), at(26));
    assert_eq!(shown(&late).last().unwrap(), "c4 < visit_ending");
    let over = due(&room, end);
    assert!(shown(&over).contains(&"c1 < error visit_expired".to_owned()), "{over:?}");
    assert!(over.next.unwrap().is_empty());
    let late = decide(&Room::new(), "c3 kim", timed("kim"), end);
    assert_eq!(shown(&late), ["c3 < error visit_expired", "c3 x 4011"]);
}

#[test]
fn a_guest_that_leaves_the_lobby_by_its_own_word_waits_from_the_beginning_when_it_comes_back() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let left = act(&room, "c2 pat", Said::Leave).next.unwrap();
    let back = Timestamp(NOW.0 + 1_000);
    let room = decide(&left, "c2 pat", guest(), back).next.unwrap();
    assert_eq!(room.waiting()[0].since, back);
}

#[test]
fn a_room_is_empty_when_nobody_sits_and_nobody_waits() {
    assert!(Room::new().is_empty());
    let (seated, waiting) = (visit(&["c1 doc host"], &[]), visit(&[], &["c2 pat"]));
    assert!(!seated.is_empty() && !waiting.is_empty());
    assert!(act(&waiting, "c2 pat", Said::Leave).next.unwrap().is_empty());
}

#[test]
fn those_who_wait_hear_of_the_last_host_that_goes_and_of_nobody_else() {
    let room = visit(&["c1 doc host", "c3 ann host", "c4 kim guest"], &["c2 pat"]);
    let told = |left: &Decision| shown(left).iter().any(|effect| effect.starts_with("c2 "));
    let first = act(&room, "c3 ann", Said::Leave);
    assert!(!told(&first), "{first:?}");
    let last = act(&first.next.unwrap(), "c1 doc", Said::Leave);
    assert!(told(&last), "{last:?}");
    let guest = act(&last.next.unwrap(), "c4 kim", Said::Leave);
    assert!(!told(&guest), "{guest:?}");
}

#[test]
fn a_visit_that_ends_by_the_clock_is_not_said_to_have_been_ended_by_a_host() {
    let end = Timestamp(NOW.0 + 30 * MINUTE);
    let timed = Grant { role: Role::Host, visit_end: Some(end), ..grant("doc") };
    let room = act(&Room::new(), "c1 doc", join(timed)).next.unwrap();
    let text = |ended: &Decision| {
        let errors = ended.effects.iter().filter_map(|effect| match effect {
            Effect::Send { message: ServerMessage::Error(it), .. } => Some(it.message.clone()),
            _ => None,
        });
        errors.collect::<Vec<_>>()
    };
    assert_eq!(text(&due(&room, end)), ["the time of this visit is over"]);
    let by_host = act(&room, "c1 doc", host(HostMessage::EndVisit(None)));
    assert_eq!(text(&by_host), ["a host ended this visit"]);
}
