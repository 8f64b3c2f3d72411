//! Ids that look like those of AWS, and dates in its formats.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Mixes the bits of a number with splitmix64, which is short and good enough for a test tool.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Makes unique ids.
pub(crate) struct Ids(AtomicU64);

impl Default for Ids {
    fn default() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one("visio-gateway")))
    }
}

impl Ids {
    /// The id of a connection, a message or a request: 11 bytes in URL-safe base64, such as
    /// `L0SM9cOFvHcCIhw=`. Its last character is always `=`.
    pub(crate) fn short(&self) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        // 88 bits make 14 whole digits, and 4 bits that are padded with two zeros.
        let bits = (((u128::from(self.next()) << 64) | u128::from(self.next())) >> 40) << 2;
        let digit = |place: u32| char::from(ALPHABET[(bits >> (6 * place)) as usize & 63]);
        (0..15).rev().map(digit).chain(['=']).collect()
    }

    /// The id of an invocation.
    pub(crate) fn uuid(&self) -> String {
        let (a, b) = (self.next(), self.next());
        let (head, version) = (a >> 32, (a & 0xfff) | 0x4000);
        let (variant, tail) = ((b >> 48 & 0x3fff) | 0x8000, b & 0xffff_ffff_ffff);
        format!("{head:08x}-{:04x}-{version:04x}-{variant:04x}-{tail:012x}", a >> 16 & 0xffff)
    }

    /// 32 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    fn next(&self) -> u64 {
        mix(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }
}

/// A point in time, split into its parts.
pub(crate) struct Date {
    year: u64,
    month: u64,
    day: u64,
    seconds: u64,
    millis: u64,
}

impl Date {
    /// From milliseconds since the Unix epoch (days to civil date after Howard Hinnant).
    pub(crate) fn new(unix_millis: u64) -> Self {
        let seconds = unix_millis / 1000;
        let days = seconds / 86_400 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march_based = (5 * of_year + 2) / 153;
        let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
        Self {
            year: year + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * march_based + 2) / 5 + 1,
            seconds: seconds % 86_400,
            millis: unix_millis % 1000,
        }
    }

    /// `09/Mar/2025:13:21:19 +0000`
    pub(crate) fn common_log(&self) -> String {
        const NAMES: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let name = NAMES[self.month as usize - 1];
        format!("{:02}/{name}/{:04}:{} +0000", self.day, self.year, self.time())
    }

    /// `2025-03-09T13:21:19.042Z`
    pub(crate) fn iso(&self) -> String {
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        format!("{date}T{}.{:03}Z", self.time(), self.millis)
    }

    fn time(&self) -> String {
        let (hours, minutes) = (self.seconds / 3600, self.seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}", self.seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_look_real() {
        let ids = Ids::default();
        let (one, other) = (ids.short(), ids.short());
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
        assert!(one.ends_with('=') && !one.ends_with("=="));
        let last = one.as_bytes()[14];
        assert!(b"AEIMQUYcgkosw048".contains(&last), "the last digit carries four bits: {one}");
    }

    #[test]
    fn uuids_look_real() {
        let uuid = Ids::default().uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
    }

    #[test]
    fn dates_are_formatted_as_aws_does() {
        let date = Date::new(1_741_526_479_042);
        assert_eq!(date.common_log(), "09/Mar/2025:13:21:19 +0000");
        assert_eq!(date.iso(), "2025-03-09T13:21:19.042Z");
        assert_eq!(Date::new(951_782_400_000).iso(), "2000-02-29T00:00:00.000Z");
        assert_eq!(Date::new(0).iso(), "1970-01-01T00:00:00.000Z");
    }
}
