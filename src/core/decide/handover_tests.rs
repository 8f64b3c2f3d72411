//! What a place keeps, and what it loses, when it changes hands.

use std::time::Duration;

use super::lobby_tests::{LATER, act, grant, host, join, peer, visit};
use super::tests::claim;
use super::*;
use crate::core::*;
use crate::wire::{HostMessage, ResumeSecret};

const NOW: Timestamp = Timestamp(5_000);
const RULES: Rules = Rules { turn_ttl: Some(Duration::from_secs(600)), ..Rules::DEFAULT };

fn decide(room: &Room, who: &str, what: Said<'_>) -> Room {
    room.decide(&claim(who).says(what), NOW, &RULES).next.unwrap()
}

fn seat(room: &Room, name: &str) -> Seat {
    room.seat(&peer(name)).unwrap().clone()
}

fn secret(text: &str) -> ResumeSecret {
    ResumeSecret::new(text)
}

fn with_secret(what: Said<'static>, text: &str, resume: Option<Resume>) -> Said<'static> {
    let Said::Join(request) = what else { panic!("expected a join") };
    Said::Join(JoinRequest { secret: secret(text), resume, ..request })
}

fn key(text: &str, alone: bool) -> Option<Resume> {
    let key = Key::of(&secret(text));
    Some(Resume { key, received: None, alone, detached: None })
}

/// Pat, who is let in at once, at 1 s.
fn pat() -> Room {
    let grant = Grant { lobby: false, relay_only: true, ..grant("pat") };
    act(&visit(&["c1 doc host"], &[]), "c2 pat", with_secret(join(grant), "pat's", None))
        .next
        .unwrap()
}

#[test]
fn a_guest_that_is_admitted_sits_since_then_and_can_resume() {
    let waiting = visit(&["c1 doc host"], &["c2 pat"]);
    let room = decide(&waiting, "c1 doc", host(HostMessage::Admit(peer("pat"))));
    let pat = seat(&room, "pat");
    assert_eq!((pat.since, pat.next_ice), (NOW, RULES.next_ice(NOW)));
    assert!(room.opens(&peer("pat"), Key::of(&super::tests::secret())), "it can be resumed");
}

#[test]
fn the_answer_to_an_admission_is_not_an_answer_to_the_host() {
    let waiting = visit(&["c1 doc host"], &["c2 pat"]);
    let request_id = crate::wire::FromText::parse("r1");
    let who = claim("c1 doc");
    let what = host(HostMessage::Admit(peer("pat")));
    let decision = waiting.decide(&Event::Said { who: &who, request_id, what }, NOW, &RULES);
    let joined = decision.effects.iter().find_map(|effect| match effect {
        Effect::Send { message: ServerMessage::Joined { request_id, .. }, .. } => Some(request_id),
        _ => None,
    });
    assert_eq!(joined, Some(&None));
}

#[test]
fn a_peer_that_is_sent_back_waits_since_then_and_can_resume_nothing() {
    let room = decide(&pat(), "c1 doc", host(HostMessage::ToLobby(peer("pat"))));
    let waiting = &room.waiting()[0];
    assert_eq!((waiting.since, waiting.keys), (NOW, None));
}

#[test]
fn a_takeover_keeps_the_admission_and_all_else_is_as_the_new_token_says() {
    let waiting = visit(&["c1 doc host"], &["c2 pat"]);
    let admitted = decide(&waiting, "c1 doc", host(HostMessage::Admit(peer("pat"))));
    let room = decide(&admitted, "c3 pat", join(grant("pat")));
    assert_eq!(seat(&room, "pat").here(), Some(&ConnectionId::new("c3")), "it need not wait");
    let room = decide(&pat(), "c3 pat", join(Grant { lobby: false, ..grant("pat") }));
    assert!(!seat(&room, "pat").relay_only);
}

/// The server has lost count, so that the seat is taken anew, by the resume token alone.
#[test]
fn a_resume_token_alone_brings_the_seat_back_as_it_was_taken() {
    let Said::Join(alone) = with_secret(join(grant("pat")), "next", key("pat's", true)) else {
        panic!("expected a join")
    };
    let alone = Said::Join(JoinRequest { grant: None, ..alone });
    let room = decide(&pat(), "c3 pat", alone);
    let back = seat(&room, "pat");
    assert_eq!(back.here(), Some(&ConnectionId::new("c3")));
    assert_eq!((back.since, back.expires_at, back.relay_only), (NOW, Some(LATER), true));
    assert_eq!(back.next_ice, RULES.next_ice(NOW));
    assert!(room.opens(&peer("pat"), Key::of(&secret("next"))), "with the new token");
    assert!(!room.opens(&peer("pat"), Key::of(&secret("pat's"))), "not with the old one");
}

#[test]
fn a_seat_that_is_resumed_lasts_as_long_as_the_later_token_and_says_what_that_says() {
    let away = pat().decide(&Event::lost(ConnectionId::new("c2")), NOW, &RULES).next.unwrap();
    let resumes = |expires_at| {
        let grant = Grant { lobby: false, expires_at, ..grant("pat") };
        decide(&away, "c3 pat", with_secret(join(grant), "next", key("pat's", false)))
    };
    let longer = seat(&resumes(Timestamp(LATER.0 + 1)), "pat");
    assert_eq!(longer.expires_at, Some(Timestamp(LATER.0 + 1)));
    assert_eq!((longer.relay_only, longer.next_ice), (false, RULES.next_ice(NOW)));
    assert_eq!(seat(&resumes(Timestamp(LATER.0 - 1)), "pat").expires_at, Some(LATER));
}

#[test]
fn a_join_that_is_repeated_gets_a_token_that_opens_the_seat() {
    let grant = Grant { lobby: false, ..grant("pat") };
    let room = decide(&pat(), "c2 pat", with_secret(join(grant), "again", None));
    assert!(room.opens(&peer("pat"), Key::of(&secret("again"))));
}

#[test]
fn a_client_whose_media_must_be_relayed_is_told_so() {
    let grant = Grant { lobby: false, relay_only: true, ..grant("pat") };
    let decision = act(&visit(&["c1 doc host"], &[]), "c2 pat", join(grant));
    assert!(decision.effects.iter().any(|effect| matches!(
        effect,
        Effect::Send { message: ServerMessage::Joined { ice, .. }, .. } if ice.relay_only
    )));
}

#[test]
fn a_renewal_is_for_its_own_peer_in_its_own_visit_and_lengthens_no_other_seat() {
    let room = pat();
    let renewed = |grant| act(&room, "c2 pat", Said::Renew(grant));
    let later = Timestamp(LATER.0 + 7);
    let next = renewed(Grant { expires_at: later, ..grant("pat") }).next.unwrap();
    assert_eq!(seat(&next, "pat").expires_at, Some(later));
    assert_eq!(seat(&next, "doc").expires_at, Some(LATER));
    assert!(next.version() > room.version());
    assert_eq!(renewed(grant("pat")).next, None, "nothing new");
    let elsewhere = crate::wire::FromText::parse("other").unwrap();
    for foreign in [grant("doc"), Grant { room: elsewhere, ..grant("pat") }] {
        assert_eq!(renewed(Grant { expires_at: later, ..foreign }).next, None);
    }
}
