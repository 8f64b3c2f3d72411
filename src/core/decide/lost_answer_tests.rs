//! Tables of clients that never see the answer to a resume, and resume again.

use super::resume_tests::*;
use super::tests::{claim, shown};
use crate::core::*;

#[test]
fn the_token_before_is_good_until_the_client_was_heard() {
    let room = lose(&two(), "c2", counted(5, 2, 0));
    let once = resume_with(&room, "c3 bob", "bob's", Some(6), "second");
    assert_eq!(shown(&once).last().unwrap(), "c3 < 7");
    let room = once.next.unwrap();

    // It was never heard: all that was sent to it is sent again, in the count of the first token.
    let lost = lose(&room, "c3", frames(0, &["7"], 1, 0));
    let again = resume_with(&lost, "c4 bob", "bob's", Some(6), "third");
    assert_eq!(shown(&again).last().unwrap(), "c4 < 7");
    assert!(shown(&again)[1].starts_with("c4 < joined resumed, 9 taken,"), "{again:?}");

    // It was heard, so it has the second token, and the first is no longer valid.
    for heard in [frames(1, &[], 0, 0), frames(0, &["7"], 1, 1)] {
        let lost = lose(&room, "c3", heard);
        assert!(!lost.opens(&peer("bob"), Key::of(&secret("bob's"))));
        assert!(lost.opens(&peer("bob"), Key::of(&secret("second"))));
    }
    let spoke = room.decide(&claim("c3 bob").says(Said::Peers), NOW, &RULES).next.unwrap();
    assert!(!spoke.opens(&peer("bob"), Key::of(&secret("bob's"))));
}

/// Bob counts on from the last `joined` that he has seen, however many he has not.
#[test]
fn answers_may_be_lost_one_after_the_other() {
    let room = lose(&two(), "c2", counted(5, 2, 0));
    let room = resume_with(&room, "c3 bob", "bob's", Some(6), "second").next.unwrap();
    // Frame 7 was sent on both connections, and may have come over the first one after all.
    for (count, unproven) in [(6, &["7"][..]), (7, &[])] {
        let lost = lose(&room, "c3", frames(0, &["7"], 1, 0));
        let again = resume_with(&lost, "c4 bob", "bob's", Some(count), "third");
        let sent = shown(&again).into_iter().skip(2).collect::<Vec<_>>();
        assert_eq!(sent, unproven.iter().map(|it| format!("c4 < {it}")).collect::<Vec<_>>());

        let lost = lose(&again.next.unwrap(), "c4", frames(0, unproven, unproven.len(), 0));
        let lost = say(&lost, OFFER).next.unwrap();
        let third = resume_with(&lost, "c5 bob", "bob's", Some(count), "fourth");
        let sent = shown(&third);
        assert!(sent[1].starts_with("c5 < joined resumed, 9 taken,"), "{sent:?}");
        assert_eq!(sent.len(), 2 + unproven.len() + 1, "{sent:?}");
        assert!(sent.last().unwrap().contains("offer"), "{sent:?}");
    }
}

#[test]
fn the_token_before_opens_nothing_for_a_client_that_a_standing_connection_has_heard() {
    let room = lose(&two(), "c2", counted(5, 2, 0));
    let room = resume_with(&room, "c3 bob", "bob's", Some(7), "second").next.unwrap();
    let comes = |heard| {
        let detached = Some((ConnectionId::new("c3"), heard));
        let back = decide(&room, "c4 bob", wants("bob's", Some(7), detached, "third"));
        shown(&back).iter().any(|effect| effect.contains("joined resumed"))
    };
    assert!(comes(frames(0, &[], 0, 0)), "the answer may have been lost");
    for heard in [frames(1, &[], 0, 0), frames(0, &[], 0, 1)] {
        assert!(!comes(heard), "the client has the second token");
    }
}
