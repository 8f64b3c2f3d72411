//! Tables of peers that lose their connections and come back.

use super::tests::{claim, names, shown, signal};
use super::*;
use crate::core::*;
use crate::wire::{FromText, ResumeSecret, RoomId, Version};

pub(super) const NOW: Timestamp = Timestamp(1_000);
const GRACE: u64 = 20_000;
pub(super) const RULES: Rules = Rules { max_peers_per_room: 3, ..Rules::DEFAULT };

#[test]
fn what_is_sent_to_a_peer_that_is_away_waits_in_order() {
    let room = lose(&two(), "c2", Unread::default());
    let first = say(&room, OFFER);
    assert_eq!(shown(&first), [""; 0]);
    let second = say(first.next.as_ref().unwrap(), CHAT);
    assert_eq!(shown(&second), [""; 0]);
    let back = resume(&second.next.unwrap(), "c3 bob", "bob's", None);
    assert_eq!(back.standing, Standing::Seated);
    assert_eq!(
        shown(&back),
        [
            "c1 < peer_back bob v6 [bob]",
            "c3 < joined resumed v6 [ada]",
            r#"c3 < {"from":"ada","type":"offer","to":"bob"}"#,
            r#"c3 < {"from":"ada","sentAt":1000,"type":"chat"}"#,
        ]
    );
    assert_eq!(names(&back.next.unwrap()), ["ada", "bob"], "it keeps its place");
}

