//! Tables of what a visit remembers of those who are not in it.

use super::lobby_tests::*;
use super::tests::{secret, shown};
use super::*;
use crate::core::Grant;
use crate::wire::HostMessage;

const REMOVED: [&str; 2] = ["c9 < error removed", "c9 x 4010"];

#[test]
fn a_removal_holds_for_a_guest_that_has_just_left_or_lost_its_connection() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    for end in [act(&room, "c3 kim", Said::Leave), lost(&room, "c3")] {
        let away = end.next.unwrap();
        let removed = act(&away, "c1 doc", host(HostMessage::Remove(peer("kim"), None)));
        assert_eq!(shown(&back(&removed.next.unwrap(), NOW, LATER)), REMOVED);
    }
}

#[test]
fn a_host_can_remove_a_guest_that_came_alone_and_left_before_it() {
    let room = visit(&["c3 kim guest"], &[]);
    let left = act(&room, "c3 kim", Said::Leave).next.unwrap();
    let host_comes = act(&left, "c1 doc", with_role(Role::Host)).next.unwrap();
    let removed = act(&host_comes, "c1 doc", host(HostMessage::Remove(peer("kim"), None)));
    assert_eq!(shown(&back(&removed.next.unwrap(), NOW, LATER)), REMOVED);
}

#[test]
fn a_guest_that_has_just_left_can_be_sent_to_the_lobby() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    for end in [act(&room, "c3 kim", Said::Leave), lost(&room, "c3")] {
        let away = end.next.unwrap();
        let sent_back = act(&away, "c1 doc", host(HostMessage::ToLobby(peer("kim"))));
        let back = back(&sent_back.next.unwrap(), NOW, LATER);
        assert_eq!(shown(&back), ["c1 < knock kim", "c9 < waiting"]);
    }
}

#[test]
fn a_guest_that_was_sent_back_waits_also_with_a_later_token() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("kim")))).next.unwrap();
    let much_later = Timestamp(LATER.0 + 60 * MINUTE);
    let renewed = act(&room, "c3 kim", direct("kim", much_later)).next.unwrap();
    let left = act(&renewed, "c3 kim", Said::Leave).next.unwrap();
    let first_is_over = Timestamp(LATER.0 + 2 * MINUTE);
    let again = back(&left, first_is_over, much_later);
    assert!(shown(&again).contains(&"c9 < waiting alone".to_owned()), "{again:?}");
}

#[test]
fn a_removed_guest_does_not_come_back_with_a_later_token() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    assert_eq!(shown(&back(&room, NOW, Timestamp(LATER.0 + MINUTE))), REMOVED);
}

#[test]
fn of_257_removals_exactly_one_is_forgotten() {
    let mut room = visit(&["c1 doc host"], &[]);
    for number in 0..257 {
        let (who, name) = (format!("c3 p{number}"), format!("p{number}"));
        room = act(&room, &who, direct(&name, LATER)).next.unwrap();
        let remove = host(HostMessage::Remove(peer(&name), None));
        room = act(&room, "c1 doc", remove).next.unwrap();
    }
    let forgotten = (0..257).filter(|number| {
        let name = format!("p{number}");
        let again = act(&room, &format!("c9 {name}"), direct(&name, LATER));
        shown(&again) != REMOVED
    });
    assert_eq!(forgotten.collect::<Vec<_>>(), [0]);
}

#[test]
fn only_a_token_that_says_so_and_was_made_later_undoes_a_removal() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let readmitted = |at: u64, lobby| {
        let readmitted_at = Some(Timestamp(at));
        act(&room, "c9 kim", join(Grant { readmitted_at, lobby, ..grant("kim") }))
    };
    assert_eq!(shown(&readmitted(NOW.0, false)), REMOVED);
    let back = readmitted(NOW.0 + 1, false);
    assert!(shown(&back).contains(&"c9 < joined v4 [doc]".to_owned()), "{back:?}");
    let removed_again = decide(
        &back.next.unwrap(),
        "c1 doc",
        host(HostMessage::Remove(peer("kim"), None)),
        Timestamp(NOW.0 + 1),
    );
    let same = join(Grant { readmitted_at: Some(Timestamp(NOW.0 + 1)), ..grant("kim") });
    let same = decide(&removed_again.next.unwrap(), "c9 kim", same, Timestamp(NOW.0 + 2));
    assert_eq!(shown(&same), REMOVED);
}

