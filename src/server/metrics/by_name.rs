//! A counter with one label, whose values are names in this program.

use std::sync::OnceLock;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The most names of one label.
const NAMES: usize = 32;

/// One counter a name. A name that was counted before is found without a lock, because it may be
/// counted for every message.
#[derive(Debug)]
pub(in crate::server) struct ByName {
    all: IntCounterVec,
    known: [OnceLock<(&'static str, IntCounter)>; NAMES],
}

impl ByName {
    pub(super) fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Self, prometheus::Error> {
        let all = IntCounterVec::new(Opts::new(name, help), &[label])?;
        registry.register(Box::new(all.clone()))?;
        Ok(Self { all, known: [const { OnceLock::new() }; NAMES] })
    }

    /// Counts one more of this name.
    pub(in crate::server) fn count(&self, name: &'static str) {
        self.add(name, 1);
    }

    /// Counts so many more of this name.
    pub(in crate::server) fn add(&self, name: &'static str, more: u64) {
        for place in &self.known {
            let (known, counter) =
                place.get_or_init(|| (name, self.all.with_label_values(&[name])));
            if *known == name {
                return counter.inc_by(more);
            }
        }
        self.all.with_label_values(&[name]).inc_by(more);
    }
}
