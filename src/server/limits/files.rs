//! How many connections the limit on open files allows.
//!
//! A socket is an open file. A server that runs out of open files notices too late: it can open
//! nothing more, not even for a health check. So `--max-connections` is lowered to what fits. A
//! client beyond that meets our own limit, which tells it why and keeps room for `/health`.

use super::admission::spare;

/// Open files that the server itself needs: for the runtime, the log, the listener, a certificate
/// and a key that are being read, and the health check's ends of its visit. That is about 15.
const OWN: u64 = 24;
/// More open files than any machine allows, but small enough not to overflow.
const PLENTY: u64 = 1 << 28;
/// The fewest connections that make a visit.
const FEWEST: usize = 2;

/// The most connections that fit together with their spare permits. `None` if not even one visit
/// fits.
pub fn most_connections(open_files: u64) -> Option<usize> {
    let sockets = usize::try_from(open_files.min(PLENTY).saturating_sub(OWN)).ok()?;
    // There are spare permits for an eighth of the connections, or a few.
    let most = ((8 * sockets + 7) / 9).min(sockets.saturating_sub(spare(0)));
    (most >= FEWEST).then_some(most)
}

/// The lowest limit on open files that allows one visit.
pub fn fewest_open_files() -> u64 {
    OWN + (FEWEST + spare(FEWEST)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_fits_with_spare_permits_and_one_more_would_not() {
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
