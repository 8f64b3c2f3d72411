//! The mailboxes of all connections.

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::line::Line;
use super::mailbox::{Bounds, Mailbox, Pace, Refused};
use super::metrics::{Metrics, Queued};
use crate::core::ConnectionId;
use crate::wire::{CloseCode, ServerMessage};

/// The mailboxes of all connections.
#[derive(Debug)]
pub(super) struct Mailboxes {
    /// No client chooses the name of a connection, so a hash that is cheap is good enough.
    all: DashMap<ConnectionId, Arc<Mailbox>, RandomState>,
    bounds: Bounds,
    forgotten: Notify,
    pub(super) metrics: Arc<Metrics>,
    /// The zero point of all liveness times.
    epoch: Instant,
}

impl Mailboxes {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            all: DashMap::default(),
            bounds,
            forgotten: Notify::new(),
            metrics: Arc::new(Metrics::new()),
            epoch: Instant::now(),
        }
    }

    /// Opens the mailbox of a new connection. Without a line everything stays in it.
    pub(super) fn open(&self, conn: &ConnectionId, line: Option<Line>) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(self.bounds, self.epoch, line));
        self.all.insert(conn.clone(), Arc::clone(&mailbox));
        mailbox
    }

    /// Forgets a connection that has ended.
    pub(super) fn forget(&self, conn: &ConnectionId) {
        self.all.remove(conn);
        self.forgotten.notify_waiters();
    }

    /// Waits until no connection is open.
    pub(super) async fn empty(&self) {
        loop {
            let forgotten = self.forgotten.notified();
            if self.all.is_empty() {
                return;
            }
            forgotten.await;
        }
    }

    /// What waits for clients that have not read it yet.
    pub(super) fn queued(&self) -> Queued {
        let mut queued = Queued::default();
        for mailbox in &self.all {
            let (messages, bytes) = mailbox.queued();
            queued.connections += 1;
            queued.messages += messages;
            queued.bytes += bytes;
            queued.most = queued.most.max(messages);
        }
        queued
    }

    /// Every open connection.
    pub(super) fn connections(&self) -> Vec<ConnectionId> {
        self.all.iter().map(|entry| entry.key().clone()).collect()
    }

    /// The mailbox of an open connection.
    pub(super) fn find(&self, conn: &ConnectionId) -> Option<Arc<Mailbox>> {
        self.all.get(conn).map(|mailbox| Arc::clone(&mailbox))
    }

    /// Posts a message to a connection.
    pub(super) fn post(&self, to: &ConnectionId, message: ServerMessage) -> Result<(), Refused> {
        self.find(to).ok_or(Refused::Gone)?.post(message, Pace::AtOnce).map(drop)
    }

    /// Closes a connection once everything posted to it is written.
    pub(super) fn close(&self, conn: &ConnectionId, code: CloseCode) {
        if let Some(mailbox) = self.find(conn) {
            mailbox.close(code);
        }
    }
}
