//! What a visit remembers of those who are not in it.
//!
//! There is one record an identity. It is made when a seat or a place in the lobby ends, and it
//! goes when the identity takes a seat. It lasts as long as the visit is known, and as long as any
//! token that the identity has shown here.

use serde::{Deserialize, Serialize};

use super::{Grant, Room};
use crate::wire::{PeerId, Timestamp};

/// So many identities are remembered of one visit.
const MAX_KNOWN: usize = 256;

/// What is remembered of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    #[serde(rename = "p")]
    peer: PeerId,
    /// When its last token is over, where that is later than every token that was let in.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// What a host last decided of it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    word: Option<Word>,
    /// What outlives its connection for a moment.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    grace: Option<Grace>,
}

/// What a host decided of an identity, to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Word {
    /// It waits, whatever its token says, until a host admits it.
    #[serde(rename = "b")]
    SentBack,
    /// It does not come in again, unless a token made after this time readmits it.
    #[serde(rename = "r")]
    Removed(Timestamp),
}

/// A place in the lobby that was lost with its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grace {
    /// It is given back until then.
    #[serde(rename = "u")]
    pub until: Timestamp,
    /// The identity has waited since then.
    #[serde(rename = "s", default)]
    pub since: Timestamp,
}

/// How much would be lost with a record, the least first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Seen,
    Grace,
    Word(Word),
}

impl Known {
    fn of(peer: &PeerId) -> Self {
        Self { peer: peer.clone(), until: None, word: None, grace: None }
    }

    fn worth(&self, now: Timestamp) -> Worth {
        match (self.word, self.grace) {
            (Some(word), _) => Worth::Word(word),
            (None, Some(grace)) if grace.until > now => Worth::Grace,
            (None, _) => Worth::Seen,
        }
    }
}

impl Room {
    /// Whether the identity was here, and is not forgotten yet.
    pub(super) fn knows(&self, peer: &PeerId, now: Timestamp) -> bool {
        self.record(peer, now).is_some()
    }

    /// What a host last decided of the identity.
    pub(super) fn word_on(&self, peer: &PeerId, now: Timestamp) -> Option<Word> {
        self.record(peer, now)?.word
    }

    /// Since when the identity has waited, if it lost its place in the lobby a moment ago.
    pub(super) fn waited_since(&self, peer: &PeerId, now: Timestamp) -> Option<Timestamp> {
        let grace = self.record(peer, now)?.grace?;
        (grace.until > now).then_some(grace.since)
    }

    /// Remembers that an identity was here. In open mode an id is nobody's, so that nothing is
    /// remembered of it.
    pub(super) fn note_seen(&mut self, peer: &PeerId, now: Timestamp) {
        self.note(peer, now, |_| ());
    }

    pub(super) fn note_grace(&mut self, peer: &PeerId, grace: Grace, now: Timestamp) {
        self.note(peer, now, |known| known.grace = Some(grace));
    }

    /// A removal also takes the place in the lobby.
    pub(super) fn note_word(&mut self, peer: &PeerId, word: Word, now: Timestamp) {
        self.note(peer, now, |known| {
            known.word = Some(word);
            known.grace = known.grace.filter(|_| word == Word::SentBack);
        });
    }

    /// Takes note of a token that did not let its bearer in, where it outlasts what is remembered
    /// of the identity. `None`: nothing is to be stored.
    pub(super) fn note_token(&self, peer: &PeerId, grant: &Grant, now: Timestamp) -> Option<Self> {
        let until = Some(Grant::over_after(grant.expires_at));
        let record = self.record(peer, now).filter(|known| known.word.is_some())?;
        if until <= record.until.max(self.last_token_ends()) {
            return None;
        }
        let mut next = self.changed();
        let mut known = next.known.iter_mut();
        known.find(|known| known.peer == *peer)?.until = until;
        Some(next)
    }

    /// An identity that waits keeps what a host decided of it, and nothing else.
    pub(super) fn keep_word_alone(&mut self, peer: &PeerId) {
        self.known.retain(|known| known.peer != *peer || known.word.is_some());
        let mut known = self.known.iter_mut();
        if let Some(known) = known.find(|known| known.peer == *peer) {
            known.grace = None;
        }
    }

    /// An identity that sits has nothing to be remembered of.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.known.retain(|known| known.peer != *peer);
    }

    /// Forgets what was over before the visit is known for longer.
    pub(super) fn forget_what_is_over(&mut self, now: Timestamp) {
        let known_until = self.known_until();
        self.known.retain(|known| known.until.max(known_until) > Some(now));
    }

    /// Forgets all but what hosts have decided.
    pub(super) fn keep_words(&mut self) {
        self.known.retain(|known| known.word.is_some());
    }

    /// When the last of what is remembered is over.
    pub(super) fn remembers_until(&self) -> Option<Timestamp> {
        let records = self.known.iter();
        records.map(|known| known.until.max(self.known_until())).max().flatten()
    }

    fn record(&self, peer: &PeerId, now: Timestamp) -> Option<&Known> {
        let known = self.known.iter().find(|known| known.peer == *peer)?;
        (known.until.max(self.known_until()) > Some(now)).then_some(known)
    }

    /// Changes the record of an identity, which is the newest then. Where there are too many, the
    /// one that is worth least goes, of several the oldest.
    fn note(&mut self, peer: &PeerId, now: Timestamp, change: impl FnOnce(&mut Known)) {
        let place = self.known.iter().position(|known| known.peer == *peer);
        let mut known = place.map_or_else(|| Known::of(peer), |place| self.known.remove(place));
        change(&mut known);
        self.known.push(known);
        if self.known.len() > MAX_KNOWN {
            let worth = |place: &usize| self.known[*place].worth(now);
            let least = (0..self.known.len()).min_by_key(worth);
            least.map(|place| self.known.remove(place));
        }
    }
}
