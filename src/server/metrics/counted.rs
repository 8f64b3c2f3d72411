//! A count of messages that is noted once for many of them.

use super::Metrics;

/// Messages that were received and are not counted yet. Nearly all of a batch are of one kind.
#[derive(Default)]
pub(in crate::server) struct Counted {
    kind: &'static str,
    messages: u64,
    bytes: u64,
}

impl Counted {
    /// Counts one more.
    pub(in crate::server) fn add(&mut self, kind: &'static str, bytes: usize, metrics: &Metrics) {
        if kind != self.kind {
            self.note(metrics);
            *self = Self { kind, ..Self::default() };
        }
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    /// Notes what is counted.
    pub(in crate::server) fn note(&self, metrics: &Metrics) {
        if self.messages > 0 {
            metrics.received.add(self.kind, self.messages);
            metrics.received_bytes.inc_by(self.bytes);
        }
    }
}
