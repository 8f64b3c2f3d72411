//! Tables: given this room and this event, exactly these effects.

use super::*;
use crate::core::*;
use crate::wire::HostMessage;
use crate::wire::{ClientMessage, FromText, Incoming, ResumeSecret, Role, RoomId, Version};

const NOW: Timestamp = Timestamp(1_000);
const OFFER: &str = r#"{"type":"offer","to":"bob","sdp":"v=0"}"#;
const OFFER_FROM_ADA: &str = r#"{"from":"ada","type":"offer","to":"bob","sdp":"v=0"}"#;

#[test]
fn the_first_to_join_is_told_of_nobody() {
    let decision = decide(&room(&[]), "c1 ada", join());
    let next = decision.next.as_ref().unwrap();
    assert_eq!(next.version(), Version(1));
    assert_eq!(names(next), ["ada"]);
    assert_eq!(decision.standing, Standing::Seated);
    assert_eq!(shown(&decision), ["c1 < joined v1 []"]);
}

#[test]
fn the_others_hear_of_a_newcomer_before_it_is_told_of_them() {
    let decision = decide(&room(&["c1 ada", "c2 bob"]), "c3 cy", join());
    assert_eq!(
        shown(&decision),
        [
            "c1 < peer_joined cy v3 [bob cy]",
            "c2 < peer_joined cy v3 [ada cy]",
            "c3 < joined v3 [ada bob]"
        ]
    );
}

#[test]
fn a_client_that_named_no_room_is_told_of_the_others_once_more() {
    let request = JoinRequest { named_room: false, ..JoinRequest::new(secret()) };
    let decision = decide(&room(&["c1 ada"]), "c2 bob", Said::Join(request.clone()));
    assert_eq!(
        shown(&decision),
        ["c1 < peer_joined bob v2 [bob]", "c2 < joined v2 [ada]", "c2 < bootstrap_peers [ada]"]
    );
    let alone = decide(&room(&[]), "c2 bob", Said::Join(request));
    assert_eq!(shown(&alone), ["c2 < joined v1 []"]);
}

#[test]
fn what_a_seat_may_do_and_when_it_ends_is_the_tokens_word() {
    let grant = Grant {
        subject: PeerId::parse("ada").unwrap(),
        room: RoomId::fallback(),
        role: Role::Host,
        name: None,
        relay_only: false,
        lobby: false,
        capacity: None,
        expires_at: Timestamp(9_000),
        visit_end: Some(Timestamp(8_000)),
        readmitted_at: None,
    };
    let request = JoinRequest { grant: Some(grant), ..JoinRequest::new(secret()) };
    let decision = decide(&room(&[]), "c1 ada", Said::Join(request));
    let Effect::Send {
        message: ServerMessage::Joined { role: Role::Host, expires_at: Some(end), .. },
        ..
    } = &decision.effects[0]
    else {
        panic!("expected a host's `joined`, got {decision:?}")
    };
    assert_eq!(*end, Timestamp(8_000));
    assert_eq!(decision.next.unwrap().seats()[0].role, Role::Host);
}

#[test]
fn a_second_connection_takes_the_seat_over_and_sits_last() {
    let decision = decide(&room(&["c1 ada", "c2 bob"]), "c9 ada", join());
    assert_eq!(
        shown(&decision),
        [
            "c2 < peer_joined ada again v3 [ada]",
            "c1 < error replaced",
            "c1 x 4009",
            "c9 < joined v3 [bob]"
        ]
    );
    assert_eq!(names(&decision.next.unwrap()), ["bob", "ada"]);
}

#[test]
fn a_repeated_join_is_told_once_more_and_stores_nothing() {
    let joined = decide(&room(&["c1 ada"]), "c2 bob", join()).next.unwrap();
    let decision = decide(&joined, "c2 bob", join());
    assert_eq!(decision.next, None);
    assert_eq!(decision.standing, Standing::Seated);
    assert_eq!(shown(&decision), ["c2 < joined v2 [ada]"]);
}

