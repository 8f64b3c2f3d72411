//! The environments of a function, and the invocations that wait for one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::environment::Environment;
use crate::clock::millis;
use crate::faults::Dice;
use crate::tasks::locked;

/// Slots for environments.
pub(super) struct Pool(Mutex<State>);

struct State {
    slots: Vec<Slot>,
    waiting: VecDeque<Waiting>,
    /// The slot that new invocations must use; `None` for any.
    pin: Option<usize>,
    max: usize,
}

#[derive(Default)]
enum Slot {
    #[default]
    Vacant,
    /// An idle environment, and the time it was last used.
    Idle(Arc<Environment>, u64),
    Busy {
        retired: bool,
    },
}

struct Waiting {
    pin: Option<usize>,
    reply: oneshot::Sender<Lease>,
}

/// The right to use a slot. If the slot is vacant, the holder of the lease fills it.
pub(super) struct Lease {
    pub(super) index: usize,
    pub(super) environment: Option<Arc<Environment>>,
}

impl Pool {
    pub(super) fn new(max: usize) -> Self {
        let waiting = VecDeque::new();
        Self(Mutex::new(State { slots: Vec::new(), waiting, pin: None, max: max.max(1) }))
    }

    /// Waits for a slot.
    pub(super) async fn lease(&self, dice: &Dice) -> Lease {
        let (reply, lease) = oneshot::channel();
        {
            let mut state = locked(&self.0);
            let pin = state.pin;
            state.waiting.push_back(Waiting { pin, reply });
            state.serve(dice);
        }
        match lease.await {
            Ok(lease) => lease,
            // This cannot happen, because the pool outlives everybody who waits in it.
            Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn give_back(&self, lease: Lease, now: u64, dice: &Dice) {
        let mut state = locked(&self.0);
        let slot = &mut state.slots[lease.index];
        let retired = matches!(slot, Slot::Busy { retired: true });
        *slot = match lease.environment {
            Some(environment) if !retired && environment.is_alive() => Slot::Idle(environment, now),
            Some(environment) => {
                environment.stop();
                Slot::Vacant
            }
            None => Slot::Vacant,
        };
        state.serve(dice);
    }

    pub(super) fn route_to(&self, index: Option<usize>) {
        locked(&self.0).pin = index;
    }

    /// Empties the idle slots, and marks the busy ones as retired.
    pub(super) fn retire(&self) -> Vec<Arc<Environment>> {
        let mut state = locked(&self.0);
        for slot in &mut state.slots {
            if let Slot::Busy { retired } = slot {
                *retired = true;
            }
        }
        state.take_idle(|_| true)
    }

    /// Empties the slots that were unused for at least this long.
    pub(super) fn unused_since(&self, now: u64, long: Duration) -> Vec<Arc<Environment>> {
        locked(&self.0).take_idle(|used| now.saturating_sub(used) >= millis(long))
    }
}

impl State {
    /// Gives a slot to every waiting invocation that can have one, in order of arrival.
    fn serve(&mut self, dice: &Dice) {
        let waiting = std::mem::take(&mut self.waiting);
        for who in waiting {
            match self.choose(who.pin, dice) {
                Some(index) => {
                    let slot = &mut self.slots[index];
                    let environment = match std::mem::replace(slot, Slot::Busy { retired: false }) {
                        Slot::Idle(environment, _) if environment.is_alive() => Some(environment),
                        _ => None,
                    };
                    // An invocation that waits never gives up, so this cannot fail.
                    let _ = who.reply.send(Lease { index, environment });
                }
                None => self.waiting.push_back(who),
            }
        }
    }

    fn choose(&mut self, pin: Option<usize>, dice: &Dice) -> Option<usize> {
        if let Some(index) = pin {
            if self.slots.len() <= index {
                self.slots.resize_with(index + 1, Slot::default);
            }
            return (!matches!(self.slots[index], Slot::Busy { .. })).then_some(index);
        }
        let idle: Vec<usize> = self.indexes(|slot| matches!(slot, Slot::Idle(..)));
        match idle.len() {
            0 => self.vacancy(),
            1 => idle.first().copied(),
            several => idle.get(dice.choose(several)).copied(),
        }
    }

    fn vacancy(&mut self) -> Option<usize> {
        if self.indexes(|slot| !matches!(slot, Slot::Vacant)).len() >= self.max {
            return None;
        }
        let vacant = self.slots.iter().position(|slot| matches!(slot, Slot::Vacant));
        vacant.or_else(|| {
            self.slots.push(Slot::Vacant);
            Some(self.slots.len() - 1)
        })
    }

    fn indexes(&self, of: impl Fn(&Slot) -> bool) -> Vec<usize> {
        let slots = self.slots.iter().enumerate();
        slots.filter(|(_, slot)| of(slot)).map(|(index, _)| index).collect()
    }

    fn take_idle(&mut self, which: impl Fn(u64) -> bool) -> Vec<Arc<Environment>> {
        let mut taken = Vec::new();
        for slot in &mut self.slots {
            if matches!(slot, Slot::Idle(_, used) if which(*used))
                && let Slot::Idle(environment, _) = std::mem::take(slot)
            {
                taken.push(environment);
            }
        }
        taken
    }
}