#[test]
fn a_removed_guest_that_is_readmitted_to_the_lobby_needs_such_a_token_until_it_is_admitted() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let readmitted_at = Some(Timestamp(NOW.0 + 1));
    let readmitted = join(Grant { readmitted_at, ..grant("kim") });
    let waits = act(&room, "c9 kim", readmitted);
    assert_eq!(shown(&waits), ["c1 < knock kim", "c9 < waiting"]);
    let waits = waits.next.unwrap();
    let left = act(&waits, "c9 kim", Said::Leave).next.unwrap();
    assert_eq!(shown(&back(&left, NOW, LATER)), REMOVED);
    let admitted = act(&waits, "c1 doc", host(HostMessage::Admit(peer("kim")))).next.unwrap();
    let left = act(&admitted, "c9 kim", Said::Leave).next.unwrap();
    let again = back(&left, NOW, LATER);
    assert!(shown(&again)[1].starts_with("c9 < joined"), "{again:?}");
}

#[test]
fn a_token_that_is_refused_makes_the_memory_last() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let much_later = Timestamp(LATER.0 + 60 * MINUTE);
    let refused = back(&room, NOW, much_later);
    assert_eq!(
        (shown(&refused), refused.standing),
        (REMOVED.map(str::to_owned).to_vec(), Standing::Unseated)
    );
    let room = refused.next.unwrap();
    // Once is enough, and a token that ends sooner changes nothing.
    for expires_at in [much_later, LATER] {
        assert_eq!(back(&room, NOW, expires_at).next, None);
    }
    let empty = due(&room, Timestamp(LATER.0 + MINUTE)).next.unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.kept_until(), Some(Timestamp(much_later.0 + MINUTE)));
    let late = Timestamp(much_later.0 + MINUTE - 1);
    assert_eq!(shown(&back(&empty, late, much_later)), REMOVED);
    let end_visit = act(&room, "c1 doc", host(HostMessage::EndVisit(None))).next.unwrap();
    let tomorrow = Timestamp(NOW.0 + 25 * 60 * MINUTE);
    let other = decide(&end_visit, "c4 ann", direct("ann", tomorrow), tomorrow);
    assert!(shown(&other)[0].starts_with("c4 < joined"), "{other:?}");
}

#[test]
fn an_ended_visit_still_knows_whom_a_host_has_removed() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let ended = act(&room, "c1 doc", host(HostMessage::EndVisit(None))).next.unwrap();
    let (tomorrow, in_two_days) = (25 * 60 * MINUTE, Timestamp(NOW.0 + 50 * 60 * MINUTE));
    let shown_while_ended = back(&ended, NOW, in_two_days);
    assert_eq!(shown(&shown_while_ended), ["c9 < error visit_ended", "c9 x 4011"]);
    let reopened = shown_while_ended.next.unwrap();
    assert_eq!(shown(&back(&reopened, Timestamp(NOW.0 + tomorrow), in_two_days)), REMOVED);
}

#[test]
fn a_removal_outlasts_its_token_while_the_visit_goes_on() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let much_later = Timestamp(LATER.0 + 60 * MINUTE);
    let renewed = Grant { role: Role::Host, expires_at: much_later, ..grant("doc") };
    let room = act(&room, "c2 doc", join(renewed)).next.unwrap();
    assert_eq!(shown(&back(&room, Timestamp(LATER.0 + 2 * MINUTE), much_later)), REMOVED);
}

#[test]
fn a_removal_holds_until_the_visit_ends_though_all_tokens_end_before() {
    let visit_end = Some(Timestamp(LATER.0 + 60 * MINUTE));
    let timed = |name: &str, role| join(Grant { visit_end, role, lobby: false, ..grant(name) });
    let room = act(&Room::new(), "c1 doc", timed("doc", Role::Host)).next.unwrap();
    let room = act(&room, "c3 kim", timed("kim", Role::Guest)).next.unwrap();
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let room = act(&room, "c1 doc", Said::Leave).next.unwrap();
    assert_eq!(room.kept_until(), visit_end);
    let late = Timestamp(LATER.0 + 30 * MINUTE);
    assert_eq!(shown(&back(&room, late, Timestamp(late.0 + 60 * MINUTE))), REMOVED);
}

#[test]
fn a_visit_that_is_over_is_not_remembered_in_the_next_one_of_its_name() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let next_week = Timestamp(LATER.0 + 7 * 24 * 60 * MINUTE);
    let expires_at = Timestamp(next_week.0 + 60 * MINUTE);
    let doctor = join(Grant { role: Role::Host, expires_at, ..grant("doc") });
    let room = decide(&room, "c2 doc", doctor, next_week).next.unwrap();
    let again = back(&room, next_week, expires_at);
    assert!(shown(&again)[1].starts_with("c9 < joined"), "{again:?}");
}