#[test]
fn a_full_room_asks_its_seats_for_a_sign_of_life_before_it_refuses() {
    let full = room(&["c1 ada", "c2 bob", "c3 cy"]);
    let decision = decide(&full, "c4 dan", join());
    assert_eq!(decision.next, None);
    assert_eq!(decision.standing, Standing::Unseated);
    assert_eq!(shown(&decision), ["? c1 c2 c3", "c4 < error room_full"]);
}

#[test]
fn a_full_room_lets_its_own_peer_back_in() {
    let decision = decide(&room(&["c1 ada", "c2 bob", "c3 cy"]), "c4 bob", join());
    assert_eq!(names(&decision.next.unwrap()), ["ada", "cy", "bob"]);
}

#[test]
fn a_signal_goes_to_its_receiver_stamped_and_stores_nothing() {
    let decision = decide(&room(&["c1 ada", "c2 bob", "c3 cy"]), "c1 ada", signal(OFFER));
    assert_eq!(decision.next, None);
    assert_eq!(shown(&decision), [format!("c2 < {OFFER_FROM_ADA}")]);
}

#[test]
fn a_message_to_the_room_goes_to_everybody_else_with_its_time() {
    let chat = signal(r#"{"type":"chat","message":"hi"}"#);
    let decision = decide(&room(&["c1 ada", "c2 bob", "c3 cy"]), "c2 bob", chat);
    let text = r#"{"from":"bob","sentAt":1000,"type":"chat","message":"hi"}"#;
    assert_eq!(shown(&decision), [format!("c1 < {text}"), format!("c3 < {text}")]);
}

#[test]
fn a_signal_to_nobody_or_oneself_is_refused_by_name() {
    for (who, code) in [("c1 ada", "peer_not_found"), ("c2 bob", "invalid_message")] {
        let room = if code == "peer_not_found" { room(&["c1 ada"]) } else { room(&["c2 bob"]) };
        let decision = decide(&room, who, signal(OFFER));
        assert_eq!(decision.standing, Standing::Seated);
        let [Effect::Send { message: ServerMessage::Error(rejection), .. }] = &decision.effects[..]
        else {
            panic!("expected one error")
        };
        assert_eq!(rejection.code.name(), code);
        assert_eq!(rejection.to, PeerId::parse("bob"));
    }
}

#[test]
fn a_connection_that_was_replaced_cannot_speak() {
    let room = room(&["c9 ada", "c2 bob"]);
    for event in [signal(OFFER), Said::Peers] {
        let decision = decide(&room, "c1 ada", event);
        assert_eq!(shown(&decision), ["c1 < error replaced", "c1 x 4009"]);
        assert_eq!((decision.next, decision.standing), (None, Standing::Unseated));
    }
}

#[test]
fn a_client_that_lost_its_seat_is_told_to_join() {
    let decision = decide(&room(&["c2 bob"]), "c1 ada", signal(OFFER));
    assert_eq!(shown(&decision), ["c1 < error not_joined"]);
    assert_eq!(decision.standing, Standing::Unseated);
}

#[test]
fn leaving_is_told_to_those_who_stay() {
    let room = room(&["c1 ada", "c2 bob", "c3 cy"]);
    let decision = decide(&room, "c2 bob", Said::Leave);
    assert_eq!(
        shown(&decision),
        ["c1 < peer_left bob left v4 [cy]", "c3 < peer_left bob left v4 [ada]"]
    );
    assert_eq!(decision.standing, Standing::Left);
    let decision = lost(&room, "c2");
    assert_eq!(
        shown(&decision),
        ["c1 < peer_away bob v4 [bob away, cy]", "c3 < peer_away bob v4 [ada, bob away]"]
    );
    let rules = Rules { grace_seconds: 0, ..Rules::default() };
    let decision = room.decide(&Event::lost(ConnectionId::new("c2")), NOW, &rules);
    assert_eq!(
        shown(&decision),
        ["c1 < peer_left bob disconnected v4 [cy]", "c3 < peer_left bob disconnected v4 [ada]"]
    );
}

#[test]
fn a_late_goodbye_changes_nothing() {
    let room = room(&["c9 ada"]);
    for decision in [decide(&room, "c1 ada", Said::Leave), lost(&room, "c1")] {
        assert_eq!((decision.next.is_none(), decision.effects.is_empty()), (true, true));
    }
}

#[test]
fn questions_are_answered_to_the_asker_alone() {
    let room = room(&["c1 ada", "c2 bob"]);
    let peers = decide(&room, "c2 bob", Said::Peers);
    assert_eq!(shown(&peers), ["c2 < roster v2 [ada]"]);
    let rooms = decide(&room, "c2 bob", Said::RoomList);
    assert_eq!(shown(&rooms), ["c2 < every room"]);
    let host = decide(&room, "c2 bob", Said::Host(HostMessage::EndVisit(None), secret()));
    assert_eq!(shown(&host), ["c2 < error forbidden"]);
}

#[test]
fn with_tokens_only_an_operator_hears_of_other_rooms() {
    use super::lobby_tests::{act, visit, with_role};
    let room = visit(&["c1 ann host", "c2 kim guest", "c3 eve observer"], &[]);
    for who in ["c1 ann", "c2 kim", "c3 eve"] {
        let listed = act(&room, who, Said::RoomList);
        let [Effect::Send { message: ServerMessage::RoomList { rooms, .. }, .. }] =
            &listed.effects[..]
        else {
            panic!("expected one answer, got {listed:?}")
        };
        assert_eq!(rooms[..], [room.summary()], "{who}");
    }
    let room = act(&room, "c4 doc", with_role(Role::Admin)).next.unwrap();
    assert_eq!(shown(&act(&room, "c4 doc", Said::RoomList)), ["c4 < every room"]);
}

// Below: rooms and events in a few words.

/// A room whose seats were taken in this order, each "connection peer".
pub(super) fn room(seats: &[&str]) -> Room {
    let empty = Room::empty(RoomId::fallback(), Version(0));
    seats.iter().fold(empty, |room, seat| {
        let who = claim(seat);
        room.with(Seat {
            peer: who.peer,
            presence: Presence::Here(who.conn),
            keys: None,
            name: None,
            role: Role::Guest,
            since: Timestamp(0),
            metadata: None,
            expires_at: None,
            relay_only: false,
            next_ice: None,
        })
    })
}

pub(super) fn secret() -> ResumeSecret {
    ResumeSecret::new("a secret")
}

pub(super) fn claim(text: &str) -> Claim {
    let (conn, peer) = text.split_once(' ').unwrap();
    let peer = PeerId::parse(peer).unwrap();
    Claim { conn: ConnectionId::new(conn), room: RoomId::fallback(), peer }
}

fn decide(room: &Room, who: &str, what: Said<'_>) -> Decision {
    let rules = Rules { max_peers_per_room: 3, ..Rules::default() };
    room.decide(&claim(who).says(what), NOW, &rules)
}

fn lost(room: &Room, conn: &str) -> Decision {
    room.decide(&Event::lost(ConnectionId::new(conn)), NOW, &Rules::default())
}

fn join() -> Said<'static> {
    Said::Join(JoinRequest { named_room: true, ..JoinRequest::new(secret()) })
}

