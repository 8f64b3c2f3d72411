//! Text frames that were written and that nobody has proved to be received.
//!
//! A write succeeds as soon as the kernel has the bytes; the client may never get them. A pong
//! proves that everything before its ping has arrived (RFC 6455, section 5.5.3: a pong echoes the
//! payload of its ping), so each ping carries the number of the last frame before it. Frames are
//! counted from the `joined` on, as the client counts them.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::mailbox::Parcel;
use crate::core::{Frame, Receipt, Unread};

/// How many frames are kept without proof. Half of it asks for proof.
const MOST_FRAMES: usize = 128;
/// How many bytes are kept without proof. Half of it asks for proof.
const MOST_BYTES: usize = 128 * 1024;

/// The frames since the last `joined` that the client may not have received.
#[derive(Default)]
pub(super) struct Unproven {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// How many frames came before these.
    before: u64,
    /// The number in the last ping.
    asked: u64,
    /// A `joined` was written, so the client counts.
    counting: bool,
    /// How many of the last frames were never written after all.
    pub(super) unwritten: usize,
}

impl Unproven {
    /// Keeps the frames that are about to be written, and numbers the pings among them.
    pub(super) fn note(&mut self, parcels: &mut VecDeque<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Joined(_) => *self = Self { counting: true, ..Self::default() },
                Parcel::Text(text) if self.counting => self.keep(text.clone()),
                Parcel::Ping(number) => {
                    *number = self.last();
                    self.asked = *number;
                }
                Parcel::Text(_) | Parcel::Close(_) => {}
            }
        }
    }

    /// Whether the client should be asked for proof, and is not asked already.
    pub(super) fn wants_proof(&self) -> bool {
        let many = self.frames.len() > MOST_FRAMES / 2 || self.bytes > MOST_BYTES / 2;
        many && self.asked <= self.before
    }

    /// A ping that asks for proof of all that was written.
    pub(super) fn ping(&mut self) -> Parcel {
        self.asked = self.last();
        Parcel::Ping(self.asked)
    }

    /// The client has received the frames up to this number.
    pub(super) fn prove(&mut self, received: u64) {
        while self.before < received && self.drop_first() {}
        if self.frames.is_empty() {
            // An idle connection holds no memory for this.
            self.frames = VecDeque::new();
        }
    }

    /// All that the client may not have received, of a session that took `taken` frames from it.
    /// `waiting` was never written.
    pub(super) fn left_behind(&self, waiting: &VecDeque<Parcel>, taken: u64) -> Unread {
        let text = |parcel: &Parcel| match parcel {
            Parcel::Text(text) => Some(Frame::new(text.as_str())),
            _ => None,
        };
        let joined = waiting.iter().rposition(|parcel| matches!(parcel, Parcel::Joined(_)));
        if let Some(joined) = joined {
            // It starts the count anew, and was never written itself.
            let frames = waiting.iter().skip(joined).filter_map(text).collect();
            let receipt = Receipt::Counted { before: 0, written: 0, taken };
            return Unread { frames, receipt, full: false };
        }
        let kept = self.frames.iter().map(|text| Frame::new(text.as_str()));
        let frames = kept.chain(waiting.iter().filter_map(text)).collect();
        let written = self.frames.len().saturating_sub(self.unwritten);
        let receipt = Receipt::Counted { before: self.before, written, taken };
        Unread { frames, receipt, full: false }
    }

    fn last(&self) -> u64 {
        self.before + self.frames.len() as u64
    }

    fn keep(&mut self, text: Utf8Bytes) {
        self.bytes += text.len();
        self.frames.push_back(text);
        while (self.frames.len() > MOST_FRAMES || self.bytes > MOST_BYTES) && self.drop_first() {}
    }

    fn drop_first(&mut self) -> bool {
        let Some(first) = self.frames.pop_front() else { return false };
        self.bytes -= first.len();
        self.before += 1;
        true
    }
}

