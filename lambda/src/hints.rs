//! What this instance has seen lately. Hints, never truth.
//!
//! Other instances change rooms and connections without telling this one. So a hint lives two
//! seconds at most, what it leads to must be found out if it is wrong, and nobody is refused on
//! the strength of one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a hint lives: whoever was replaced or removed cannot speak for longer through an
/// instance that has not heard of it.
pub const LIFE: Duration = Duration::from_secs(2);
/// An instance handles one event at a time; what it saw in two seconds is less than this.
const MOST: usize = 4096;

/// Hints about values, by key.
#[derive(Debug)]
pub struct Hints<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K: Eq + Hash, V: Clone> Hints<K, V> {
    /// What was seen of `key`, if that is not too long ago.
    pub fn recall(&self, key: &K, now: Instant) -> Option<V> {
        let hints = self.lock();
        let (seen, value) = hints.get(key)?;
        (now.saturating_duration_since(*seen) < LIFE).then(|| value.clone())
    }

    /// Notes what was seen of `key`. `seen` is the time before it was asked for.
    pub fn note(&self, key: K, value: V, seen: Instant) {
        let mut hints = self.lock();
        if hints.len() >= MOST {
            hints.retain(|_, (at, _)| seen.saturating_duration_since(*at) < LIFE);
        }
        if hints.len() < MOST {
            hints.insert(key, (seen, value));
        }
    }

    /// Forgets what was seen of `key`.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Hints<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_lives_two_seconds() {
        let hints = Hints::default();
        let noted = Instant::now();
        hints.note("room", 1, noted);
        let after = |ms| noted + Duration::from_millis(ms);
        assert_eq!(hints.recall(&"room", after(0)), Some(1));
        assert_eq!(hints.recall(&"room", after(1_999)), Some(1));
        assert_eq!(hints.recall(&"room", after(2_000)), None);
        assert_eq!(hints.recall(&"other", after(0)), None);
    }

    #[test]
    fn what_is_forgotten_is_no_hint() {
        let hints = Hints::default();
        hints.note("room", 1, Instant::now());
        hints.forget(&"room");
        assert_eq!(hints.recall(&"room", Instant::now()), None);
    }

    #[test]
    fn memory_is_bounded_and_old_hints_make_room() {
        let hints = Hints::default();
        let start = Instant::now();
        for key in 0..2 * MOST {
            hints.note(key, (), start);
        }
        assert_eq!(hints.lock().len(), MOST);
        hints.note(2 * MOST, (), start + LIFE);
        assert_eq!(hints.lock().len(), 1);
    }
}
