//! Times, as messages and documents write them.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// Wall-clock time in Unix milliseconds. Stored state outlives the process, so a monotonic clock
/// cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// The last millisecond that RFC 3339 can express, because its years have four digits.
const LAST_OF_9999: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The time this long after it.
    pub fn after(self, time: Duration) -> Self {
        Self(self.0 + u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long this is after `earlier`; nothing if it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time as RFC 3339 in UTC, for HTTP bodies. A time after the year 9999 is written as the
    /// end of that year.
    pub fn rfc3339(self) -> impl fmt::Display {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.min(LAST_OF_9999));
        humantime::format_rfc3339_millis(time)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_time_can_be_formatted(time: u64, near in LAST_OF_9999 - 2..LAST_OF_9999 + 3) {
            for time in [time, near] {
                let text = Timestamp(time).rfc3339().to_string();
                proptest::prop_assert_eq!(text.len(), "9999-12-31T23:59:59.999Z".len());
                let read = humantime::parse_rfc3339(&text).unwrap();
                proptest::prop_assert_eq!(Timestamp::from(read).0, time.min(LAST_OF_9999));
            }
        }
    }

    #[test]
    fn times_are_formatted_as_rfc_3339() {
        assert_eq!(Timestamp(1_700_000_000_123).rfc3339().to_string(), "2023-11-14T22:13:20.123Z");
        let last = "9999-12-31T23:59:59.999Z";
        for time in [LAST_OF_9999, LAST_OF_9999 + 1, u64::MAX] {
            assert_eq!(Timestamp(time).rfc3339().to_string(), last);
        }
    }
}
