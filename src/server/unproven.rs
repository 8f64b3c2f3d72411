//! Text frames that were written and that nobody has proved to be received.
//!
//! A write succeeds as soon as the kernel has the bytes; the client may never get them. A pong
//! proves that everything before its ping has arrived (RFC 6455, section 5.5.3: a pong echoes the
//! payload of its ping), so each ping carries the number of the last frame before it. Frames are
//! counted from the `joined` on, as the client counts them.

use std::collections::VecDeque;

use super::queue::Parcel;
use crate::core::{Frame, Receipt, Unread};

/// How many frames are kept without proof. Half of it asks for proof.
const MOST_FRAMES: usize = 128;
/// How many bytes are kept without proof. Half of it asks for proof.
const MOST_BYTES: usize = 128 * 1024;

/// The frames since the last `joined` that the client may not have received.
#[derive(Default)]
pub(super) struct Unproven {
    frames: VecDeque<String>,
    bytes: usize,
    /// How many frames came before these.
    before: u64,
    /// The number in the last ping.
    asked: u64,
    /// A `joined` was written, so the client counts.
    counting: bool,
    /// Of the first frame that waits, a part is written, so the client may get it yet.
    pub(super) begun: bool,
}

impl Unproven {
    /// Keeps what was written.
    pub(super) fn note(&mut self, written: Parcel) {
        match written {
            Parcel::Joined(_) => *self = Self { counting: true, ..Self::default() },
            Parcel::Text(text) if self.counting => self.keep(text),
            Parcel::Ping => self.asked = self.last().unwrap_or_default(),
            Parcel::Text(_) | Parcel::Pong(_) | Parcel::Close(_) => {}
        }
    }

    /// Whether the client should be asked for proof when so many more frames are written, and is
    /// not asked already.
    pub(super) fn wants_proof(&self, more: usize, bytes: usize) -> bool {
        let many = self.count() + more > MOST_FRAMES / 2 || self.bytes + bytes > MOST_BYTES / 2;
        many && self.counting && self.asked <= self.before
    }

    /// Proof is asked for, after at most so many more frames.
    pub(super) fn asks(&mut self, more: usize) {
        self.asked = self.before + (self.count() + more) as u64;
    }

    /// The number of the last frame that was written; `None` while the client does not count.
    pub(super) fn last(&self) -> Option<u64> {
        self.counting.then_some(self.before + self.count() as u64)
    }

    fn count(&self) -> usize {
        self.frames.len()
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
    /// `waiting` was not written.
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
        let written = self.count() + usize::from(self.begun);
        let receipt = Receipt::Counted { before: self.before, written, taken };
        Unread { frames, receipt, full: false }
    }

    fn keep(&mut self, text: String) {
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
        Parcel::Text(format!("frame {nth}"))
    }

    fn write(unproven: &mut Unproven, parcels: impl IntoIterator<Item = Parcel>) {
        parcels.into_iter().for_each(|parcel| unproven.note(parcel));
    }

    /// The frames since `joined` that were written, numbered from 1.
    fn written(count: u64) -> Unproven {
        let mut unproven = Unproven::default();
        write(&mut unproven, [text(99), Parcel::Joined("joined".into())]);
        write(&mut unproven, (1..=count).map(text));
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
        assert_eq!(unproven.frames.capacity(), 0, "an idle connection holds no memory for this");
    }

    #[test]
    fn half_of_the_bound_asks_for_proof_and_beyond_it_the_oldest_go() {
        assert!(!written(64).wants_proof(0, 0));
        assert!(written(65).wants_proof(0, 0));
        assert!(written(60).wants_proof(5, 0), "what is about to be written counts");
        assert!(written(1).wants_proof(1, 70_000));
        assert!(!Unproven::default().wants_proof(1000, 70_000), "before `joined` nobody counts");
        let many = written(134);
        assert_eq!((left(&many, vec![]).0, left(&many, vec![]).1), (6, 128));
        let mut large = written(0);
        write(&mut large, (0..5).map(|_| Parcel::Text("x".repeat(40_000))));
        assert_eq!((left(&large, vec![]).0, left(&large, vec![]).1), (2, 3));
    }

    /// A client that talks all the while would else be pinged for every batch, and charged for the
    /// pongs.
    #[test]
    fn a_client_is_asked_for_proof_once_until_it_answers() {
        let mut unproven = written(63);
        assert!(unproven.wants_proof(2, 0));
        unproven.asks(2);
        assert!(!unproven.wants_proof(2, 0), "the ping waits to be written");
        write(&mut unproven, [text(64), text(65), Parcel::Ping]);
        write(&mut unproven, (66..=100).map(text));
        assert!(!unproven.wants_proof(0, 0), "it has not answered yet");
        unproven.prove(20);
        assert!(!unproven.wants_proof(0, 0), "that was another ping");
        unproven.prove(65);
        assert!(!unproven.wants_proof(0, 0), "35 are few");
        write(&mut unproven, (101..=140).map(text));
        assert!(unproven.wants_proof(0, 0));
    }

    #[test]
    fn a_second_joined_starts_the_count_anew() {
        let mut unproven = written(5);
        write(&mut unproven, [Parcel::Joined("joined".into()), text(1)]);
        assert_eq!(left(&unproven, vec![]), (0, 1, vec!["frame 1".into()]));
        // One that was not written yet has nothing before it either.
        let waiting = vec![text(8), Parcel::Joined("joined".into()), text(9)];
        assert_eq!(left(&unproven, waiting), (0, 0, vec!["frame 9".into()]));
    }

    #[test]
    fn a_frame_that_was_written_in_part_may_arrive() {
        let mut unproven = written(3);
        unproven.begun = true;
        assert_eq!(left(&unproven, vec![text(4), text(5)]).1, 4);
    }
}
