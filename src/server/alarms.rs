//! Wakes a room when something in it is due, whether or not anybody is connected.
//!
//! [`Timed`] hears of every room that is stored, and sets the alarm that the room asks for. There
//! is at most one alarm a room. Two stores of one room may be heard of in the wrong order, so an
//! alarm is only ever moved forward: one that rings too early finds nothing due, and is set again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::error;

use super::now;
use crate::core::Room;
use crate::drive::Driver;
use crate::ports::{Outbox, Registry, Swap, Unavailable};
use crate::wire::{RoomId, RoomSummary, Timestamp, Version};

/// The clock on the wall is looked at this often at least, because it may be put forward.
const LOOK: Duration = Duration::from_secs(30);
/// A room that could not be woken is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);

/// A registry whose rooms are woken when something is due.
#[derive(Debug)]
pub(super) struct Timed<R> {
    rooms: R,
    alarms: Alarms,
}

#[derive(Debug, Default)]
struct Alarms {
    set: Mutex<Set>,
    /// The first alarm is another one than it was.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Set {
    by_room: HashMap<RoomId, Timestamp>,
    in_order: BTreeSet<(Timestamp, RoomId)>,
}

impl<R: Registry> Timed<R> {
    /// These rooms, of which nothing is due yet.
    pub(super) fn new(rooms: R) -> Self {
        Self { rooms, alarms: Alarms::default() }
    }
}

/// Wakes one room after the other, for as long as it is let.
pub(super) async fn run<R: Registry, O: Outbox>(driver: &Driver<Arc<Timed<R>>, (), O>) {
    let alarms = &driver.registry.alarms;
    loop {
        let room = alarms.next().await;
        if let Err(fault) = driver.due(&room, now()).await {
            error!(%fault, "what was due in a room was not done");
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

    /// Waits for the first alarm to ring, and takes it away.
    async fn next(&self) -> RoomId {
        loop {
            let wait = match self.ring(now()) {
                Ok(room) => return room,
                Err(wait) => wait.min(LOOK),
            };
            let _either_way_look_again = timeout(wait, self.changed.notified()).await;
        }
    }

    /// The room whose alarm rings at `now`, or how long it is until the first one does.
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
    fn a_room_has_one_alarm_which_is_only_moved_forward() {
        let alarms = Alarms::default();
        for due in [20, 30, 10, 15] {
            alarms.set(room("a"), Timestamp(due));
        }
        assert_eq!(alarms.ring(Timestamp(40)), Ok(room("a")));
        assert_eq!(alarms.ring(Timestamp(40)), Err(Duration::MAX), "there was one");
    }

    #[tokio::test]
    async fn an_earlier_alarm_is_heard_while_a_later_one_is_waited_for() {
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
