//! Figures of many durations.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The usual figures, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Statistics {
    #[serde(serialize_with = "rounded")]
    pub(super) average: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) p50: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) p95: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) p99: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) min: f64,
    #[serde(serialize_with = "rounded")]
    pub(super) max: f64,
}

impl Statistics {
    /// `None` if there are no durations.
    pub(super) fn of(durations: &[Duration]) -> Option<Self> {
        let mut sorted: Vec<f64> = durations.iter().map(|it| it.as_secs_f64() * 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let average = sorted.iter().sum::<f64>() / sorted.len() as f64;
        let [p50, p95, p99] = [50, 95, 99].map(|percent| percentile(&sorted, percent));
        Some(Self { average, p50, p95, p99, min, max })
    }
}

/// The smallest value that so many per cent of all values do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Microseconds are enough.
fn rounded<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Option<Statistics> {
        Statistics::of(&millis.into_iter().map(Duration::from_millis).collect::<Vec<_>>())
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        // In any order.
        let hundred = of((1..=100).rev()).unwrap();
        let Statistics { average, p50, p95, p99, min, max } = hundred;
        assert_eq!([average, p50, p95, p99, min, max], [50.5, 50.0, 95.0, 99.0, 1.0, 100.0]);
        // One of a hundred that is slow is not the 99th percentile; two of them are.
        let one_slow = of([1; 99].into_iter().chain([500])).unwrap();
        assert_eq!((one_slow.p99, one_slow.max), (1.0, 500.0));
        assert_eq!(of([1; 98].into_iter().chain([500; 2])).unwrap().p99, 500.0);
    }

    #[test]
    fn few_values_have_figures_and_none_has_none() {
        let one = of([7]).unwrap();
        assert_eq!([one.average, one.p50, one.p99, one.min, one.max], [7.0; 5]);
        assert_eq!(of([]), None);
    }
}
