//! A cached result, so that a thousand polling navbars cost one check.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::wire::Timestamp;

/// How long a result stays fresh.
const FRESH: Duration = Duration::from_secs(10);

/// The last result. Callers that ask during a check wait for its result.
///
/// Age is measured by the system clock. A Lambda function is frozen between two requests, and a
/// monotonic clock that stops with it would call yesterday's result fresh.
pub struct Cached<T> {
    now: fn() -> Timestamp,
    last: Mutex<Option<(Timestamp, T)>>,
}

impl<T: Copy> Cached<T> {
    /// An empty cache.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self { now, last: Mutex::new(None) }
    }

    /// The last result if it is fresh, or else the result of `find`.
    pub async fn or_find(&self, find: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        if let Some((_, found)) = last.filter(|(at, _)| fresh(*at, (self.now)())) {
            return found;
        }
        let found = find.await;
        *last = Some(((self.now)(), found));
        found
    }
}

/// Whether a result from `at` is still fresh. It is not if the clock was set back since.
fn fresh(at: Timestamp, now: Timestamp) -> bool {
    let age = now.0.checked_sub(at.0);
    age.is_some_and(|age| u128::from(age) < FRESH.as_millis())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_cost_one_check() {
        let kept = Cached::new(|| Timestamp(1));
        let count = AtomicU32::new(0);
        let check = async || {
            tokio::task::yield_now().await;
            count.fetch_add(1, Ordering::Relaxed) + 1
        };
        let asked = (0..50).map(|_| kept.or_find(check()));
        assert_eq!(futures_util::future::join_all(asked).await, [1; 50]);
    }

    #[test]
    fn a_result_is_fresh_for_ten_seconds() {
        let at = Timestamp(1_700_000_000_000);
        assert!(fresh(at, at) && fresh(at, Timestamp(at.0 + 9_999)));
        assert!(!fresh(at, Timestamp(at.0 + 10_000)));
        assert!(!fresh(at, Timestamp(at.0 - 1)));
    }
}