pub(super) fn signal(text: &'static str) -> Said<'static> {
    match Incoming::parse(text).unwrap().message {
        ClientMessage::Signal(signal) => Said::Signal(signal),
        other => panic!("expected a signal, got {other:?}"),
    }
}

pub(super) fn names(room: &Room) -> Vec<&str> {
    room.seats().iter().map(|seat| seat.peer.as_str()).collect()
}

pub(super) fn shown(decision: &Decision) -> Vec<String> {
    decision.effects.iter().filter(|it| !matches!(it, Effect::Record(_))).map(show).collect()
}

fn show(effect: &Effect) -> String {
    match effect {
        Effect::Send { to, message } => format!("{to} < {}", say(message)),
        Effect::Report { to, rejection } => {
            format!("{to} < {}", say(&ServerMessage::from(rejection.clone())))
        }
        Effect::Close { conn, code } => format!("{conn} x {}", *code as u16),
        Effect::Record(entry) => format!("! {}", entry.event),
        Effect::ListRooms { to, .. } => format!("{to} < every room"),
        Effect::Probe(conns) => {
            conns.iter().fold("?".to_owned(), |text, conn| format!("{text} {conn}"))
        }
    }
}

fn say(message: &ServerMessage) -> String {
    let list = |peers: &[PeerInfo]| {
        let any_away = peers.iter().any(|peer| peer.away);
        let id = |peer: &PeerInfo| {
            format!("{}{}", peer.peer_id.as_str(), if peer.away { " away" } else { "" })
        };
        let ids: Vec<_> = peers.iter().map(id).collect();
        format!("[{}]", ids.join(if any_away { ", " } else { " " }))
    };
    match message {
        ServerMessage::Joined { version, peers, resumed, received, .. } => {
            let resumed = match (resumed, received) {
                (false, _) => String::new(),
                (true, None) => " resumed".to_owned(),
                (true, Some(taken)) => format!(" resumed, {taken} taken,"),
            };
            format!("joined{resumed} v{} {}", version.0, list(peers))
        }
        ServerMessage::PeerAway { peer_id, version, peers, .. } => {
            format!("peer_away {} v{} {}", peer_id.as_str(), version.0, list(peers))
        }
        ServerMessage::PeerBack { peer_id, version, peers, .. } => {
            format!("peer_back {} v{} {}", peer_id.as_str(), version.0, list(peers))
        }
        ServerMessage::BootstrapPeers { peers } => {
            let ids: Vec<_> = peers.iter().map(|peer| peer.id.as_str()).collect();
            format!("bootstrap_peers [{}]", ids.join(" "))
        }
        ServerMessage::PeerJoined { peer_id, version, peers, rejoined, .. } => {
            let again = if *rejoined { " again" } else { "" };
            format!("peer_joined {}{again} v{} {}", peer_id.as_str(), version.0, list(peers))
        }
        ServerMessage::PeerLeft { peer_id, reason, version, peers, .. } => {
            let reason = format!("{reason:?}").to_lowercase();
            format!("peer_left {} {reason} v{} {}", peer_id.as_str(), version.0, list(peers))
        }
        ServerMessage::Roster { version, peers, .. } => {
            format!("roster v{} {}", version.0, list(peers))
        }
        ServerMessage::Waiting { host_present: true, .. } => "waiting".to_owned(),
        ServerMessage::Waiting { .. } => "waiting alone".to_owned(),
        ServerMessage::Knock { peer_id, .. } => format!("knock {}", peer_id.as_str()),
        ServerMessage::Lobby { waiting, .. } => {
            let ids: Vec<_> = waiting.iter().map(|knocker| knocker.peer_id.as_str()).collect();
            format!("lobby [{}]", ids.join(" "))
        }
        ServerMessage::Denied { .. } => "denied".to_owned(),
        ServerMessage::VisitEnded { .. } => "visit_ended".to_owned(),
        ServerMessage::VisitEnding { .. } => "visit_ending".to_owned(),
        ServerMessage::Error(Rejection { code: Code::PeerGone, to, count, .. }) => {
            format!("error peer_gone {} {}", to.as_ref().unwrap().as_str(), count.unwrap())
        }
        ServerMessage::Error(rejection) => format!("error {}", rejection.code.name()),
        ServerMessage::IceServers { .. } => "ice_servers".to_owned(),
        ServerMessage::Relayed(text) => text.expose().clone(),
        other => format!("{other:?}"),
    }
}
