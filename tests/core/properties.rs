//! Properties of every room, for every sequence of events.

use proptest::prelude::*;

use visio_signaling::core::{
    Claim, ConnectionId, Decision, Effect, Event, JoinRequest, Room, Rules, Said, Standing,
};
use visio_signaling::wire::{
    ClientMessage, Incoming, ResumeSecret, RoomId, ServerMessage, Timestamp, Version,
};

use super::claim;

const RULES: Rules = Rules { max_peers_per_room: 3, ..Rules::DEFAULT };
const NOW: Timestamp = Timestamp(1);

/// What one connection does. Connections outnumber peers, so that they take each other over.
#[derive(Debug, Clone)]
struct Step {
    connection: usize,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Join,
    Leave,
    Lost,
    Offer(usize),
    Chat,
    Ask,
}

const PEERS: usize = 5;
const CONNECTIONS: usize = 9;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let action = prop_oneof![
        4 => Just(Action::Join),
        1 => Just(Action::Leave),
        1 => Just(Action::Lost),
        3 => (0..PEERS).prop_map(Action::Offer),
        1 => Just(Action::Chat),
        1 => Just(Action::Ask),
    ];
    let step =
        (0..CONNECTIONS, action).prop_map(|(connection, action)| Step { connection, action });
    prop::collection::vec(step, 1..60)
}

/// Walks through the steps and hands every decision to `check`.
fn walk(steps: &[Step], mut check: impl FnMut(&Room, &Claim, &Event<'_>, &Decision)) -> Room {
    let mut room = Room::empty(RoomId::fallback(), Version(0));
    for Step { connection, action } in steps {
        let name = format!("p{}", connection % PEERS);
        let who = claim(&format!("c{connection}"), "default", &name);
        with_event(action, &who, |event| {
            let decision = room.decide(event, NOW, &RULES);
            check(&room, &who, event, &decision);
            room = decision.next.unwrap_or_else(|| room.clone());
        });
    }
    room
}

fn with_event(action: &Action, who: &Claim, then: impl FnOnce(&Event<'_>)) {
    let text = match action {
        Action::Offer(to) => format!(r#"{{"type":"offer","to":"p{to}","sdp":"x"}}"#),
        _ => r#"{"type":"chat","message":"x"}"#.to_owned(),
    };
    let what = match action {
        Action::Join => Said::Join(JoinRequest::new(ResumeSecret::new("s"))),
        Action::Leave => Said::Leave,
        Action::Lost => return then(&Event::lost(who.conn.clone())),
        Action::Ask => Said::Peers,
        Action::Offer(_) | Action::Chat => match Incoming::parse(&text).unwrap().message {
            ClientMessage::Signal(signal) => Said::Signal(signal),
            other => panic!("expected a signal, got {other:?}"),
        },
    };
    then(&who.says(what));
}

fn holds(room: &Room, who: &Claim) -> bool {
    room.seat(&who.peer).is_some_and(|seat| seat.here() == Some(&who.conn))
}

fn seated(room: &Room, conn: &ConnectionId) -> bool {
    room.seats().iter().any(|seat| seat.here() == Some(conn))
}

proptest! {
    #[test]
    fn effects_concern_only_seated_peers_and_the_sender(steps in steps()) {
        walk(&steps, |room, who, _, decision| {
            let after = decision.next.as_ref().unwrap_or(room);
            for effect in &decision.effects {
                let (Effect::Send { to: conn, .. }
                    | Effect::Report { to: conn, .. }
                    | Effect::Close { conn, .. }
                    | Effect::ListRooms { to: conn, .. }) = effect else { continue };
                assert!(*conn == who.conn || seated(room, conn) || seated(after, conn));
            }
        });
    }

    #[test]
    fn only_a_seat_holder_is_relayed_and_never_to_itself(steps in steps()) {
        walk(&steps, |room, who, _, decision| {
            for effect in &decision.effects {
                if let Effect::Send { to, message: ServerMessage::Relayed(text) } = effect {
                    assert!(holds(room, who) && *to != who.conn);
                    let stamp = format!("{{\"from\":\"{}\"", who.peer.as_str());
                    assert!(text.expose().starts_with(&stamp));
                }
            }
        });
    }

    #[test]
    fn capacity_is_never_exceeded_and_no_peer_has_two_seats(steps in steps()) {
        walk(&steps, |_, _, _, decision| {
            let Some(next) = &decision.next else { return };
            assert!(next.seats().len() <= RULES.max_peers_per_room.into());
            let mut peers: Vec<_> = next.seats().iter().map(|seat| &seat.peer).collect();
            peers.sort();
            peers.dedup();
            assert_eq!(peers.len(), next.seats().len());
        });
    }

    #[test]
    fn the_version_grows_by_one_exactly_when_seats_change(steps in steps()) {
        walk(&steps, |room, _, event, decision| {
            let Some(next) = &decision.next else { return };
            let grown = next.version().0 - room.version().0;
            let yielded = matches!(event, Event::Said { what: Said::Join(_), .. });
            assert!(grown == 1 || (grown == 2 && yielded), "{grown}");
            assert_ne!(next.seats(), room.seats());
            // A message is stored only if it waits for a peer that is away.
            let relay = matches!(event, Event::Said { what: Said::Signal(_), .. });
            assert!(!relay || room.seats().iter().any(|seat| seat.here().is_none()));
            assert!(!matches!(event, Event::Said { what: Said::Peers, .. }));
        });
    }

    #[test]
    fn standing_says_who_holds_a_seat(steps in steps()) {
        walk(&steps, |room, who, _, decision| {
            let after = decision.next.as_ref().unwrap_or(room);
            assert_eq!(decision.standing == Standing::Seated, holds(after, who));
        });
    }

    #[test]
    fn every_event_makes_sense_a_second_time(steps in steps()) {
        walk(&steps, |_, _, event, decision| {
            let Some(next) = &decision.next else { return };
            if matches!(event, Event::Said { what: Said::Signal(_), .. }) {
                // It waits for a peer that is away, and is not decided again once it is stored.
                return;
            }
            let again = next.decide(event, NOW, &RULES);
            assert_eq!(again.next, None);
            assert_eq!(again.standing == Standing::Seated, decision.standing == Standing::Seated);
        });
    }

    #[test]
    fn a_stale_goodbye_changes_nothing(steps in steps(), stranger in 100_usize..200) {
        let room = walk(&steps, |_, _, _, _| {});
        let conn = format!("c{stranger}");
        for peer in 0..PEERS {
            let who = claim(&conn, "default", &format!("p{peer}"));
            for event in [who.says(Said::Leave), Event::lost(who.conn.clone())] {
                let decision = room.decide(&event, NOW, &RULES);
                assert_eq!(decision.next, None);
                assert!(decision.effects.is_empty());
            }
        }
    }

    #[test]
    fn only_the_later_of_two_peers_is_told_of_the_earlier(steps in steps()) {
        let mut joined = Vec::new();
        let room = walk(&steps, |_, _, _, decision| {
            for effect in &decision.effects {
                if let Effect::Send {
                    to,
                    message: ServerMessage::Joined { version, peers, .. },
                } = effect
                {
                    joined.push((to.clone(), *version, peers.clone()));
                }
            }
        });
        for (place, seat) in room.seats().iter().enumerate() {
            // A peer that is away has nobody to offer to.
            let Some(conn) = seat.here() else { continue };
            let (_, _, told) = joined.iter().rev().find(|(to, ..)| to == conn).unwrap();
            for earlier in &room.seats()[..place] {
                assert!(told.iter().any(|peer| peer.peer_id == earlier.peer));
            }
        }
    }
}
