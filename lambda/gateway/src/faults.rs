//! Injected faults, and when they happen.
//!
//! Whether a fault happens on its n-th occasion depends only on the seed, the fault and n. The
//! order in which processes reach their occasions may differ between runs. So runs are not
//! identical, but the choices are.

use std::sync::Mutex;
use std::time::Duration;

use crate::ids::mix;
use crate::tasks::locked;

/// The faults to inject. A number is the probability of a fault on each occasion. By default there
/// are none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// The seed of the choices.
    pub seed: u64,
    /// Each message, each `$disconnect` and each post is held back for a random time up to this.
    pub reorder: Duration,
    /// The `$disconnect` is lost.
    pub lose_disconnect: f64,
    /// The `$disconnect` is held back for this long.
    pub late_disconnect: (f64, Duration),
    /// The `$disconnect` is sent twice.
    pub double_disconnect: f64,
    /// A post is answered with 429, and so are up to three posts after it.
    pub busy_posts: f64,
    /// A `GetItem` without a consistent read sees the item as it was before the last write.
    pub stale_reads: f64,
    /// The environment is killed when its write arrives.
    pub crash_before_write: f64,
    /// The environment is killed after its write is done.
    pub crash_after_write: f64,
    /// A write is done but answered with 500, so that it is retried.
    pub lost_answers: f64,
    /// The table answers with `ProvisionedThroughputExceededException`.
    pub throttled_table: f64,
    /// The function is not invoked. A handshake gets 500, and a message gets the error frame.
    pub throttled_function: f64,
    /// Whether a 410 for a connection that is gone has neither an error type nor a body.
    pub gone_without_code: bool,
}

/// The occasions for random choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chance {
    LoseDisconnect,
    LateDisconnect,
    DoubleDisconnect,
    BusyPost,
    StaleRead,
    CrashBeforeWrite,
    CrashAfterWrite,
    LostAnswer,
    ThrottledTable,
    ThrottledFunction,
    /// Not a fault, but the choice of how long something is held back.
    Delay,
    /// Not a fault, but the choice between several idle environments.
    Environment,
}

/// Decides which faults happen.
pub(crate) struct Dice(Mutex<State>);

struct State {
    faults: Faults,
    /// How often each chance was rolled.
    rolls: [u64; Chance::Environment as usize + 1],
    /// How many more posts are to be refused.
    busy: u64,
}

impl Dice {
    pub(crate) fn new(faults: Faults) -> Self {
        Self(Mutex::new(State::new(faults)))
    }

    /// Starts again, with other faults.
    pub(crate) fn load(&self, faults: Faults) {
        *locked(&self.0) = State::new(faults);
    }

    pub(crate) fn faults(&self) -> Faults {
        locked(&self.0).faults
    }

    /// Whether the fault happens on this occasion.
    pub(crate) fn takes(&self, chance: Chance) -> bool {
        locked(&self.0).takes(chance)
    }

    /// Whether a post is refused. Refusals come in bursts.
    pub(crate) fn busy(&self) -> bool {
        let mut state = locked(&self.0);
        if state.busy > 0 {
            state.busy -= 1;
            return true;
        }
        let begins = state.takes(Chance::BusyPost);
        if begins {
            state.busy = state.roll(Chance::BusyPost) % 4;
        }
        begins
    }

    /// How long the next thing is held back.
    pub(crate) fn delay(&self) -> Duration {
        let mut state = locked(&self.0);
        let most = state.faults.reorder;
        if most.is_zero() { most } else { most.mul_f64(share(state.roll(Chance::Delay))) }
    }

    /// Chooses one of `count` things.
    pub(crate) fn choose(&self, count: usize) -> usize {
        let roll = locked(&self.0).roll(Chance::Environment);
        (share(roll) * count as f64) as usize
    }
}

impl State {
    fn new(faults: Faults) -> Self {
        Self { faults, rolls: Default::default(), busy: 0 }
    }

    fn takes(&mut self, chance: Chance) -> bool {
        let probability = self.faults.probability(chance);
        probability > 0.0 && share(self.roll(chance)) < probability
    }

    fn roll(&mut self, chance: Chance) -> u64 {
        let rolls = &mut self.rolls[chance as usize];
        *rolls += 1;
        mix(mix(self.faults.seed ^ mix(chance as u64)) ^ *rolls)
    }
}

impl Faults {
    fn probability(&self, chance: Chance) -> f64 {
        match chance {
            Chance::LoseDisconnect => self.lose_disconnect,
            Chance::LateDisconnect => self.late_disconnect.0,
            Chance::DoubleDisconnect => self.double_disconnect,
            Chance::BusyPost => self.busy_posts,
            Chance::StaleRead => self.stale_reads,
            Chance::CrashBeforeWrite => self.crash_before_write,
            Chance::CrashAfterWrite => self.crash_after_write,
            Chance::LostAnswer => self.lost_answers,
            Chance::ThrottledTable => self.throttled_table,
            Chance::ThrottledFunction => self.throttled_function,
            Chance::Delay | Chance::Environment => 1.0,
        }
    }
}

/// A number from 0 up to, but not including, 1.
fn share(roll: u64) -> f64 {
    (roll >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(faults: Faults, count: usize) -> Vec<bool> {
        let dice = Dice::new(faults);
        (0..count).map(|_| dice.takes(Chance::StaleRead)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let faults = Faults { seed: 7, stale_reads: 0.5, ..Faults::default() };
        assert_eq!(taken(faults, 64), taken(faults, 64));
        assert_ne!(taken(faults, 64), taken(Faults { seed: 8, ..faults }, 64));
    }

    #[test]
    fn one_fault_does_not_affect_the_choices_of_another() {
        let faults = Faults { seed: 7, stale_reads: 0.5, lost_answers: 0.5, ..Faults::default() };
        let dice = Dice::new(faults);
        let beside: Vec<bool> = (0..64)
            .map(|_| {
                dice.takes(Chance::LostAnswer);
                dice.takes(Chance::StaleRead)
            })
            .collect();
        assert_eq!(beside, taken(faults, 64));
    }

    #[test]
    fn faults_happen_with_their_probability() {
        assert!(taken(Faults::default(), 100).iter().all(|taken| !taken));
        let always = Faults { stale_reads: 1.0, ..Faults::default() };
        assert!(taken(always, 100).iter().all(|taken| *taken));
        let third = Faults { stale_reads: 0.3, ..Faults::default() };
        let count = taken(third, 10_000).iter().filter(|taken| **taken).count();
        assert!((2800..3200).contains(&count), "{count} of 10000");
    }

    #[test]
    fn delays_stay_below_their_bound() {
        let most = Duration::from_millis(50);
        let dice = Dice::new(Faults { reorder: most, ..Faults::default() });
        let delays: Vec<Duration> = (0..100).map(|_| dice.delay()).collect();
        assert!(delays.iter().all(|delay| *delay < most));
        assert!(delays.windows(2).any(|pair| pair[0] > pair[1]), "some overtake others");
        assert_eq!(Dice::new(Faults::default()).delay(), Duration::ZERO);
    }

    #[test]
    fn refused_posts_come_in_bursts() {
        let dice = Dice::new(Faults { busy_posts: 0.1, ..Faults::default() });
        let refused: Vec<bool> = (0..1000).map(|_| dice.busy()).collect();
        assert!(refused.windows(3).any(|run| run.iter().all(|busy| *busy)));
        assert!(!refused.windows(40).any(|run| run.iter().all(|busy| *busy)));
    }
}
