//! How many connections the limit on open files allows.
//!
//! A socket is an open file. A server that accepts more than it may open hears of it too late: then
//! nothing can be opened, not even for a health check. So `--max-connections` is lowered to what
//! fits, and whoever comes too many meets a limit of ours, which says so and keeps room for
//! `/health`.

use super::admission::spare;

/// Open files that are no client's: those of the runtime and the log, the listener, a certificate
/// and a key that are being read, the health check's own ends of its visit. Some 15 in all.
const OWN: u64 = 24;
/// More than any machine has, and few enough to count with.
const PLENTY: u64 = 1 << 28;
/// Fewer hold no visit.
const FEWEST: usize = 2;

/// The most connections that fit, spare permits included, or `None` where that is not even a visit.
pub fn most_connections(open_files: u64) -> Option<usize> {
    let sockets = usize::try_from(open_files.min(PLENTY).saturating_sub(OWN)).ok()?;
    // Of the spare permits there are an eighth, or a few.
    let most = ((8 * sockets + 7) / 9).min(sockets.saturating_sub(spare(0)));
    (most >= FEWEST).then_some(most)
}

/// The lowest limit on open files with which a visit can be held.
pub fn fewest_open_files() -> u64 {
    OWN + (FEWEST + spare(FEWEST)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_its_spare_places_it_fits_and_one_more_would_not() {
        for files in (0..3000).chain([20_000, 65_536, 1 << 20]) {
            let fits = |most: usize| (most + spare(most)) as u64 + OWN <= files;
            match most_connections(files) {
                Some(most) => assert!(fits(most) && !fits(most + 1), "{files}: {most}"),
                None => assert!(files < fewest_open_files(), "{files}"),
            }
        }
        assert_eq!(most_connections(fewest_open_files()), Some(FEWEST));
        assert!(most_connections(u64::MAX).is_some());
    }
}
