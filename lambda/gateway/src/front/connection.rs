//! Open connections, and the list of them. A connection that is not on the list is gone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::outbox::Outbox;
use crate::event::Caller;
use crate::tasks::locked;

/// An open connection.
pub(crate) struct Connection {
    pub(super) caller: Caller,
    pub(super) outbox: Outbox,
    last_active: AtomicU64,
    ended: watch::Sender<bool>,
}

/// The open connections, by id.
#[derive(Default)]
pub(crate) struct Connections(Mutex<BTreeMap<String, Arc<Connection>>>);

impl Connections {
    pub(super) fn insert(&self, caller: Caller) -> Arc<Connection> {
        let connection = Arc::new(Connection {
            last_active: AtomicU64::new(caller.connected_at),
            caller,
            outbox: Outbox::default(),
            ended: watch::Sender::default(),
        });
        locked(&self.0).insert(connection.caller.connection.clone(), Arc::clone(&connection));
        connection
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        locked(&self.0).get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) {
        locked(&self.0).remove(id);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        locked(&self.0).values().cloned().collect()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        locked(&self.0).keys().cloned().collect()
    }
}

impl Connection {
    pub(super) fn id(&self) -> &str {
        &self.caller.connection
    }

    /// Records that a message passed, in either direction.
    pub(super) fn touch(&self, now: u64) {
        self.last_active.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn last_active(&self) -> u64 {
        self.last_active.load(Ordering::Relaxed)
    }

    pub(crate) fn age(&self, now: u64) -> Duration {
        Duration::from_millis(now.saturating_sub(self.caller.connected_at))
    }

    /// Marks the connection as closed, after the client was told.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(super) async fn ended(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}
