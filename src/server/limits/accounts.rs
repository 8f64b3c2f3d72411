//! Byte budgets that outlive their connections.
//!
//! The bytes a connection may send bound what one peer can make another receive. That alone would
//! not stop a peer that reconnects again and again. Each of its connections starts with a full
//! budget, and every join sends an update to the whole room. So all connections of a peer in a room
//! share an account, and a peer that has overdrawn it cannot join until the debt is paid back. With
//! visit tokens, the token decides which peer a client is. In open mode a stranger can choose any
//! peer id, and so has any number of accounts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::time::Instant;

use super::rate::{Bucket, Rates};
use crate::core::Claim;
use crate::wire::{PeerId, RoomId};

/// How many peers we remember at most after they disconnect. They take a few megabytes.
const GONE: usize = 10_000;

/// The accounts of all peers that hold a seat, wait in a lobby, or are in debt.
#[derive(Debug)]
pub(in super::super) struct Accounts {
    per_second: u32,
    burst: u32,
    all: DashMap<(RoomId, PeerId), Arc<Mutex<Bucket>>>,
    /// How many accounts belong to disconnected peers.
    gone: AtomicUsize,
}

/// A peer's account, held by one of its connections.
#[derive(Debug)]
pub(in super::super) struct Account {
    owner: (RoomId, PeerId),
    bucket: Arc<Mutex<Bucket>>,
    accounts: Arc<Accounts>,
}

impl Accounts {
    pub(in super::super) fn new(rates: Rates) -> Self {
        let (per_second, burst) = rates.bytes;
        Self { per_second, burst, all: DashMap::new(), gone: AtomicUsize::new(0) }
    }

    /// How long a peer must wait before it may join again; `None` if it may join now.
    pub(in super::super) fn overdrawn(&self, who: &Claim, now: Instant) -> Option<Duration> {
        let bucket = self.all.get(&(who.room.clone(), who.peer.clone()))?;
        lock(&bucket).wait(now)
    }

    /// The account of a peer; `None` if there is no limit.
    pub(in super::super) fn of(self: &Arc<Self>, who: &Claim, now: Instant) -> Option<Account> {
        if self.per_second == 0 || self.burst == 0 {
            return None;
        }
        let owner = (who.room.clone(), who.peer.clone());
        let full = || Bucket::full(self.per_second.into(), self.burst.into(), now);
        let entry = self.all.entry(owner.clone());
        let bucket = Arc::clone(entry.or_insert_with(|| Arc::new(Mutex::new(full()))).value());
        Some(Account { owner, bucket, accounts: Arc::clone(self) })
    }

    /// Forgets peers that are not in debt. If too many are in debt, it forgets all disconnected
    /// peers.
    fn make_room(&self, now: Instant) {
        let in_use = |bucket: &Arc<_>| Arc::strong_count(bucket) > 1;
        self.all.retain(|_, bucket| in_use(bucket) || !lock(bucket).is_full(now));
        let owing = self.all.iter().filter(|entry| !in_use(entry.value())).count();
        if owing >= GONE {
            self.all.retain(|_, bucket| in_use(bucket));
        }
        self.gone.store(if owing >= GONE { 0 } else { owing }, Ordering::Relaxed);
    }
}

impl Account {
    /// Whether this is the peer's account.
    pub(in super::super) fn is_of(&self, who: &Claim) -> bool {
        (&self.owner.0, &self.owner.1) == (&who.room, &who.peer)
    }

    /// Charges for bytes that another peer received because of this one.
    pub(in super::super) fn owe(&self, bytes: usize, now: Instant) {
        let _ = lock(&self.bucket).take(bytes as f64, now);
    }

    /// How long the account stays overdrawn; `None` if it is not.
    pub(in super::super) fn overdrawn(&self, now: Instant) -> Option<Duration> {
        lock(&self.bucket).wait(now)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let accounts = Arc::clone(&self.accounts);
        let now = Instant::now();
        if let Entry::Occupied(entry) = accounts.all.entry(self.owner.clone()) {
            // One reference is the map's and one is ours. New ones need the entry's lock.
            if Arc::strong_count(entry.get()) > 2 {
                return;
            }
            let full = lock(entry.get()).is_full(now);
            if full {
                entry.remove();
                return;
            }
        }
        if accounts.gone.fetch_add(1, Ordering::Relaxed) >= GONE {
            accounts.make_room(now);
        }
    }
}

/// Ignores poisoning, because nothing panics while a bucket is half changed.
fn lock(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ConnectionId;
    use crate::wire::FromText;

    fn accounts(bytes: (u32, u32)) -> Arc<Accounts> {
        Arc::new(Accounts::new(Rates { messages: (0, 0), bytes }))
    }

    fn who(room: &str, peer: &str) -> Claim {
        Claim {
            conn: ConnectionId::new("c"),
            room: RoomId::parse(room).unwrap(),
            peer: PeerId::parse(peer).unwrap(),
        }
    }

    #[test]
    fn a_peer_that_reconnects_keeps_its_debt() {
        let (accounts, now) = (accounts((100, 1000)), Instant::now());
        let ada = who("visit", "ada");
        accounts.of(&ada, now).unwrap().owe(1200, now);
        assert_eq!(accounts.overdrawn(&ada, now), Some(Duration::from_millis(2010)));
        let back = accounts.of(&ada, now).unwrap();
        assert!(back.overdrawn(now).is_some());
        assert_eq!(back.overdrawn(now + Duration::from_secs(3)), None);
        for other in [who("visit", "bob"), who("other", "ada")] {
            assert_eq!(accounts.overdrawn(&other, now), None, "no peer pays for another");
        }
    }

    #[test]
    fn two_connections_of_a_peer_share_one_budget() {
        let (accounts, now) = (accounts((100, 1000)), Instant::now());
        let both = [(); 2].map(|()| accounts.of(&who("visit", "ada"), now).unwrap());
        both[0].owe(600, now);
        both[1].owe(600, now);
        assert!(both.iter().all(|account| account.overdrawn(now).is_some()));
        let [first, second] = both;
        drop(first);
        assert!(second.overdrawn(now).is_some());
    }

    #[test]
    fn a_disconnected_peer_without_debt_is_forgotten() {
        let (accounts, now) = (accounts((100, 1000)), Instant::now());
        drop(accounts.of(&who("visit", "ada"), now));
        assert!(accounts.all.is_empty());
    }

    #[test]
    fn the_number_of_remembered_peers_is_bounded() {
        let (accounts, now) = (accounts((1, 1000)), Instant::now());
        let stays = accounts.of(&who("visit", "ada"), now).unwrap();
        stays.owe(1500, now);
        for nth in 0..3 * GONE {
            accounts.of(&who("visit", &nth.to_string()), now).unwrap().owe(1500, now);
            assert!(accounts.all.len() <= GONE + 2);
        }
        assert!(stays.overdrawn(now).is_some());
        assert!(accounts.overdrawn(&who("visit", "ada"), now).is_some());
    }

    #[test]
    fn without_a_limit_there_is_no_account() {
        for bytes in [(0, 5), (5, 0)] {
            assert!(accounts(bytes).of(&who("visit", "ada"), Instant::now()).is_none());
        }
    }
}
