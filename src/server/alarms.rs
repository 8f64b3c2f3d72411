//! Wakes a room when something in it is due, whether or not anybody is connected.
//!
//! [`Timed`] sees every write of a room and sets the alarm that the room asks for. A room has at
//! most one alarm. Two writes of one room may be seen in the wrong order, so an alarm is only ever
//! moved to an earlier time. An alarm that rings too early finds nothing due, and is set again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::error;

use super::now;
use crate::core::Room;
use crate::drive::Driver;
use crate::ports::{Census, Outbox, Registry, Swap, Unavailable};
use crate::wire::{RoomId, RoomSummary, Timestamp, Version};

/// The longest wait between two looks at the system clock, because the clock may be set forward.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait before a failed wake-up is retried.
const RETRY: Duration = Duration::from_secs(1);

/// A registry that wakes its rooms when something is due in them.
#[derive(Debug)]
pub(super) struct Timed<R> {
    rooms: R,
    alarms: Alarms,
}

#[derive(Debug, Default)]
struct Alarms {
    set: Mutex<Set>,
    /// Signals that the earliest alarm has changed.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Set {
    by_room: HashMap<RoomId, Timestamp>,
    in_order: BTreeSet<(Timestamp, RoomId)>,
}

impl<R: Registry> Timed<R> {
    /// Wraps a registry in whose rooms nothing is due yet.
    pub(super) fn new(rooms: R) -> Self {
        Self { rooms, alarms: Alarms::default() }
    }
}

/// Wakes rooms one after the other, for as long as it is polled.
pub(super) async fn run<R: Registry, O: Outbox>(driver: &Driver<Arc<Timed<R>>, (), O>) {
    let alarms = &driver.registry.alarms;
    loop {
        let room = alarms.next().await;
        if let Err(fault) = driver.due(&room, now()).await {
            error!(%fault, "could not do what was due in a room");
            sleep(RETRY).await;
        }
        if let Ok(Some(due)) = driver.registry.load(&room).await.map(|room| room.next_due()) {
            alarms.set(room, due);
        }
    }
}

impl Alarms {
    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a room's alarm, unless an earlier one is set.
    fn set(&self, room: RoomId, due: Timestamp) {
        let mut set = self.lock();
        if set.by_room.get(&room).is_some_and(|earlier| *earlier <= due) {
            return;
        }
        let alarm = (due, room.clone());
        let first = set.in_order.first().is_none_or(|first| alarm < *first);
        if let Some(later) = set.by_room.insert(room.clone(), due) {
            set.in_order.remove(&(later, room));
        }
        set.in_order.insert(alarm);
        drop(set);
        if first {
            self.changed.notify_one();
        }
    }

    /// Waits until the earliest alarm rings, removes it, and returns its room.
    async fn next(&self) -> RoomId {
        loop {
            let wait = match self.ring(now()) {
                Ok(room) => return room,
                Err(wait) => wait.min(LOOK),
            };
            let _woken_or_timed_out = timeout(wait, self.changed.notified()).await;
        }
    }

    /// The room whose alarm rings at `now`, or the time left until the earliest alarm.
    fn ring(&self, now: Timestamp) -> Result<RoomId, Duration> {
        let mut set = self.lock();
        let Some((due, _)) = set.in_order.first() else { return Err(Duration::MAX) };
        if *due > now {
            return Err(Duration::from_millis(due.0 - now.0));
        }
        let Some((_, room)) = set.in_order.pop_first() else { return Err(Duration::MAX) };
        set.by_room.remove(&room);
        Ok(room)
    }
}

impl<R: Registry> Registry for Timed<R> {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        self.rooms.load(room).await
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        let alarm = next.next_due().map(|due| (next.id().clone(), due));
        let swap = self.rooms.swap(seen, next).await?;
        if let (Swap::Done, Some((room, due))) = (swap, alarm) {
            self.alarms.set(room, due);
        }
        Ok(swap)
    }

    fn sweep(&self, now: Timestamp) {
        self.rooms.sweep(now);
    }

    fn census(&self) -> Option<Census> {
        self.rooms.census()
    }

    async fn rooms(&self, limit: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        self.rooms.rooms(limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    #[test]
    fn alarms_ring_in_order_and_none_early() {
        let alarms = Alarms::default();
        for (name, due) in [("b", 20), ("a", 30), ("c", 10)] {
            alarms.set(room(name), Timestamp(due));
        }
        assert_eq!(alarms.ring(Timestamp(9)), Err(Duration::from_millis(1)));
        for (now, name) in [(15, "c"), (40, "b"), (40, "a")] {
            assert_eq!(alarms.ring(Timestamp(now)), Ok(room(name)));
        }
        assert_eq!(alarms.ring(Timestamp(40)), Err(Duration::MAX));
    }

    #[test]
    fn a_room_has_one_alarm_which_only_moves_to_an_earlier_time() {
        let alarms = Alarms::default();
        for due in [20, 30, 10, 15] {
            alarms.set(room("a"), Timestamp(due));
        }
        assert_eq!(alarms.ring(Timestamp(40)), Ok(room("a")));
        assert_eq!(alarms.ring(Timestamp(40)), Err(Duration::MAX), "there was only one alarm");
    }

    #[tokio::test]
    async fn an_earlier_alarm_interrupts_the_wait_for_a_later_one() {
        let alarms = Alarms::default();
        alarms.set(room("later"), Timestamp(now().0 + 3_600_000));
        let waits = alarms.next();
        let sets = async {
            tokio::task::yield_now().await;
            alarms.set(room("earlier"), now());
        };
        let (rings, ()) = tokio::join!(waits, sets);
        assert_eq!(rings, room("earlier"));
    }
}
