//! What came of it, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::verifier::Faults;
use crate::reach::Wrong;

/// Something that a user does, and waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// From when it was due to the open WebSocket.
    Connect,
    /// From the open WebSocket to `joined`.
    Join,
    Offer,
    Answer,
    Candidate,
    Text,
    /// From `leave` to when the others know.
    Leave,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::Connect,
        Self::Join,
        Self::Offer,
        Self::Answer,
        Self::Candidate,
        Self::Text,
        Self::Leave,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Join => "join",
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::Text => "text",
            Self::Leave => "leave",
        })
    }
}

/// What was counted, of one visit or of many.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) visits: Visits,
    pub(super) requests: BTreeMap<Kind, Requests>,
    pub(super) faults: Faults,
    pub(super) reasons: BTreeMap<String, Reason>,
    /// How late this program itself was, each time it had waited.
    pub(super) lateness: Vec<Duration>,
}

/// How visits ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Visits {
    /// To their end.
    pub(super) held: u64,
    /// Early.
    pub(super) failed: u64,
    /// They were due, but the ones before them took too long.
    pub(super) missed: u64,
}

/// Requests of one kind.
#[derive(Debug, Default, Clone)]
pub(super) struct Requests {
    /// How long each took that succeeded.
    pub(super) took: Vec<Duration>,
    pub(super) failed: u64,
}

/// Why something failed.
#[derive(Debug, Default)]
pub(super) struct Reason {
    pub(super) count: u64,
    pub(super) advice: Option<String>,
}

/// How many different reasons are kept. A server that is not ours may say anything.
const REASONS: usize = 20;

impl Tally {
    pub(super) fn succeed(&mut self, kind: Kind, took: Duration) {
        self.requests.entry(kind).or_default().took.push(took);
    }

    pub(super) fn fail(&mut self, kind: Kind) {
        self.requests.entry(kind).or_default().failed += 1;
    }

    /// Keeps why something failed.
    pub(super) fn explain(&mut self, why: &Wrong) {
        self.add_reason(why.says.clone(), Reason { count: 1, advice: why.advice.clone() });
    }

    fn add_reason(&mut self, says: String, reason: Reason) {
        let is_new = !self.reasons.contains_key(&says);
        let says =
            if is_new && self.reasons.len() >= REASONS { "Other reasons.".into() } else { says };
        let kept = self.reasons.entry(says).or_default();
        kept.count += reason.count;
        kept.advice = reason.advice.filter(|it| !it.is_empty()).or(kept.advice.take());
    }

    pub(super) fn add(&mut self, other: Self) {
        self.visits.held += other.visits.held;
        self.visits.failed += other.visits.failed;
        self.visits.missed += other.visits.missed;
        self.faults += other.faults;
        self.lateness.extend(other.lateness);
        for (kind, requests) in other.requests {
            let own = self.requests.entry(kind).or_default();
            own.took.extend(requests.took);
            own.failed += requests.failed;
        }
        for (says, reason) in other.reasons {
            self.add_reason(says, reason);
        }
    }

    /// How many requests there were, and how many of them failed.
    pub(super) fn requests_so_far(&self) -> (u64, u64) {
        self.requests.values().fold((0, 0), |(total, failed), it| {
            (total + it.took.len() as u64 + it.failed, failed + it.failed)
        })
    }
}
