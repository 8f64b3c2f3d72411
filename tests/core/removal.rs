//! A host's decision about a peer holds, whatever tokens the peer shows and in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use visio_signaling::core::audit::AuditEvent;
use visio_signaling::core::{
    Claim, Decision, Effect, Event, Grant, JoinRequest, LEEWAY, Room, Rules, Said, Standing,
};
use visio_signaling::wire::{
    Code, HostMessage, PeerId, ResumeSecret, Role, RoomId, ServerMessage, Timestamp, Version,
};

use super::{claim, peer};

const MINUTE: u64 = 60_000;
const CONNECTIONS: usize = 12;
/// The first two are hosts, the third an observer, the others guests.
const PEERS: usize = 6;

#[derive(Debug, Clone)]
enum Action {
    Join(Shown),
    Leave,
    Lost,
    Admit(usize),
    Deny(usize),
    ToLobby(usize),
    Remove(usize),
    End,
    Due,
}

/// A token that is shown.
#[derive(Debug, Clone)]
struct Shown {
    /// For how many minutes it is still valid.
    minutes: u64,
    lobby: bool,
    /// How many milliseconds ago it was made, if it readmits.
    readmits: Option<u64>,
    ends_visit: bool,
}

type Step = (usize, u64, Action);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let minutes = prop_oneof![4 => Just(1_u64), 4 => Just(10), 2 => Just(60), 1 => Just(3000)];
    let readmits =
        prop_oneof![5 => Just(None), 1 => prop_oneof![Just(0), Just(MINUTE)].prop_map(Some)];
    let shown = (minutes, any::<bool>(), readmits, prop::bool::weighted(0.1));
    let shown = shown.prop_map(|(minutes, lobby, readmits, ends_visit)| Shown {
        minutes,
        lobby,
        readmits,
        ends_visit,
    });
    let action = prop_oneof![
        14 => shown.prop_map(Action::Join),
        2 => Just(Action::Leave),
        2 => Just(Action::Lost),
        4 => (0..PEERS).prop_map(Action::Admit),
        1 => (0..PEERS).prop_map(Action::Deny),
        3 => (0..PEERS).prop_map(Action::ToLobby),
        4 => (0..PEERS).prop_map(Action::Remove),
        1 => Just(Action::Due),
    ];
    let action = prop_oneof![40 => action, 2 => Just(Action::End)];
    // The last is longer than a visit that has ended stays closed.
    let later = prop_oneof![
        16 => Just(0),
        4 => Just(1),
        4 => Just(10_000),
        4 => Just(5 * MINUTE),
        2 => Just(62 * MINUTE),
        1 => Just(25 * 60 * MINUTE),
    ];
    prop::collection::vec((0..CONNECTIONS, later, action), 1..80)
}

/// The knowledge of an observer that sees the audit log and every token shown.
#[derive(Default)]
struct Onlooker {
    words: BTreeMap<String, Word>,
    /// When the last of all admitted tokens expires.
    last_let_in: u64,
}

/// What a host decided last.
#[derive(Clone, Copy)]
struct Word {
    removed_at: Option<Timestamp>,
    /// When the last token shown since then expires.
    last_shown: u64,
}

impl Onlooker {
    fn sees(&mut self, room: &Room, who: &Claim, at: (&Action, Timestamp), decision: &Decision) {
        let (action, now) = at;
        let last_let_in = self.last_let_in;
        self.words.retain(|_, word| now.0 < last_let_in.max(word.last_shown) + LEEWAY);
        self.nobody_comes_in_against_a_hosts_decision(room, who, at, decision);
        if let Action::Join(shown) = action {
            let expires_at = shown.expires_at(now).0;
            if is_told(decision, &who.peer, &["joined", "waiting"]) {
                self.last_let_in = self.last_let_in.max(expires_at);
            }
            if let Some(word) = self.words.get_mut(who.peer.as_str()) {
                word.last_shown = word.last_shown.max(expires_at);
            }
        }
        for effect in &decision.effects {
            if let Effect::Record(AuditEvent { event, peer_id: Some(peer), .. }) = effect {
                self.reads(event, peer.as_str(), now);
            }
        }
    }

    fn nobody_comes_in_against_a_hosts_decision(
        &self,
        room: &Room,
        who: &Claim,
        (action, now): (&Action, Timestamp),
        decision: &Decision,
    ) {
        let Some(next) = &decision.next else { return };
        let was = |peer: &PeerId| room.waiting().iter().any(|waiting| waiting.peer == *peer);
        let sits = next.seats().iter().map(|seat| (&seat.peer, seat.role, true));
        let sits = sits.filter(|(peer, ..)| room.seat(peer).is_none());
        let waits = next.waiting().iter().map(|it| (&it.peer, it.role, false));
        let waits = waits.filter(|(peer, ..)| !was(peer) && room.seat(peer).is_none());
        for (peer, role, sits) in sits.chain(waits) {
            let Some(word) = self.words.get(peer.as_str()) else { continue };
            let admitted = was(peer) && matches!(action, Action::Admit(_));
            let readmitted = match action {
                Action::Join(shown) if who.peer == *peer => shown.readmitted_at(now),
                _ => None,
            };
            match word.removed_at {
                Some(at) => assert!(admitted || readmitted > Some(at), "{peer:?} was removed"),
                None => assert!(!sits || admitted || role == Role::Host, "{peer:?} should wait"),
            }
        }
    }

