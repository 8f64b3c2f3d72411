//! Any sequence of events, made from bytes: no decision panics, and what must always hold holds.
//! The fuzz target `decide` is this file with other bytes.

use std::collections::BTreeSet;

use visio_signaling::core::{
    Claim, ConnectionId, Event, Frame, Grant, JoinRequest, Key, Receipt, Resume, Room, Rules, Said,
    Unread,
};
use visio_signaling::wire::{
    ClientMessage, FromText, Incoming, PeerId, ResumeSecret, Role, RoomId, Timestamp, Version,
};

const RULES: Rules = Rules { max_peers_per_room: 3, grace_seconds: 20, ..Rules::DEFAULT };
const PEERS: u8 = 5;
const CONNECTIONS: u8 = 9;

/// Walks through the events that these bytes stand for.
pub fn walk(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let mut room = Room::empty(RoomId::fallback(), Version(0));
    let (mut now, mut secrets) = (Timestamp(1_000_000), 0);
    while let Some(step) = bytes.next() {
        let mut next = || bytes.next().unwrap_or_default();
        now = Timestamp(now.0 + u64::from(next() % 16).pow(4));
        secrets += 1;
        with_event(step, &mut next, now, secrets, |event| decide(&mut room, event, now));
    }
}

fn decide(room: &mut Room, event: &Event<'_>, now: Timestamp) {
    if let Some(due) = room.next_due() {
        let early = Timestamp(due.0.saturating_sub(1).min(now.0));
        let nothing = room.decide(&Event::Due, early, &RULES);
        assert!(early >= due || (nothing.next.is_none() && nothing.effects.is_empty()));
    }
    let Some(next) = room.decide(event, now, &RULES).next else { return };
    assert!(next.version() > room.version(), "versions grow");
    assert!(next.seats().len() <= RULES.max_peers_per_room.into(), "too many seats");
    let peers: BTreeSet<_> = next.seats().iter().map(|seat| &seat.peer).collect();
    assert_eq!(peers.len(), next.seats().len(), "a peer has two seats");
    let due = next.decide(&Event::Due, now, &RULES).next;
    let due = due.as_ref().unwrap_or(&next).next_due();
    assert!(due.is_none_or(|due| due > now), "what was due is done");
    let text = serde_json::to_string(&next).expect("a room can be written");
    assert_eq!(serde_json::from_str::<Room>(&text).expect("a room can be read"), next);
    *room = next;
}

fn with_event(
    step: u8,
    next: &mut impl FnMut() -> u8,
    now: Timestamp,
    nth: u16,
    then: impl FnOnce(&Event<'_>),
) {
    let conn = ConnectionId::new(format!("c{}", next() % CONNECTIONS));
    let who = Claim { conn, room: RoomId::fallback(), peer: peer(next()) };
    let to = next() % PEERS;
    let text = match step % 16 {
        0..=3 => return then(&who.says(Said::Join(join(&who, next, now, nth)))),
        4 | 5 => return then(&Event::Lost { conn: who.conn, unread: unread(next) }),
        6 => return then(&Event::Due),
        7 => return then(&who.says(Said::Renew(grant(&who, next, now)))),
        8 => r#"{"type":"chat","message":"x"}"#.to_owned(),
        9 => r#"{"type":"leave"}"#.to_owned(),
        10 => r#"{"type":"peers"}"#.to_owned(),
        11 => {
            let kind = ["admit", "deny", "hold", "to_lobby", "remove"][usize::from(next() % 5)];
            format!(r#"{{"type":"{kind}","peerId":"p{to}"}}"#)
        }
        12 if next() == 0 => r#"{"type":"end_visit"}"#.to_owned(),
        _ => {
            let sdp = "x".repeat(usize::from(next()) * 250);
            format!(r#"{{"type":"offer","to":"p{to}","sdp":"{sdp}"}}"#)
        }
    };
    let message = Incoming::parse(&text).expect("a good message").message;
    let said = match message {
        ClientMessage::Signal(signal) => Said::Signal(signal),
        ClientMessage::Leave => Said::Leave,
        ClientMessage::Host(message) => Said::Host(message, secret(nth)),
        _ => Said::Peers,
    };
    then(&who.says(said));
}

fn join(who: &Claim, next: &mut impl FnMut() -> u8, now: Timestamp, nth: u16) -> JoinRequest {
    let how = next();
    let resume = (how & 1 == 1).then(|| {
        let back = u16::from(next() % 32);
        let received = next();
        let other = ConnectionId::new(format!("c{}", next() % CONNECTIONS));
        Resume {
            key: Key::of(&secret(nth.saturating_sub(back))),
            received: (received < 200).then(|| u64::from(received % 16)),
            alone: how & 2 == 2,
            detached: (how & 4 == 4).then(|| (other, unread(next))),
        }
    });
    let grant = (how & 8 == 8).then(|| grant(who, next, now));
    JoinRequest { grant, resume, named_room: how & 16 == 16, ..JoinRequest::new(secret(nth)) }
}

fn grant(who: &Claim, next: &mut impl FnMut() -> u8, now: Timestamp) -> Grant {
    let how = next();
    let later = |units: u8| Timestamp(now.0 + 1 + u64::from(units) * 20_000);
    Grant {
        subject: who.peer.clone(),
        room: who.room.clone(),
        role: [Role::Guest, Role::Host, Role::Observer, Role::Admin][usize::from(how % 4)],
        name: None,
        relay_only: false,
        lobby: how & 4 == 4,
        capacity: None,
        expires_at: later(next()),
        visit_end: (how & 8 == 8).then(|| later(next())),
        readmitted_at: (how & 16 == 16).then_some(now),
    }
}

fn unread(next: &mut impl FnMut() -> u8) -> Unread {
    let frames = usize::from(next() % 16);
    let texts = (0..frames).map(|nth| match next() % 4 {
        0 => r#"{"type":"error","code":"peer_away"}"#.to_owned(),
        1 => r#"{"type":"peer_left"}"#.to_owned(),
        size => format!(r#"{{"from":"p{nth}","sdp":"{}"}}"#, "x".repeat(usize::from(size) * 9_000)),
    });
    let frames = texts.map(Frame::new).collect();
    let receipt = match next() % 4 {
        0 => Receipt::Assumed,
        1 => Receipt::Unknown,
        _ => Receipt::Counted {
            before: u64::from(next() % 8),
            written: usize::from(next() % 16),
            taken: u64::from(next() % 4),
        },
    };
    Unread { frames, receipt, full: next().is_multiple_of(4) }
}

fn peer(number: u8) -> PeerId {
    PeerId::parse(&format!("p{}", number % PEERS)).expect("a peer id")
}

fn secret(number: u16) -> ResumeSecret {
    ResumeSecret::new(format!("s{number}"))
}

#[cfg(test)]
mod tests {
    /// Xorshift (Marsaglia, 2003).
    fn bytes(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut roll = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[4]
        };
        (0..300).map(|_| roll()).collect()
    }

    #[test]
    fn any_sequence_of_events_keeps_a_room_in_order() {
        for seed in 0..500 {
            let bytes = bytes(seed);
            let walked = std::panic::catch_unwind(|| super::walk(&bytes));
            assert!(walked.is_ok(), "seed {seed}: {bytes:?}");
        }
    }
}