/// Ada's message to all was decided while Bob was on `c2`, which turned out to be gone.
#[test]
fn a_peer_that_was_gone_when_a_message_to_all_came_gets_it_later() {
    let Said::Signal(chat) = signal(CHAT) else { panic!("expected a signal") };
    let again = |room: &Room| decide(room, "c1 ada", Said::Again(&chat, vec![peer("bob")]));
    let room = again(&lose(&two(), "c2", Unread::default())).next.unwrap();
    let back = resume(&room, "c3 bob", "bob's", None);
    assert_eq!(shown(&back).last().unwrap(), r#"c3 < {"from":"ada","sentAt":1000,"type":"chat"}"#);
    // He may be back already, and others have it.
    let room = room_of(&["c1 ada", "c3 bob", "c4 cy"]);
    assert_eq!(shown(&again(&room)), [r#"c3 < {"from":"ada","sentAt":1000,"type":"chat"}"#]);
    // Where nothing is kept, its sender is told.
    let rules = Rules { unread: UnreadBounds::NONE, ..RULES };
    let room = lose(&two(), "c2", Unread::default());
    let event = claim("c1 ada");
    let event = event.says(Said::Again(&chat, vec![peer("bob")]));
    assert_eq!(shown(&room.decide(&event, NOW, &rules)), ["c1 < error peer_away"]);
}

#[test]
fn a_refusal_that_was_never_written_is_kept_whatever_else_waits() {
    let refusal = r#"{"type":"error","code":"peer_away"}"#;
    let mut texts = vec![r#"{"from":"ada","type":"offer"}"#; 70];
    texts.push(refusal);
    let room = lose(&two(), "c2", frames(0, &texts, 0, 0));
    let back = resume(&room, "c3 bob", "bob's", None);
    let got = shown(&back).iter().filter(|it| it.starts_with("c3 < ")).count();
    assert_eq!(got, 1 + 64 + 1, "`joined`, what fits, and the refusal");
    assert!(shown(&back).contains(&format!("c3 < {refusal}")), "{back:?}");
}

#[test]
fn a_message_that_does_not_fit_is_refused_and_so_are_all_after_it() {
    let large = format!(r#"{{"type":"offer","to":"bob","sdp":"{}"}}"#, "x".repeat(60_000));
    let large: &'static str = large.leak();
    let room = say(&lose(&two(), "c2", Unread::default()), large).next.unwrap();
    let refused = say(&room, large);
    assert_eq!(shown(&refused), ["c1 < error peer_away"]);
    let later = say(&refused.next.unwrap(), OFFER);
    assert_eq!((shown(&later), later.next), (vec!["c1 < error peer_away".to_owned()], None));
}

#[test]
fn nothing_follows_what_a_connection_refused_before_it_ended() {
    let room = lose(&two(), "c2", Unread { full: true, ..counted(0, 1, 1) });
    assert_eq!(shown(&say(&room, OFFER)), ["c1 < error peer_away"]);
}

#[test]
fn at_most_64_messages_wait_for_a_peer() {
    let mut room = lose(&two(), "c2", counted(0, 10, 0));
    for _ in 0..64 {
        let kept = say(&room, OFFER);
        assert_eq!(shown(&kept), [""; 0], "what was written before does not count");
        room = kept.next.unwrap();
    }
    assert_eq!(shown(&say(&room, OFFER)), ["c1 < error peer_away"]);
}

#[test]
fn at_most_256_kilobytes_wait_in_a_room() {
    let rules = Rules { max_peers_per_room: 10, ..Rules::DEFAULT };
    let mut room = room_of(&["c0 ada", "c1 p1", "c2 p2", "c3 p3", "c4 p4", "c5 p5"]);
    let mut kept = 0;
    for nth in 1..=5 {
        let conn = ConnectionId::new(format!("c{nth}"));
        room = room.decide(&Event::lost(conn), NOW, &rules).next.unwrap();
        let text = format!(r#"{{"type":"offer","to":"p{nth}","sdp":"{}"}}"#, "x".repeat(60_000));
        let what = signal(text.leak());
        let decision = room.decide(&claim("c0 ada").says(what), NOW, &rules);
        kept += usize::from(decision.effects.is_empty());
        room = decision.next.unwrap();
    }
    assert_eq!(kept, 4);
}

#[test]
fn a_runtime_that_keeps_nothing_refuses_at_once_and_stores_nothing() {
    let rules = Rules { unread: UnreadBounds::NONE, ..RULES };
    let room = lose(&two(), "c2", Unread::default());
    let refused = room.decide(&claim("c1 ada").says(signal(OFFER)), NOW, &rules);
    assert_eq!((shown(&refused), &refused.next), (vec!["c1 < error peer_away".to_owned()], &None));
    let back = room.decide(&claim("c3 bob").says(wants_back("bob's", Some(7))), NOW, &rules);
    assert_eq!(
        shown(&back),
        ["c1 < peer_back bob v4 [bob]", "c3 < joined resumed v4 [ada]"],
        "what was sent counts as received"
    );
}

/// Bob received frames up to number 5, was sent 6 and 7, and 8 was never written.
#[test]
fn a_client_gets_every_frame_after_those_that_it_counts() {
    let unread = counted(5, 2, 1);
    let get = |received| {
        let room = lose(&two(), "c2", unread.clone());
        let back = resume(&room, "c3 bob", "bob's", received);
        let resumed = shown(&back).contains(&"c3 < joined resumed, 9 taken, v4 [ada]".to_owned());
        let frames =
            shown(&back).into_iter().filter_map(|it| Some(it.strip_prefix("c3 < ")?.to_owned()));
        (resumed, frames.skip(1).collect::<Vec<_>>())
    };
    assert_eq!(get(Some(5)), (true, vec!["6".into(), "7".into(), "8".into()]));
    assert_eq!(get(Some(6)), (true, vec!["7".into(), "8".into()]));
    assert_eq!(get(Some(7)), (true, vec!["8".into()]));
    assert_eq!(get(None), (true, vec!["8".into()]), "what was never written");
    assert_eq!(get(Some(8)), (true, vec!["8".into()]), "it counted the error before the close");
    for impossible in [0, 4, 9, u64::MAX] {
        assert!(!get(Some(impossible)).0, "{impossible}");
    }
}

#[test]
fn a_host_that_resumes_sees_the_lobby_as_it_is_after_older_news_of_it() {
    use super::lobby_tests::{grant, guest, join};
    let host = |secret| match join(Grant { role: Role::Host, lobby: false, ..grant("doc") }) {
        Said::Join(request) => Said::Join(JoinRequest { secret, ..request }),
        other => other,
    };
    let empty = Room::empty(RoomId::fallback(), Version(0));
    let room = decide(&empty, "c1 doc", host(secret("doc's"))).next.unwrap();
    let room = decide(&room, "c2 pat", guest()).next.unwrap();
    let room = lose(&room, "c1", frames(0, &["knock"], 0, 0));
    let back = resume(&decide(&room, "c2 pat", Said::Leave).next.unwrap(), "c3 doc", "doc's", None);
    assert_eq!(shown(&back)[1..], ["c3 < knock", "c3 < lobby []"]);
}

#[test]
fn a_client_that_missed_too_much_is_a_new_page() {
    let room = say(&lose(&two(), "c2", counted(5, 2, 0)), OFFER).next.unwrap();
    let back = resume(&room, "c3 bob", "bob's", Some(3));
    assert_eq!(
        shown(&back),
        [
            "c1 < peer_joined bob again v5 [bob]",
            "c1 < error peer_gone bob 1",
            "c3 < joined v5 [ada]",
        ]
    );
}

#[test]
fn a_client_resumes_while_its_old_connection_still_stands() {
    let detached = Some((ConnectionId::new("c2"), counted(5, 1, 1)));
    let back = decide(&two(), "c3 bob", wants("bob's", Some(5), detached, "new"));
    assert_eq!(
        shown(&back),
        [
            "c1 < peer_back bob v3 [bob]",
            "c2 < error replaced",
            "c2 x 4009",
            "c3 < joined resumed, 9 taken, v3 [ada]",
            "c3 < 6",
            "c3 < 7",
        ]
    );
    // Nothing is known of what another connection than the detached one has left behind.
    let other = Some((ConnectionId::new("c9"), counted(5, 1, 1)));
    let back = decide(&two(), "c3 bob", wants("bob's", Some(5), other, "new"));
    assert!(shown(&back).contains(&"c3 < joined v3 [ada]".to_owned()), "{back:?}");
}

#[test]
fn a_peer_that_does_not_come_back_in_time_leaves_and_its_senders_are_told() {
    let room = lose(&two(), "c2", counted(5, 2, 0));
    let room = say(&say(&room, OFFER).next.unwrap(), OFFER).next.unwrap();
    assert_eq!(room.next_due(), Some(Timestamp(NOW.0 + GRACE)));
    let gone = room.decide(&Event::Due, Timestamp(NOW.0 + GRACE), &RULES);
    assert_eq!(
        shown(&gone),
        ["c1 < peer_left bob timeout v6 []", "c1 < error peer_gone bob 2"],
        "what was written is not counted"
    );
    let room = gone.next.unwrap();
    let late = resume(&room, "c3 bob", "bob's", Some(5));
    assert!(shown(&late).contains(&"c3 < joined v7 [ada]".to_owned()), "{late:?}");
}

#[test]
fn a_sender_that_is_away_itself_hears_of_what_was_dropped_when_it_comes_back() {
    let room = say(&lose(&two(), "c2", Unread::default()), OFFER).next.unwrap();
    let later = Timestamp(NOW.0 + 10_000);
    let room = room.decide(&Event::lost(ConnectionId::new("c1")), later, &RULES).next.unwrap();
    let room = room.decide(&Event::Due, Timestamp(NOW.0 + GRACE), &RULES).next.unwrap();
    let back = resume(&room, "c3 ada", "ada's", None);
    assert!(shown(&back)[1].contains(r#""code":"peer_gone""#), "{back:?}");
}

#[test]
fn what_a_peer_could_not_be_told_at_once_it_is_told_later() {
    let seat = |room: &Room| room.seat(&peer("ada")).unwrap().since;
    let tell = |room: &Room, since| {
        let rejection = Rejection::new(Code::PeerGone, "dropped").to(Some(peer("bob"))).counting(2);
        let event = Event::Untold { peer: peer("ada"), since, rejection };
        room.decide(&event, NOW, &RULES)
    };
    let here = two();
    assert_eq!(shown(&tell(&here, seat(&here))), ["c1 < error peer_gone bob 2"]);
    let away = lose(&here, "c1", Unread::default());
    let kept = tell(&away, seat(&away));
    assert_eq!(shown(&kept), [""; 0]);
    let back = resume(&kept.next.unwrap(), "c3 ada", "ada's", None);
    assert!(shown(&back).last().unwrap().contains(r#""code":"peer_gone""#), "{back:?}");
    let another_page = Timestamp(seat(&here).0 + 1);
    assert_eq!(shown(&tell(&here, another_page)), [""; 0]);
}

#[test]
fn in_open_mode_the_seat_that_was_away_longest_yields_to_a_newcomer() {
    let full = room_of(&["c1 ada", "c2 bob", "c3 cy"]);
    let full = lose(&full, "c2", Unread::default());
    let later = Timestamp(NOW.0 + 1);
    let full = full.decide(&Event::lost(ConnectionId::new("c1")), later, &RULES).next.unwrap();
    let joined = full.decide(&claim("c4 dan").says(join()), later, &RULES);
    assert_eq!(
        shown(&joined),
        [
            "c3 < peer_left bob timeout v6 [ada away]",
            "c3 < peer_joined dan v7 [ada away, dan]",
            "c4 < joined v7 [ada away, cy]",
        ]
    );
}

/// The operator has fewer seats in a room than there were.
#[test]
fn a_seat_that_has_yielded_is_over_even_if_the_room_is_still_full() {
    let room = lose(&room_of(&["c1 ada", "c2 bob", "c3 cy"]), "c2", Unread::default());
    let fewer = Rules { max_peers_per_room: 1, ..RULES };
    let refused = room.decide(&claim("c4 dan").says(join()), NOW, &fewer);
    assert_eq!(shown(&refused)[2..], ["? c1 c3", "c4 < error room_full"]);
    assert_eq!(shown(&refused)[0], "c1 < peer_left bob timeout v5 [cy]");
    assert_eq!(names(&refused.next.unwrap()), ["ada", "cy"]);
}

#[test]
fn a_resume_token_that_comes_alone_and_opens_nothing_lets_nobody_in() {
    let request = JoinRequest {
        resume: Some(Resume {
            key: Key::of(&secret("x")),
            received: None,
            alone: true,
            detached: None,
        }),
        ..JoinRequest::new(secret("new"))
    };
    let refused = decide(&two(), "c3 bob", Said::Join(request));
    assert_eq!(shown(&refused), ["c3 < error unauthorized", "c3 x 4001"]);
    assert_eq!(refused.next, None);
}

#[test]
fn a_room_with_peers_that_are_away_is_the_same_after_it_was_written_and_read() {
    let room = say(&lose(&two(), "c2", counted(5, 2, 1)), OFFER).next.unwrap();
    let room =
        resume(&lose(&room, "c1", Unread::UNKNOWN), "c3 bob", "bob's", Some(6)).next.unwrap();
    let text = serde_json::to_string(&room).unwrap();
    assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room);
    assert!(!text.contains("bob's"), "{text}");
}

pub(super) const OFFER: &str = r#"{"type":"offer","to":"bob"}"#;
const CHAT: &str = r#"{"type":"chat"}"#;

/// Ada on `c1` and Bob on `c2`, whose secrets are their names.
pub(super) fn two() -> Room {
    room_of(&["c1 ada", "c2 bob"])
}

fn room_of(seats: &[&str]) -> Room {
    let empty = Room::empty(RoomId::fallback(), Version(0));
    let rules = Rules { max_peers_per_room: 10, ..RULES };
    seats.iter().fold(empty, |room, who| {
        let (_, name) = who.split_once(' ').unwrap();
        let request = JoinRequest {
            named_room: true,
            ..JoinRequest::new(ResumeSecret::new(format!("{name}'s")))
        };
        room.decide(&claim(who).says(Said::Join(request)), NOW, &rules).next.unwrap()
    })
}

pub(super) fn decide(room: &Room, who: &str, what: Said<'_>) -> Decision {
    room.decide(&claim(who).says(what), NOW, &RULES)
}

pub(super) fn lose(room: &Room, conn: &str, unread: Unread) -> Room {
    let event = Event::Lost { conn: ConnectionId::new(conn), unread };
    room.decide(&event, NOW, &RULES).next.unwrap()
}

pub(super) fn say(room: &Room, text: &'static str) -> Decision {
    decide(room, "c1 ada", signal(text))
}

/// Frames that are their own numbers, from `before + 1` on. Nine were taken from the client.
pub(super) fn counted(before: u64, written: usize, waiting: usize) -> Unread {
    let numbers: Vec<_> =
        (1..=written + waiting).map(|nth| (before + nth as u64).to_string()).collect();
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    frames(before, &numbers, written, 9)
}

pub(super) fn frames(before: u64, texts: &[&str], written: usize, taken: u64) -> Unread {
    let frames = texts.iter().map(|text| Frame::new(*text)).collect();
    let receipt = Receipt::Counted { before, written, taken };
    Unread { frames, receipt, full: false }
}

fn resume(room: &Room, who: &str, with: &str, received: Option<u64>) -> Decision {
    resume_with(room, who, with, received, "new")
}

pub(super) fn resume_with(
    room: &Room,
    who: &str,
    with: &str,
    received: Option<u64>,
    new: &str,
) -> Decision {
    decide(room, who, wants(with, received, None, new))
}

fn wants_back(with: &str, received: Option<u64>) -> Said<'static> {
    wants(with, received, None, "new")
}

pub(super) fn wants(
    with: &str,
    received: Option<u64>,
    detached: Option<(ConnectionId, Unread)>,
    new: &str,
) -> Said<'static> {
    let key = Key::of(&secret(with));
    let resume = Some(Resume { key, received, alone: false, detached });
    Said::Join(JoinRequest { named_room: true, resume, ..JoinRequest::new(secret(new)) })
}

pub(super) fn join() -> Said<'static> {
    Said::Join(JoinRequest { named_room: true, ..JoinRequest::new(secret("new")) })
}

pub(super) fn secret(text: &str) -> ResumeSecret {
    ResumeSecret::new(text)
}

pub(super) fn peer(name: &str) -> PeerId {
    PeerId::parse(name).unwrap()
}