#[test]
fn a_removal_is_over_with_the_last_token_of_the_visit() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let over = Timestamp(LATER.0 + MINUTE);
    let expires_at = Timestamp(over.0 + 60 * MINUTE);
    assert_eq!(shown(&back(&room, Timestamp(over.0 - 1), expires_at)), REMOVED);
    let doctor = join(Grant { role: Role::Host, expires_at, ..grant("doc") });
    let reopened = decide(&room, "c2 doc", doctor, over).next.unwrap();
    for room in [room, reopened] {
        let again = back(&room, over, expires_at);
        assert!(shown(&again).iter().any(|it| it.starts_with("c9 < joined")), "{again:?}");
    }
}

#[test]
fn an_ended_visit_remembers_only_those_of_whom_a_host_has_decided() {
    let room = visit(&["c1 doc host", "c3 kim guest", "c4 ann guest"], &[]);
    let room = act(&room, "c4 ann", Said::Leave).next.unwrap();
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    assert!(room.knows(&peer("ann"), NOW) && room.knows(&peer("kim"), NOW));
    let ended = act(&room, "c1 doc", host(HostMessage::EndVisit(None))).next.unwrap();
    assert!(!ended.knows(&peer("ann"), NOW) && ended.knows(&peer("kim"), NOW));
}

#[test]
fn a_host_that_says_it_twice_is_heard_once_and_a_removal_is_not_taken_back() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let away = act(&room, "c3 kim", Said::Leave).next.unwrap();
    let (remove, to_lobby) =
        (HostMessage::Remove(peer("kim"), None), HostMessage::ToLobby(peer("kim")));
    let sent_back = act(&away, "c1 doc", host(to_lobby.clone())).next.unwrap();
    assert_eq!(act(&sent_back, "c1 doc", host(to_lobby.clone())).next, None);
    let removed = act(&sent_back, "c1 doc", host(remove.clone())).next.unwrap();
    for message in [remove, to_lobby] {
        let again = act(&removed, "c1 doc", host(message));
        assert_eq!((again.next, again.effects), (None, vec![]));
    }
    for message in [HostMessage::Remove(peer("eve"), None), HostMessage::ToLobby(peer("eve"))] {
        let stranger = act(&removed, "c1 doc", host(message));
        assert_eq!(shown(&stranger), ["c1 < error peer_not_found"]);
    }
}

#[test]
fn the_first_to_be_forgotten_are_those_of_whom_least_would_be_lost() {
    let mut room = visit(&["c1 doc host", "c4 ann guest", "c5 bob guest"], &["c6 pat"]);
    room = act(&room, "c4 ann", Said::Leave).next.unwrap();
    room = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("bob")))).next.unwrap();
    room = act(&room, "c5 bob", Said::Leave).next.unwrap();
    room = lost(&room, "c6").next.unwrap();
    let here = |room: &Room| {
        let all = ["ann", "pat", "bob", "p0"].into_iter();
        all.filter(|name| room.knows(&peer(name), NOW)).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    for number in 0..257 {
        let (who, name) = (format!("c3 p{number}"), format!("p{number}"));
        room = act(&room, &who, direct(&name, LATER)).next.unwrap();
        let remove = host(HostMessage::Remove(peer(&name), None));
        let now = Timestamp(NOW.0 + number);
        room = decide(&room, "c1 doc", remove, now).next.unwrap();
        if seen.last() != Some(&here(&room)) {
            seen.push(here(&room));
        }
    }
    let expected: [&[&str]; 5] =
        [&["ann", "pat", "bob", "p0"], &["pat", "bob", "p0"], &["bob", "p0"], &["p0"], &[]];
    assert_eq!(seen, expected);
}

#[test]
fn a_place_in_the_lobby_is_remembered_before_others_only_while_it_can_be_taken_back() {
    let room = visit(&["c1 doc host", "c4 ann guest"], &["c6 pat"]);
    let room = lost(&room, "c6").next.unwrap();
    let mut room = act(&room, "c4 ann", Said::Leave).next.unwrap();
    let remove = |room: &Room, number: u64, now: Timestamp| {
        let name = format!("p{number}");
        let seated = act(room, &format!("c3 {name}"), direct(&name, LATER)).next.unwrap();
        decide(&seated, "c1 doc", host(HostMessage::Remove(peer(&name), None)), now).next.unwrap()
    };
    for number in 0..254 {
        room = remove(&room, number, NOW);
    }
    for (later, kept, forgotten) in [(19_999, "pat", "ann"), (20_000, "ann", "pat")] {
        let now = Timestamp(NOW.0 + later);
        let full = remove(&room, 254, now);
        let knows = |name| full.knows(&peer(name), now);
        assert!(knows(kept) && !knows(forgotten), "{later} ms after");
    }
}