    fn reads(&mut self, event: &str, name: &str, now: Timestamp) {
        let last_shown = self.words.get(name).map_or(0, |word| word.last_shown);
        let mut note = |removed_at| {
            self.words.insert(name.to_owned(), Word { removed_at, last_shown });
        };
        match event {
            "removed" => note(Some(now)),
            "sent_back" => note(None),
            "joined" | "admitted" => drop(self.words.remove(name)),
            _ => {}
        }
    }
}

/// Whether the audit log records one of these events of the peer.
fn is_told(decision: &Decision, peer: &PeerId, events: &[&str]) -> bool {
    decision.effects.iter().any(|effect| {
        matches!(effect, Effect::Record(entry)
            if events.contains(&entry.event) && entry.peer_id.as_ref() == Some(peer))
    })
}

impl Shown {
    fn expires_at(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0 + self.minutes * MINUTE)
    }

    fn readmitted_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.readmits.map(|ago| Timestamp(now.0 - ago))
    }
}

fn walk(steps: &[Step], mut check: impl FnMut(&Room, &Claim, (&Action, Timestamp), &Decision)) {
    let rules = Rules { max_peers_per_room: 4, ..Rules::default() };
    let mut room = Room::empty(RoomId::fallback(), Version(0));
    let mut now = Timestamp(1_000 * MINUTE);
    for (connection, later, action) in steps {
        now = Timestamp(now.0 + later);
        let number = connection % PEERS;
        let who = claim(&format!("c{connection}"), "default", &format!("p{number}"));
        let decision = room.decide(&event(action, number, &who, now), now, &rules);
        check(&room, &who, (action, now), &decision);
        room = decision.next.unwrap_or(room);
    }
}

fn event<'a>(action: &Action, number: usize, who: &'a Claim, now: Timestamp) -> Event<'a> {
    let host = |message| Said::Host(message, ResumeSecret::new("s"));
    let named = |number: &usize| peer(&format!("p{number}"));
    who.says(match action {
        Action::Join(shown) => Said::Join(JoinRequest {
            grant: Some(Grant {
                subject: who.peer.clone(),
                room: who.room.clone(),
                role: match number {
                    0 | 1 => Role::Host,
                    2 => Role::Observer,
                    _ => Role::Guest,
                },
                name: None,
                relay_only: false,
                lobby: shown.lobby,
                capacity: None,
                expires_at: shown.expires_at(now),
                visit_end: shown.ends_visit.then_some(Timestamp(now.0 + 120 * MINUTE)),
                readmitted_at: shown.readmitted_at(now),
            }),
            ..JoinRequest::new(ResumeSecret::new("s"))
        }),
        Action::Leave => Said::Leave,
        Action::Lost => return Event::lost(who.conn.clone()),
        Action::Admit(number) => host(HostMessage::Admit(named(number))),
        Action::Deny(number) => host(HostMessage::Deny(named(number), None)),
        Action::ToLobby(number) => host(HostMessage::ToLobby(named(number))),
        Action::Remove(number) => host(HostMessage::Remove(named(number), None)),
        Action::End => host(HostMessage::EndVisit(None)),
        Action::Due => return Event::Due,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn a_hosts_decision_holds_whatever_token_the_peer_shows(steps in steps()) {
        let mut onlooker = Onlooker::default();
        walk(&steps, |room, who, at, decision| onlooker.sees(room, who, at, decision));
    }

    #[test]
    fn a_host_can_remove_everybody_who_was_here(steps in steps()) {
        let mut here = BTreeMap::new();
        walk(&steps, |room, who, (action, now), decision| {
            let host = room.seat(&who.peer).is_some_and(|seat| {
                let good = seat.expires_at.is_some_and(|end| now.0 < end.0 + LEEWAY);
                seat.role == Role::Host && seat.here() == Some(&who.conn) && good
            });
            if let Action::Remove(number) = action
                && host
                && decision.standing == Standing::Seated
            {
                let unknown = |effect: &Effect| matches!(effect,
                    Effect::Send { message: ServerMessage::Error(error), .. }
                        if error.code == Code::PeerNotFound);
                let found = !decision.effects.iter().any(unknown);
                assert!(found || here.get(&format!("p{number}")).is_none_or(|last| now.0 >= *last));
            }
            let ends =
                |effect: &Effect| matches!(effect, Effect::Record(it) if it.event == "ended");
            if decision.effects.iter().any(ends) {
                here.clear();
            }
            let placed = decision.next.iter().flat_map(|next| {
                let seats = next.seats().iter().map(|seat| (&seat.peer, seat.expires_at));
                let waiting = next.waiting().iter().map(|it| (&it.peer, it.expires_at));
                seats.chain(waiting).collect::<Vec<_>>()
            });
            for (peer, end) in placed {
                here.insert(peer.as_str().to_owned(), end.expect("a token").0 + LEEWAY);
            }
        });
    }

    #[test]
    fn a_room_with_memories_is_the_same_after_serialization(steps in steps()) {
        walk(&steps, |room, _, _, _| {
            let text = serde_json::to_string(room).unwrap();
            assert_eq!(&serde_json::from_str::<Room>(&text).unwrap(), room);
        });
    }
}
