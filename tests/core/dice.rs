//! Chance with a seed, and tasks in an order that the dice choose.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    /// The dice of one player. No two players of a seed roll the same.
    pub fn new(seed: u64, player: u64) -> Self {
        let mut dice = Self(seed);
        Self(dice.roll() ^ player.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// Is pending once.
pub async fn others_first() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

/// Polls one of the tasks, and drops it if it is done.
pub fn step(dice: &mut Dice, tasks: &mut Vec<Task>) {
    let next = usize::try_from(dice.below(tasks.len() as u64)).unwrap();
    if tasks[next].as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
        drop(tasks.swap_remove(next));
    }
}
