//! Users who come one after the other, and hold visits until the time is over.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::plan::{Plan, Random};
use super::progress::{Progress, STEP};
use super::tally::Tally;
use super::venue::Venue;
use super::visit;

pub(super) struct Crowd {
    pub(super) venue: Venue,
    pub(super) users: usize,
    pub(super) think: Duration,
}

/// A few users who hold one visit after the other.
struct Group {
    nth: usize,
    size: usize,
    /// When their first visit begins.
    due: Instant,
    /// After this, none begins.
    end: Instant,
    think: Duration,
}

impl Crowd {
    /// Lets them come and go. Returns what came of it, and whether it was stopped early.
    pub(super) async fn come(
        self,
        duration: Duration,
        ramp_up: Duration,
        progress: &mut Progress,
        stopped: impl Future<Output = ()>,
    ) -> (Tally, bool) {
        let (sum, venue) = (Arc::new(Mutex::new(Tally::default())), Arc::new(self.venue));
        let (begun, sizes) = (Instant::now(), sizes(self.users));
        let mut groups = JoinSet::new();
        for (nth, &size) in sizes.iter().enumerate() {
            let due = begun + ramp_up.mul_f64(nth as f64 / sizes.len() as f64);
            let group = Group { nth, size, due, end: begun + duration, think: self.think };
            groups.spawn(group.hold_visits(Arc::clone(&venue), Arc::clone(&sum)));
        }
        let mut looks = interval(STEP);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stopped = std::pin::pin!(stopped);
        let early = loop {
            tokio::select! {
                ended = groups.join_next() => match ended {
                    // A panic is a fault of this program, and must not look like a good run.
                    Some(ended) => ended.expect("a group holds its visits to the end"),
                    None => break false,
                },
                () = &mut stopped => break true,
                _ = looks.tick() => progress.show(begun.elapsed(), &of(&sum)),
            }
        };
        groups.shutdown().await;
        progress.end();
        let tally = std::mem::take(&mut *of(&sum));
        (tally, early)
    }
}

fn of(sum: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pairs, and one group of three if somebody is left over.
fn sizes(users: usize) -> Vec<usize> {
    let mut sizes = vec![2; users / 2];
    if let Some(last) = sizes.last_mut() {
        *last += users % 2;
    }
    sizes
}

impl Group {
    async fn hold_visits(self, venue: Arc<Venue>, sum: Arc<Mutex<Tally>>) {
        let mut random = Random::new(self.nth as u64);
        let mut due = self.due;
        for visit in 0.. {
            let plan = Plan::new(self.size, self.think, &mut random);
            if due >= self.end {
                return;
            }
            sleep_until(due.into()).await;
            if Instant::now() >= self.end {
                // Visits that are never begun would otherwise be missing from every figure.
                of(&sum).visits.missed += 1;
            } else {
                let id = format!("{}-{visit}", self.nth);
                let tally = visit::hold(&venue, &id, &plan, due).await;
                of(&sum).add(tally);
            }
            due += plan.length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_left_over() {
        for (users, expected) in
            [(2, vec![2]), (3, vec![3]), (6, vec![2, 2, 2]), (7, vec![2, 2, 3])]
        {
            assert_eq!(sizes(users), expected);
        }
        assert_eq!(sizes(75).iter().sum::<usize>(), 75);
    }
}
