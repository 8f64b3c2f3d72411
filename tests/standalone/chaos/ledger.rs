//! What became of every message from one peer to the other.

use std::collections::BTreeSet;

/// One direction of a visit. Messages have numbers from 0 on.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// How many were sent.
    pub said: u64,
    /// Those that the server refused with a word. Each was said again, under another number.
    refused: BTreeSet<u64>,
    /// Those that arrived, in the order they did.
    heard: Vec<u64>,
    /// The sender was told that what it said before this number may be lost.
    told: u64,
    /// How many were dropped according to `peer_gone`.
    gone: u64,
    /// The receiver has heard everything that will ever come of those before this number.
    fence: u64,
}

/// The sums of many ledgers.
#[derive(Debug, Default)]
pub struct Sum {
    pub said: u64,
    pub delivered: u64,
    pub refused: u64,
    /// Not delivered, but the sender knows that a page is new, or was told how many are gone.
    pub told: u64,
    pub lost_in_silence: u64,
}

impl Ledger {
    /// The number of the next message.
    pub fn say(&mut self) -> u64 {
        self.said += 1;
        self.said - 1
    }

    pub fn refuse(&mut self, number: u64) {
        assert!(self.refused.insert(number), "{number} was refused twice");
    }

    pub fn hear(&mut self, number: u64) {
        let after = self.heard.last().is_none_or(|last| *last < number);
        let twice = self.heard.contains(&number);
        assert!(after, "{number} came after {:?}; twice: {twice}", self.heard.last());
        self.heard.push(number);
    }

    /// The sender learns that either page is a new one, or that the receiver has left.
    pub fn tell(&mut self) {
        self.told = self.said;
    }

    pub fn note_dropped(&mut self, count: u64) {
        self.gone += count;
    }

    pub fn raise_fence(&mut self, to: u64) {
        self.fence = self.fence.max(to);
    }

    /// Whether nothing is on its way.
    pub fn is_complete(&self) -> bool {
        self.fence == self.said
    }

    /// How many are missing although nobody said so.
    pub fn lost(&self) -> u64 {
        let mut sum = Sum::default();
        self.add_to(&mut sum);
        sum.lost_in_silence
    }

    pub fn add_to(&self, sum: &mut Sum) {
        let heard: BTreeSet<_> = self.heard.iter().copied().collect();
        assert!(heard.is_disjoint(&self.refused), "what was refused arrived after all: {self:?}");
        let missing = (0..self.said).filter(|it| !heard.contains(it) && !self.refused.contains(it));
        let (told, untold): (Vec<_>, Vec<_>) = missing.partition(|number| *number < self.told);
        let untold = untold.len() as u64;
        let lost = untold.saturating_sub(self.gone);
        sum.said += self.said;
        sum.delivered += heard.len() as u64;
        sum.refused += self.refused.len() as u64;
        sum.told += told.len() as u64 + untold - lost;
        sum.lost_in_silence += lost;
    }
}
