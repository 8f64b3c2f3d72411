//! Properties of every visit with a lobby, for every sequence of events and times.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use visio_signaling::core::{
    Claim, ConnectionId, Decision, Effect, Event, Grant, JoinRequest, Room, Rules, Said,
};
use visio_signaling::wire::{
    ClientMessage, HostMessage, Incoming, ResumeSecret, Role, RoomId, ServerMessage, Timestamp,
    Version,
};

use super::{claim, peer};

const GRACE_MS: u64 = 20_000;
const CONNECTIONS: usize = 10;
/// The first is the host, the second an observer, the others are guests who must be admitted.
const PEERS: usize = 5;

#[derive(Debug, Clone)]
enum Action {
    Join,
    Leave,
    Lost,
    Offer(usize),
    Chat(Option<usize>),
    Ask,
    Admit(usize),
    Deny(usize),
    ToLobby(usize),
    Remove(usize),
    End,
}

/// What one connection does, and how much later.
type Step = (usize, u64, Action);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let action = prop_oneof![
        12 => Just(Action::Join),
        2 => Just(Action::Leave),
        3 => Just(Action::Lost),
        6 => (0..PEERS).prop_map(Action::Offer),
        4 => prop::option::of(0..PEERS).prop_map(Action::Chat),
        2 => Just(Action::Ask),
        8 => (2..PEERS).prop_map(Action::Admit),
        1 => (2..PEERS).prop_map(Action::Deny),
        1 => (0..PEERS).prop_map(Action::ToLobby),
        1 => (0..PEERS).prop_map(Action::Remove),
        1 => Just(Action::End),
    ];
    let later = prop_oneof![6 => Just(0), 2 => Just(10_000), 1 => Just(GRACE_MS)];
    prop::collection::vec((0..CONNECTIONS, later, action), 1..80)
}

fn role(number: usize) -> Role {
    [Role::Host, Role::Observer].get(number).copied().unwrap_or(Role::Guest)
}

fn name(number: usize) -> String {
    format!("p{number}")
}

/// The knowledge of an observer that sees only the messages sent.
#[derive(Default)]
struct Onlooker {
    /// Connections that got `joined`, and nothing to the contrary since.
    inside: BTreeSet<String>,
    /// Guests that a host admitted, and for those that lost their connection, how long that is
    /// remembered.
    admitted: BTreeMap<String, Option<Timestamp>>,
}

impl Onlooker {
    fn sees(&mut self, who: &Claim, action: &Action, now: Timestamp, decision: &Decision) {
        let speaker_was_inside = self.inside.contains(&who.conn.to_string());
        match action {
            Action::Leave => self.gone(who),
            Action::Lost => self.lost(who, now),
            _ => {}
        }
        for effect in &decision.effects {
            match effect {
                Effect::Send { to, message } => {
                    self.hears(who, action, now, (to, message), speaker_was_inside);
                }
                Effect::Close { conn, .. } => drop(self.inside.remove(&conn.to_string())),
                _ => {}
            }
        }
        if let Action::ToLobby(peer) | Action::Remove(peer) = action
            && decision.next.is_some()
        {
            self.admitted.remove(&name(*peer));
        }
    }

    fn gone(&mut self, who: &Claim) {
        if self.inside.remove(&who.conn.to_string()) {
            self.admitted.remove(who.peer.as_str());
        }
    }

    fn lost(&mut self, who: &Claim, now: Timestamp) {
        if self.inside.remove(&who.conn.to_string())
            && let Some(until) = self.admitted.get_mut(who.peer.as_str())
        {
            *until = Some(Timestamp(now.0 + GRACE_MS));
        }
    }

    fn hears(
        &mut self,
        who: &Claim,
        action: &Action,
        now: Timestamp,
        (to, message): (&ConnectionId, &ServerMessage),
        speaker_was_inside: bool,
    ) {
        let inside = self.inside.contains(&to.to_string());
        match message {
            ServerMessage::Joined { peer_id, role, .. } => {
                if let Action::Admit(_) = action {
                    self.admitted.insert(peer_id.as_str().to_owned(), None);
                }
                if *role == Role::Guest {
                    let admitted = self.admitted.get_mut(peer_id.as_str());
                    let admitted = admitted.expect("nobody was let in by nobody");
                    assert!(admitted.is_none_or(|until| now < until), "the admission is over");
                    *admitted = None;
                }
                self.inside.insert(to.to_string());
            }
            ServerMessage::Waiting { .. } => drop(self.inside.remove(&to.to_string())),
            ServerMessage::PeerJoined { .. }
            | ServerMessage::PeerLeft { .. }
            | ServerMessage::Roster { .. }
            | ServerMessage::Knock { .. }
            | ServerMessage::Lobby { .. } => assert!(inside, "{to} heard {message:?}"),
            ServerMessage::Relayed(_) => {
                let with_host = matches!(action, Action::Chat(_)) && (speaker_was_inside || inside);
                assert!((speaker_was_inside && inside) || with_host, "{who:?} {action:?} {to}");
            }
            _ => {}
        }
    }
}

