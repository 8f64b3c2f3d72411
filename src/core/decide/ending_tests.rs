//! Tables of how visits and tokens end: by a host's word, and by the clock.

use super::lobby_tests::*;
use super::tests::{shown, signal};
use super::*;
use crate::core::Grant;
use crate::wire::HostMessage;

#[test]
fn an_ended_visit_is_over_for_everybody_and_stays_so() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let ended = act(&room, "c1 doc", &host(HostMessage::EndVisit(None)));
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
        let late = act(&room, "c5 doc", &with_role(role));
        assert_eq!(shown(&late), ["c5 < error visit_ended", "c5 x 4011"]);
    }
    let day = 24 * 60 * MINUTE;
    let tomorrow = decide(&room, "c5 doc", &with_role(Role::Host), Timestamp(NOW.0 + day));
    assert!(shown(&tomorrow)[0].starts_with("c5 < joined"), "{tomorrow:?}");
}

#[test]
fn a_token_that_ends_ends_its_seat_whoever_speaks_next() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let after = decide(&room, "c1 doc", &Event::Due, Timestamp(LATER.0 + MINUTE));
    let all = ["c1", "c3", "c2"].iter().all(|conn| {
        shown(&after).contains(&format!("{conn} < error unauthorized"))
            && shown(&after).contains(&format!("{conn} x 4001"))
    });
    assert!(all, "{after:?}");
    assert!(after.next.unwrap().is_empty());

    let short = Grant { expires_at: Timestamp(NOW.0 + MINUTE), ..grant("ann") };
    let room = act(&room, "c6 ann", &join(Grant { lobby: false, ..short })).next.unwrap();
    let later = decide(
        &room,
        "c3 kim",
        &signal(r#"{"type":"offer","to":"ann"}"#),
        Timestamp(NOW.0 + 2 * MINUTE),
    );
    assert!(shown(&later).contains(&"c1 < peer_left ann expired v5 [kim]".to_owned()), "{later:?}");
    assert_eq!(shown(&later).last().unwrap(), "c3 < error peer_not_found");
}

#[test]
fn a_visit_warns_and_ends_by_itself() {
    let end = Timestamp(NOW.0 + 30 * MINUTE);
    let timed = |name: &str| join(Grant { visit_end: Some(end), lobby: false, ..grant(name) });
    let room = act(&Room::new(), "c1 doc", &timed("doc")).next.unwrap();
    let room = act(&room, "c2 pat", &timed("pat")).next.unwrap();
    let at = |minutes: u64| Timestamp(NOW.0 + minutes * MINUTE);
    assert_eq!(decide(&room, "c1 doc", &Event::Due, at(24)).next, None);
    let warned = decide(&room, "c1 doc", &Event::Due, at(25));
    assert_eq!(shown(&warned), ["c1 < visit_ending", "c2 < visit_ending"]);
    let room = warned.next.unwrap();
    assert_eq!(decide(&room, "c2 pat", &Event::Due, at(26)).next, None);
    let late = decide(&room, "c4 ann", &timed("ann"), at(26));
    assert_eq!(shown(&late).last().unwrap(), "c4 < visit_ending");
    let over = decide(&room, "c2 pat", &Event::Due, end);
    assert!(shown(&over).contains(&"c1 < error visit_expired".to_owned()), "{over:?}");
    assert!(over.next.unwrap().is_empty());
    let late = decide(&Room::new(), "c3 kim", &timed("kim"), end);
    assert_eq!(shown(&late), ["c3 < error visit_expired", "c3 x 4011"]);
}
