//! Tables of visits with tokens: the lobby, and what hosts decide of it.

use super::tests::{claim, names, secret, shown, signal};
use super::*;
use crate::core::{Grant, JoinRequest};
use crate::wire::{FromText, HostMessage, RoomId};

pub(super) const MINUTE: u64 = 60_000;
pub(super) const NOW: Timestamp = Timestamp(1_000 * MINUTE);
/// When tokens end, unless a test says otherwise.
pub(super) const LATER: Timestamp = Timestamp(1_060 * MINUTE);

#[test]
fn a_guest_waits_and_hears_of_nobody() {
    let lone = act(&Room::new(), "c1 pat", guest());
    assert_eq!(shown(&lone), ["c1 < waiting alone"]);
    assert_eq!(lone.standing, Standing::Seated);
    let room = lone.next.unwrap();
    assert!(room.seats().is_empty());

    let host = act(&room, "c2 doc", with_role(Role::Host));
    assert_eq!(shown(&host), ["c2 < joined v2 []", "c2 < lobby [pat]", "c1 < waiting"]);
    let room = host.next.unwrap();
    let second = act(&room, "c3 kim", guest());
    assert_eq!(shown(&second), ["c2 < knock kim", "c3 < waiting"]);
    let room = second.next.unwrap();
    let left = act(&room, "c2 doc", Said::Leave);
    assert_eq!(shown(&left), ["c1 < waiting alone", "c3 < waiting alone"]);
}

