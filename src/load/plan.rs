//! What the peers of a visit do by themselves, and when.
//!
//! Everything else they do follows from what they hear: an offer goes out when somebody is in the
//! room, an answer when the offer has come. Between two actions a person thinks, for half to one
//! and a half times the time that was asked for.

use std::time::Duration;

/// How many texts each visit has.
const TEXTS: usize = 5;

/// The times of one visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// When each peer joins, counted from the beginning of the visit.
    pub(super) joins: Vec<Duration>,
    /// When a text is written and by whom, counted from when everybody is in.
    pub(super) texts: Vec<(Duration, usize)>,
    /// When they leave, counted from when everybody is in.
    pub(super) leave: Duration,
    /// How long it is from the beginning of this visit to that of the next one.
    pub(super) length: Duration,
}

impl Plan {
    /// A visit of so many peers, who think about as long as `think`.
    pub(super) fn new(peers: usize, think: Duration, random: &mut Random) -> Self {
        let mut pause = |after: Duration| after + think.mul_f64(0.5 + random.part());
        let mut joins = vec![Duration::ZERO];
        for nth in 1..peers {
            joins.push(pause(joins[nth - 1]));
        }
        let (mut texts, mut at) = (Vec::new(), Duration::ZERO);
        for nth in 0..TEXTS {
            at = pause(at);
            texts.push((at, nth % peers));
        }
        let leave = pause(at);
        let length = joins[peers - 1] + pause(leave);
        Self { joins, texts, leave, length }
    }

    /// A visit in which nobody thinks.
    pub(super) fn at_once(peers: usize) -> Self {
        Self::new(peers, Duration::ZERO, &mut Random::new(0))
    }

    /// The longest visit of so many peers.
    pub(super) fn longest(peers: usize, think: Duration) -> Duration {
        think.mul_f64(1.5) * u32::try_from(peers + TEXTS + 1).unwrap_or(u32::MAX)
    }
}

/// Numbers that look random (SplitMix64). Nothing secret depends on them.
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to 1.
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / 2f64.powi(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_think_between_two_actions() {
        let think = Duration::from_secs(2);
        let (least, most) = (think.mul_f64(0.5), think.mul_f64(1.5));
        for seed in 0..100 {
            let plan = Plan::new(3, think, &mut Random::new(seed));
            let own = [Duration::ZERO].into_iter().chain(plan.texts.iter().map(|(at, _)| *at));
            let own: Vec<_> = own.chain([plan.leave, plan.length - plan.joins[2]]).collect();
            for list in [&plan.joins, &own] {
                for pair in list.windows(2) {
                    let pause = pair[1] - pair[0];
                    assert!((least..=most).contains(&pause), "{pause:?} in {plan:?}");
                }
            }
            assert!(plan.length <= Plan::longest(3, think), "{plan:?}");
        }
    }

    #[test]
    fn everybody_writes_and_no_two_visits_are_alike() {
        let mut random = Random::new(1);
        let plan = Plan::new(2, Duration::from_secs(1), &mut random);
        let writers: Vec<_> = plan.texts.iter().map(|(_, who)| *who).collect();
        assert_eq!(writers, [0, 1, 0, 1, 0]);
        assert_ne!(plan, Plan::new(2, Duration::from_secs(1), &mut random));
        assert_eq!(Plan::at_once(2).length, Duration::ZERO);
    }
}