#[test]
fn a_place_in_the_lobby_is_given_back_for_20_seconds_and_to_everybody_who_lost_one() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let room = act(&room, "c3 kim", join(grant("kim"))).next.unwrap();
    let gone = lost(&lost(&room, "c2").next.unwrap(), "c3").next.unwrap();
    let since = |room: &Room, who: &str, at: u64| {
        let name = who.split_once(' ').unwrap().1;
        let back = decide(room, who, join(grant(name)), Timestamp(at)).next.unwrap();
        (back.waiting_peer(&peer(name)).unwrap().since, back)
    };
    let (pats, both) = since(&gone, "c4 pat", NOW.0 + 19_999);
    let (kims, _) = since(&both, "c5 kim", NOW.0 + 19_999);
    assert_eq!((pats, kims), (NOW, NOW));
    let late = NOW.0 + 20_000;
    assert_eq!(since(&gone, "c4 pat", late).0, Timestamp(late));
}

#[test]
fn a_guest_that_came_back_to_the_lobby_and_leaves_by_its_own_word_has_given_up_its_place() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let sent_back = host(HostMessage::ToLobby(peer("pat")));
    let gone = lost(&room, "c2").next.unwrap();
    let told_to_wait = act(&gone, "c1 doc", sent_back).next.unwrap();
    for room in [gone, told_to_wait] {
        let back = act(&room, "c4 pat", guest()).next.unwrap();
        let left = act(&back, "c4 pat", Said::Leave).next.unwrap();
        let later = Timestamp(NOW.0 + 1);
        let again = decide(&left, "c5 pat", guest(), later).next.unwrap();
        assert_eq!(again.waiting()[0].since, later);
    }
}

#[test]
fn a_removal_takes_the_place_in_the_lobby_and_a_word_to_wait_does_not() {
    let room = lost(&visit(&["c1 doc host"], &["c2 pat"]), "c2").next.unwrap();
    let later = Timestamp(NOW.0 + 2);
    let since = |word| {
        let room = act(&room, "c1 doc", host(word)).next.unwrap();
        let readmitted_at = Some(Timestamp(NOW.0 + 1));
        let back = join(Grant { readmitted_at, ..grant("pat") });
        decide(&room, "c4 pat", back, later).next.unwrap().waiting()[0].since
    };
    assert_eq!(since(HostMessage::ToLobby(peer("pat"))), NOW);
    assert_eq!(since(HostMessage::Remove(peer("pat"), None)), later);
}

#[test]
fn nothing_is_remembered_of_those_who_sit_nor_in_open_mode() {
    let stored = |room: &Room| serde_json::to_value(room).unwrap()["k"].clone();
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    assert!(stored(&room).is_null());
    let left = act(&room, "c3 kim", Said::Leave).next.unwrap();
    assert_eq!(stored(&left).to_string(), r#"[{"p":"kim"}]"#);
    assert!(stored(&back(&left, NOW, LATER).next.unwrap()).is_null());

    let open = || Said::Join(crate::core::JoinRequest::new(secret()));
    let room = act(&Room::new(), "c1 ann", open()).next.unwrap();
    let room = act(&room, "c2 bob", open()).next.unwrap();
    let room = act(&room, "c2 bob", Said::Leave).next.unwrap();
    assert!(stored(&room).is_null());
    let empty = lost(&room, "c1").next.unwrap();
    assert!(stored(&empty).is_null() && empty.kept_until().is_none());
}

#[test]
fn every_record_is_the_same_after_it_was_written_and_read() {
    let room = visit(&["c1 doc host", "c4 ann guest", "c5 bob guest", "c6 kim guest"], &["c7 pat"]);
    let room = act(&room, "c4 ann", Said::Leave).next.unwrap();
    let room = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("bob")))).next.unwrap();
    let room = lost(&room, "c5").next.unwrap();
    let room = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let room = back(&room, NOW, Timestamp(LATER.0 + MINUTE)).next.unwrap();
    let room = act(&room, "c1 doc", host(HostMessage::Admit(peer("pat")))).next.unwrap();
    let room = lost(&room, "c7").next.unwrap();
    let text = serde_json::to_string(&room).unwrap();
    assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room, "{text}");
}

/// Kim comes again at `now`, with a token that needs no admission and ends at `expires_at`.
fn back(room: &Room, now: Timestamp, expires_at: Timestamp) -> Decision {
    decide(room, "c9 kim", direct("kim", expires_at), now)
}

/// A guest that need not be admitted.
fn direct(name: &str, expires_at: Timestamp) -> Said<'static> {
    join(Grant { lobby: false, expires_at, ..grant(name) })
}