#[test]
fn a_guest_that_is_admitted_joins_and_may_speak() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let admitted = act(&room, "c1 doc", host(HostMessage::Admit(peer("pat"))));
    assert_eq!(
        shown(&admitted),
        ["c1 < peer_joined pat v3 [pat]", "c2 < joined v3 [doc]", "c1 < lobby []"]
    );
    let room = admitted.next.unwrap();
    let offer = act(&room, "c2 pat", signal(r#"{"type":"offer","to":"doc"}"#));
    assert_eq!(shown(&offer), [r#"c1 < {"from":"pat","type":"offer","to":"doc"}"#]);
    // Once more, by a second click: nothing.
    assert_eq!(shown(&act(&room, "c1 doc", host(HostMessage::Admit(peer("pat"))))), [""; 0]);
}

#[test]
fn in_the_lobby_there_is_chat_with_hosts_and_nothing_else() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    for text in [
        r#"{"type":"offer","to":"doc"}"#,
        r#"{"type":"private_message","to":"doc"}"#,
        r#"{"type":"typing_indicator"}"#,
    ] {
        assert_eq!(shown(&act(&room, "c2 pat", signal(text))), ["c2 < error not_joined"]);
    }
    for event in [Said::Peers, Said::RoomList] {
        assert_eq!(shown(&act(&room, "c2 pat", event)), ["c2 < error not_joined"]);
    }
    let all = act(&room, "c2 pat", signal(r#"{"type":"chat"}"#));
    assert_eq!(shown(&all), [r#"c1 < {"from":"pat","sentAt":60000000,"type":"chat"}"#]);
    let kim = act(&room, "c2 pat", signal(r#"{"type":"chat","to":"kim"}"#));
    assert_eq!(shown(&kim), ["c2 < error peer_not_found"]);
    let answer = act(&room, "c1 doc", signal(r#"{"type":"chat","to":"pat"}"#));
    assert_eq!(shown(&answer), [r#"c2 < {"from":"doc","type":"chat","to":"pat"}"#]);
    for (who, text) in
        [("c1 doc", r#"{"type":"offer","to":"pat"}"#), ("c3 kim", r#"{"type":"chat","to":"pat"}"#)]
    {
        let conn = who.split_once(' ').unwrap().0;
        let refused = shown(&act(&room, who, signal(text)));
        assert_eq!(refused, [format!("{conn} < error peer_not_found")]);
    }
    let chat = act(&room, "c1 doc", signal(r#"{"type":"chat"}"#));
    assert!(shown(&chat).iter().all(|effect| effect.starts_with("c3 ")));
}

#[test]
fn a_guest_that_is_denied_is_told_and_closed() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let denied = act(&room, "c1 doc", host(HostMessage::Deny(peer("pat"), None)));
    assert_eq!(shown(&denied), ["c2 < denied", "c2 x 4003", "c1 < lobby []"]);
    assert!(denied.next.unwrap().waiting().is_empty());
}

#[test]
fn a_reload_keeps_the_place_and_the_admission() {
    let waiting = visit(&["c1 doc host"], &["c2 pat"]);
    let since = waiting.waiting()[0].since;
    let gone = lost(&waiting, "c2").next.unwrap();
    let back = decide(&gone, "c4 pat", guest(), Timestamp(NOW.0 + 10_000));
    assert_eq!(back.next.unwrap().waiting()[0].since, since);

    let admitted = act(&waiting, "c1 doc", host(HostMessage::Admit(peer("pat")))).next.unwrap();
    let taken_over = act(&admitted, "c4 pat", guest());
    assert!(shown(&taken_over).contains(&"c4 < joined v4 [doc]".to_owned()));
    let lost = lost(&admitted, "c2").next.unwrap();
    let in_time = decide(&lost, "c4 pat", guest(), Timestamp(NOW.0 + 19_999));
    assert!(shown(&in_time).contains(&"c4 < joined v5 [doc]".to_owned()));
    let too_late = decide(&lost, "c4 pat", guest(), Timestamp(NOW.0 + 20_000));
    assert!(shown(&too_late).contains(&"c4 < waiting".to_owned()));
    // Who goes by its own word has to be let in again.
    let left = act(&admitted, "c2 pat", Said::Leave).next.unwrap();
    assert!(shown(&act(&left, "c4 pat", guest())).contains(&"c4 < waiting".to_owned()));
}

#[test]
fn a_second_connection_of_who_waits_takes_its_place() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let second = act(&room, "c4 pat", guest());
    assert_eq!(
        shown(&second),
        ["c1 < knock pat", "c2 < error replaced", "c2 x 4009", "c4 < waiting"]
    );
    let next = second.next.unwrap();
    assert_eq!(next.waiting().len(), 1);
    let late = lost(&next, "c2");
    assert_eq!((late.next, late.effects), (None, vec![]));
}

#[test]
fn a_peer_that_was_removed_does_not_come_back_with_the_same_token() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &["c2 pat"]);
    let gone = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None)));
    assert_eq!(
        shown(&gone),
        ["c3 < error removed", "c3 x 4010", "c1 < peer_left kim removed v4 []"]
    );
    let room = gone.next.unwrap();
    let again = act(&room, "c5 kim", guest());
    assert_eq!(shown(&again), ["c5 < error removed", "c5 x 4010"]);

    let gone = act(&room, "c1 doc", host(HostMessage::Remove(peer("pat"), None)));
    assert_eq!(shown(&gone), ["c2 < error removed", "c2 x 4010", "c1 < lobby []"]);
}

#[test]
fn a_peer_that_is_sent_back_waits_whatever_its_token_says() {
    let room = visit(&["c1 doc host", "c3 kim guest"], &[]);
    let back = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("kim"))));
    assert_eq!(
        shown(&back),
        ["c1 < peer_left kim removed v3 []", "c3 < waiting", "c1 < lobby [kim]"]
    );
    let room = back.next.unwrap();
    assert_eq!(room.version(), crate::wire::Version(3));
    let gone = act(&room, "c3 kim", Said::Leave).next.unwrap();
    let again = act(&gone, "c5 kim", join(Grant { lobby: false, ..grant("kim") }));
    assert!(shown(&again).contains(&"c5 < waiting".to_owned()));
    let admitted = act(&again.next.unwrap(), "c1 doc", host(HostMessage::Admit(peer("kim"))));
    let room = admitted.next.unwrap();
    assert_eq!(room.word_on(&peer("kim"), NOW), None);
}

#[test]
fn a_lost_connection_gets_nobody_out_of_what_a_host_decided() {
    let room = visit(&["c1 doc host", "c3 kim guest", "c4 eve observer"], &[]);
    let lost = |room: &Room, who: &str| {
        let conn = who.split_once(' ').unwrap().0;
        lost(room, conn).next.unwrap()
    };
    let back = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("kim")))).next.unwrap();
    let open = || join(Grant { lobby: false, ..grant("kim") });
    let again = act(&lost(&back, "c3 kim"), "c5 kim", open());
    assert!(shown(&again).contains(&"c5 < waiting".to_owned()), "{again:?}");

    // Nor does an observer's role.
    let eve = || join(Grant { role: Role::Observer, ..grant("eve") });
    let back = act(&room, "c1 doc", host(HostMessage::ToLobby(peer("eve")))).next.unwrap();
    assert_eq!(shown(&act(&back, "c4 eve", eve())), ["c4 < waiting"]);
    let chat = act(&back, "c4 eve", signal(r#"{"type":"chat"}"#));
    assert_eq!(shown(&chat), ["c4 < error not_joined"]);

    // Nor the minute that clocks may be apart.
    let gone = act(&room, "c1 doc", host(HostMessage::Remove(peer("kim"), None))).next.unwrap();
    let late = decide(&gone, "c5 kim", open(), Timestamp(LATER.0 + MINUTE - 1));
    assert!(shown(&late).contains(&"c5 < error removed".to_owned()), "{late:?}");

    // Nor being away just then.
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let admitted = act(&room, "c1 doc", host(HostMessage::Admit(peer("pat")))).next.unwrap();
    let away = lost(&admitted, "c2 pat");
    let removed = act(&away, "c1 doc", host(HostMessage::Remove(peer("pat"), None)));
    let again = act(&removed.next.unwrap(), "c6 pat", guest());
    assert_eq!(shown(&again), ["c6 < error removed", "c6 x 4010"]);
}

#[test]
fn another_token_is_no_way_around_the_lobby() {
    let room = visit(&["c1 doc host", "c2 pat observer"], &[]);
    let second = act(&room, "c3 pat", guest());
    assert!(shown(&second).contains(&"c3 < waiting".to_owned()), "{second:?}");
    assert!(shown(&second).contains(&"c2 < error replaced".to_owned()), "{second:?}");
    assert_eq!(names(&second.next.unwrap()), ["doc"]);
}

#[test]
fn a_token_is_renewed_in_the_lobby() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let later = Timestamp(LATER.0 + 60 * MINUTE);
    let renewed = act(&room, "c2 pat", join(Grant { expires_at: later, ..grant("pat") }));
    assert_eq!(shown(&renewed), ["c2 < waiting"]);
    let room = renewed.next.unwrap();
    assert_eq!((room.waiting()[0].expires_at, room.waiting()[0].since), (Some(later), NOW));
}

#[test]
fn a_guest_that_waits_as_one_and_joins_as_another_keeps_the_new_seat() {
    let room = visit(&[], &["c1 pat"]);
    let joined = act(&room, "c1 doc", with_role(Role::Host)).next.unwrap();
    let left = act(&joined, "c1 pat", Said::Leave).next.unwrap();
    assert_eq!((names(&left), left.waiting().len()), (vec!["doc"], 0));
}

#[test]
fn a_guest_that_waits_and_comes_as_a_host_is_told_on_both_connections() {
    let room = visit(&["c1 doc host"], &["c2 ann"]);
    let host = act(&room, "c3 ann", join(Grant { role: Role::Host, ..grant("ann") }));
    let told = shown(&host);
    for expected in ["c2 < error replaced", "c2 x 4009", "c1 < lobby []", "c3 < joined v3 [doc]"] {
        assert!(told.contains(&expected.to_owned()), "{expected}: {told:?}");
    }
    let alone = visit(&["c1 doc host"], &["c2 pat"]);
    let demoted = act(&alone, "c4 doc", join(Grant { lobby: false, ..grant("doc") }));
    assert!(shown(&demoted).contains(&"c2 < waiting alone".to_owned()), "{demoted:?}");
}

#[test]
fn a_dead_seat_keeps_out_nobody_who_is_admitted() {
    let small = |name: &str, role| join(Grant { capacity: Some(1), role, ..grant(name) });
    let room = act(&Room::new(), "c1 doc", small("doc", Role::Host)).next.unwrap();
    let room = act(&room, "c2 pat", small("pat", Role::Guest)).next.unwrap();
    let full = act(&room, "c1 doc", host(HostMessage::Admit(peer("pat"))));
    assert_eq!(shown(&full), ["? c1", "c1 < error room_full"]);
}

#[test]
fn only_hosts_decide_and_not_about_themselves_or_other_hosts_lobbies() {
    let room =
        visit(&["c1 doc host", "c3 kim guest", "c4 eve observer", "c5 ann host"], &["c2 pat"]);
    for who in ["c3 kim", "c4 eve"] {
        let conn = who.split_once(' ').unwrap().0;
        for message in [HostMessage::Admit(peer("pat")), HostMessage::EndVisit(None)] {
            let refused = act(&room, who, host(message));
            assert_eq!(shown(&refused), [format!("{conn} < error forbidden")]);
        }
    }
    assert_eq!(
        shown(&act(&room, "c2 pat", host(HostMessage::Admit(peer("pat"))))),
        ["c2 < error not_joined"]
    );
    for (message, code) in [
        (HostMessage::Remove(peer("doc"), None), "invalid_message"),
        (HostMessage::ToLobby(peer("ann")), "forbidden"),
        (HostMessage::Admit(peer("nobody")), "peer_not_found"),
        (HostMessage::Deny(peer("kim"), None), "peer_not_found"),
    ] {
        let refused = act(&room, "c1 doc", host(message));
        assert_eq!(shown(&refused), [format!("c1 < error {code}")]);
    }
}

#[test]
fn an_observer_receives_and_is_silent() {
    let room = visit(&["c1 doc host", "c4 eve observer"], &[]);
    for text in [r#"{"type":"offer","to":"doc"}"#, r#"{"type":"chat"}"#] {
        assert_eq!(shown(&act(&room, "c4 eve", signal(text))), ["c4 < error forbidden"]);
    }
    let chat = act(&room, "c1 doc", signal(r#"{"type":"chat"}"#));
    assert!(shown(&chat)[0].starts_with("c4 < "));
}

#[test]
fn a_token_says_how_many_seats_there_are() {
    let small = |name: &str| join(Grant { capacity: Some(1), lobby: false, ..grant(name) });
    let room = act(&Room::new(), "c1 doc", small("doc")).next.unwrap();
    let full = act(&room, "c2 pat", small("pat"));
    assert_eq!(shown(&full), ["? c1", "c2 < error room_full"]);
}

#[test]
fn what_is_written_down_names_ids_and_reasons() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let admitted = act(&room, "c1 doc", host(HostMessage::Admit(peer("pat"))));
    let entries = |decision: &Decision| {
        let lines = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Record(entry) => Some(serde_json::to_string(entry).unwrap()),
            _ => None,
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        entries(&admitted),
        [
            r#"{"at":"1970-01-01T16:40:00.000Z","event":"admitted","roomId":"default","peerId":"pat","role":"guest","by":"doc"}"#
        ]
    );
    let room = admitted.next.unwrap();
    let left = decide(&room, "c2 pat", Said::Leave, Timestamp(NOW.0 + MINUTE));
    assert_eq!(
        entries(&left),
        [
            r#"{"at":"1970-01-01T16:41:00.000Z","event":"left","roomId":"default","peerId":"pat","role":"guest","reason":"left","durationMs":60000}"#
        ]
    );
}

impl Room {
    pub(super) fn new() -> Self {
        Self::empty(RoomId::fallback(), crate::wire::Version(0))
    }
}

/// A room with these seats (`conn peer role`), and these in its lobby (`conn peer`).
pub(super) fn visit(seats: &[&str], waiting: &[&str]) -> Room {
    let mut room = Room::new();
    for seat in seats {
        let (who, role) = seat.rsplit_once(' ').unwrap();
        let role = match role {
            "host" => Role::Host,
            "observer" => Role::Observer,
            _ => Role::Guest,
        };
        let name = who.split_once(' ').unwrap().1;
        room = act(&room, who, join(Grant { role, lobby: false, ..grant(name) })).next.unwrap();
    }
    for who in waiting {
        room = act(&room, who, guest()).next.unwrap();
    }
    room
}

pub(super) fn act(room: &Room, who: &str, what: Said<'_>) -> Decision {
    decide(room, who, what, NOW)
}

pub(super) fn decide(room: &Room, who: &str, what: Said<'_>, now: Timestamp) -> Decision {
    room.decide(&claim(who).says(what), now, &Rules::default())
}

pub(super) fn lost(room: &Room, conn: &str) -> Decision {
    room.decide(&Event::lost(ConnectionId::new(conn)), NOW, &Rules::default())
}

pub(super) fn due(room: &Room, now: Timestamp) -> Decision {
    room.decide(&Event::Due, now, &Rules::default())
}

pub(super) fn guest() -> Said<'static> {
    join(grant("pat"))
}

pub(super) fn with_role(role: Role) -> Said<'static> {
    join(Grant { role, ..grant("doc") })
}

pub(super) fn join(grant: Grant) -> Said<'static> {
    let grant = Some(grant);
    Said::Join(JoinRequest { named_room: true, grant, ..JoinRequest::new(secret()) })
}

pub(super) fn host(message: HostMessage) -> Said<'static> {
    Said::Host(message, secret())
}

pub(super) fn grant(name: &str) -> Grant {
    Grant {
        subject: peer(name),
        room: RoomId::fallback(),
        role: Role::Guest,
        name: None,
        relay_only: false,
        lobby: true,
        capacity: None,
        expires_at: LATER,
        visit_end: None,
        readmitted_at: None,
    }
}

pub(super) fn peer(name: &str) -> PeerId {
    PeerId::parse(name).unwrap()
}

#[test]
fn a_room_with_a_lobby_is_the_same_after_it_was_written_and_read() {
    let room = visit(&["c1 doc host"], &["c2 pat"]);
    let room = lost(&room, "c2").next.unwrap();
    let text = serde_json::to_string(&room).unwrap();
    assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room);
    assert_eq!(names(&room), ["doc"]);
}