impl std::fmt::Debug for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unproven({} frames)", self.frames.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(nth: u64) -> Parcel {
        Parcel::Text(format!("frame {nth}").into())
    }

    /// The frames since `joined` that were written, numbered from 1.
    fn written(count: u64) -> Unproven {
        let mut unproven = Unproven::default();
        let first = [text(99), Parcel::Joined("joined".into())];
        unproven.note(&mut first.into_iter().chain((1..=count).map(text)).collect());
        unproven
    }

    /// What came before, how many were written, and the first and the last frame.
    fn left(unproven: &Unproven, waiting: Vec<Parcel>) -> (u64, usize, Vec<String>) {
        let Unread { frames, receipt, .. } = unproven.left_behind(&waiting.into(), 7);
        let Receipt::Counted { before, written, taken: 7 } = receipt else { panic!("{receipt:?}") };
        (before, written, frames.iter().map(|it| it.expose().to_owned()).collect())
    }

    #[test]
    fn frames_count_from_joined_and_go_once_they_are_proved() {
        let mut unproven = written(3);
        assert_eq!(left(&unproven, vec![]).0, 0);
        unproven.prove(2);
        assert_eq!(
            left(&unproven, vec![text(4)]),
            (2, 1, vec!["frame 3".into(), "frame 4".into()])
        );
        unproven.prove(1);
        assert_eq!(left(&unproven, vec![]).0, 2, "an older pong proves nothing new");
        unproven.prove(u64::MAX);
        assert_eq!(left(&unproven, vec![]), (3, 0, vec![]), "no more than was written");
    }

    #[test]
    fn a_ping_has_the_number_of_the_last_frame_before_it() {
        let mut unproven = written(2);
        let mut parcels = VecDeque::from([text(3), Parcel::PING, text(4), Parcel::PING]);
        unproven.note(&mut parcels);
        let numbers = parcels.iter().filter_map(|parcel| match parcel {
            Parcel::Ping(number) => Some(*number),
            _ => None,
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn half_of_the_bound_asks_for_proof_and_beyond_it_the_oldest_go() {
        assert!(!written(64).wants_proof());
        assert!(written(65).wants_proof());
        let many = written(134);
        assert_eq!((left(&many, vec![]).0, left(&many, vec![]).1), (6, 128));
        let mut large = written(0);
        for _ in 0..5 {
            large.note(&mut VecDeque::from([Parcel::Text("x".repeat(40_000).into())]));
        }
        assert_eq!((left(&large, vec![]).0, left(&large, vec![]).1), (2, 3));
    }

    /// A client that talks all the while would else be pinged for every batch, and charged for the
    /// pongs.
    #[test]
    fn a_client_is_asked_for_proof_once_until_it_answers() {
        let mut unproven = written(65);
        assert!(unproven.wants_proof());
        unproven.note(&mut VecDeque::from([Parcel::PING]));
        unproven.note(&mut (66..=100).map(text).collect());
        assert!(!unproven.wants_proof(), "it has not answered yet");
        unproven.prove(20);
        assert!(!unproven.wants_proof(), "that was another ping");
        unproven.prove(65);
        assert!(!unproven.wants_proof(), "35 are few");
        unproven.note(&mut (101..=140).map(text).collect());
        assert!(unproven.wants_proof());
    }

    #[test]
    fn a_second_joined_starts_the_count_anew() {
        let mut unproven = written(5);
        unproven.note(&mut VecDeque::from([Parcel::Joined("joined".into()), text(1)]));
        assert_eq!(left(&unproven, vec![]), (0, 1, vec!["frame 1".into()]));
        // One that was not written yet has nothing before it either.
        let waiting = vec![text(8), Parcel::Joined("joined".into()), text(9)];
        assert_eq!(left(&unproven, waiting), (0, 0, vec!["frame 9".into()]));
    }

    #[test]
    fn what_the_socket_did_not_take_was_not_written() {
        let mut unproven = written(3);
        unproven.unwritten = 2;
        assert_eq!(left(&unproven, vec![]).1, 1);
    }
}