/// Walks through the steps and hands every decision to `check`.
fn walk(steps: &[Step], mut check: impl FnMut(&Room, &Claim, &Action, Timestamp, &Decision)) {
    let rules = Rules { max_peers_per_room: 4, grace_seconds: 20, ..Rules::default() };
    let mut room = Room::empty(RoomId::fallback(), Version(0));
    let mut now = Timestamp(1_000_000);
    for (connection, later, action) in steps {
        now = Timestamp(now.0 + later);
        // What is due is told first. It is not what this step is about.
        room = room.decide(&Event::Due, now, &rules).next.unwrap_or(room);
        let number = connection % PEERS;
        let who = claim(&format!("c{connection}"), "default", &name(number));
        with_event(action, number, &who, |event| {
            let decision = room.decide(event, now, &rules);
            check(&room, &who, action, now, &decision);
            if let Some(next) = decision.next {
                assert!(next.version() > room.version());
                assert!(next.seats().len() <= rules.max_peers_per_room.into());
                room = next;
            }
        });
    }
}

fn with_event(action: &Action, number: usize, who: &Claim, then: impl FnOnce(&Event<'_>)) {
    let text = match action {
        Action::Offer(to) => format!(r#"{{"type":"offer","to":"p{to}","sdp":"x"}}"#),
        Action::Chat(Some(to)) => format!(r#"{{"type":"chat","to":"p{to}"}}"#),
        _ => r#"{"type":"chat"}"#.to_owned(),
    };
    let host = |message| Said::Host(message, ResumeSecret::new("s"));
    let named = |number: &usize| peer(&name(*number));
    let what = match action {
        Action::Join => Said::Join(JoinRequest {
            grant: Some(Grant {
                subject: who.peer.clone(),
                room: who.room.clone(),
                role: role(number),
                name: None,
                relay_only: false,
                lobby: true,
                capacity: None,
                expires_at: Timestamp(u64::MAX / 2),
                visit_end: None,
                readmitted_at: None,
            }),
            ..JoinRequest::new(ResumeSecret::new("s"))
        }),
        Action::Leave => Said::Leave,
        Action::Lost => return then(&Event::lost(who.conn.clone())),
        Action::Ask => Said::Peers,
        Action::Admit(number) => host(HostMessage::Admit(named(number))),
        Action::Deny(number) => host(HostMessage::Deny(named(number), None)),
        Action::ToLobby(number) => host(HostMessage::ToLobby(named(number))),
        Action::Remove(number) => host(HostMessage::Remove(named(number), None)),
        Action::End => host(HostMessage::EndVisit(None)),
        Action::Offer(_) | Action::Chat(_) => match Incoming::parse(&text).unwrap().message {
            ClientMessage::Signal(signal) => Said::Signal(signal),
            other => panic!("expected a signal, got {other:?}"),
        },
    };
    then(&who.says(what));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_peer_that_was_not_admitted_neither_sends_nor_receives_nor_sees(steps in steps()) {
        let mut onlooker = Onlooker::default();
        walk(&steps, |_, who, action, now, decision| onlooker.sees(who, action, now, decision));
    }

    #[test]
    fn no_peer_is_in_two_places(steps in steps()) {
        walk(&steps, |room, _, _, _, _| {
            let seats = room.seats().iter().map(|seat| &seat.peer);
            let mut all: Vec<_> = seats.chain(room.waiting().iter().map(|it| &it.peer)).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count);
        });
    }

    #[test]
    fn a_host_never_waits_and_only_hosts_decide(steps in steps()) {
        walk(&steps, |room, who, action, _, decision| {
            assert!(room.waiting().iter().all(|waiting| waiting.peer != peer("p0")));
            let decides = matches!(
                action,
                Action::Admit(_)
                    | Action::Deny(_)
                    | Action::ToLobby(_)
                    | Action::Remove(_)
                    | Action::End
            );
            let host = room
                .seat(&who.peer)
                .is_some_and(|seat| seat.role == Role::Host && seat.here() == Some(&who.conn));
            assert!(!decides || host || decision.next.is_none());
        });
    }

    #[test]
    fn a_room_decides_the_same_after_serialization(steps in steps()) {
        walk(&steps, |room, _, _, _, _| {
            let text = serde_json::to_string(room).unwrap();
            assert_eq!(&serde_json::from_str::<Room>(&text).unwrap(), room);
        });
    }
}
