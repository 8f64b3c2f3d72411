//! What came of the load, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Load;
use super::statistics::Statistics;
use super::tally::{Kind, Requests, Tally, Visits};
use super::verifier::Faults;
use crate::reach::Wrong;

/// A run whose messages went wrong.
const FAULTS: u8 = 20;
/// A run in which something failed, or could not begin.
const FAILURES: u8 = 21;
/// A server on which not even one visit can be held.
const NO_VISIT: u8 = 22;
/// This program was late by more than that, in milliseconds, one time in a hundred.
const LATE: f64 = 50.0;

/// What came of the load.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The WebSocket's URL, without its query.
    url: String,
    /// The version of this program.
    version: &'static str,
    scenario: String,
    users: usize,
    /// How long it took.
    duration_seconds: f64,
    /// Whether it was ended by a signal.
    stopped: bool,
    /// Whether nothing failed.
    ok: bool,
    visits: Visits,
    #[serde(flatten)]
    all: Figures,
    kinds: BTreeMap<Kind, Figures>,
    faults: Faults,
    /// Whether the order counts.
    any_order: bool,
    reasons: Vec<Because>,
    generator_late_ms: Option<Statistics>,
}

/// The figures of a load test.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    total_requests: u64,
    successful_requests: u64,
    failed_requests: u64,
    /// In per cent.
    success_rate: f64,
    response_times_ms: Option<Statistics>,
    requests_per_second: f64,
}

/// Why something failed, and how often.
#[derive(Debug, Serialize)]
struct Because {
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    count: u64,
}

/// Why there was no load at all.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server is not on this machine.
    #[error(
        "{0} is not on this machine: add --yes if you may put load on it. To see whether it works \
         at all, use `visio doctor`"
    )]
    Elsewhere(String),
    /// A signal came before there was any load.
    #[error("stopped before the load began")]
    Stopped,
    /// A visit cannot be held.
    #[error("{says} {advice}")]
    NoVisit {
        /// What is wrong.
        says: String,
        /// What to do.
        advice: String,
    },
}

impl Trouble {
    /// 22 if a visit cannot be held, else 1.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Elsewhere(_) | Self::Stopped => 1,
            Self::NoVisit { .. } => NO_VISIT,
        }
    }

    /// Why a visit could not be held.
    pub(super) fn of(tally: Tally) -> Self {
        let (says, reason) = tally.reasons.into_iter().next().unwrap_or_default();
        Self::NoVisit { says, advice: reason.advice.unwrap_or_default() }
    }
}

impl From<Wrong> for Trouble {
    fn from(wrong: Wrong) -> Self {
        Self::NoVisit { says: wrong.says, advice: wrong.advice.unwrap_or_default() }
    }
}

impl Report {
    pub(super) fn new(load: &Load, tally: Tally, took: Duration, stopped: bool) -> Self {
        let any_order = load.any_order || load.way.target.is_api_gateway();
        let Tally { visits, requests, faults, reasons, lateness } = tally;
        let all = Figures::of(requests.values(), took);
        let of_kind = |kind: Kind| Some((kind, Figures::of([requests.get(&kind)?], took)));
        let kinds = Kind::ALL.into_iter().filter_map(of_kind).collect();
        let reasons = reasons.into_iter().map(|(says, it)| Because {
            says,
            advice: it.advice,
            count: it.count,
        });
        let mut report = Self {
            url: load.way.target.to_string(),
            version: env!("CARGO_PKG_VERSION"),
            scenario: load.name.clone(),
            users: load.users,
            duration_seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            stopped,
            ok: false,
            visits,
            all,
            kinds,
            faults,
            any_order,
            reasons: reasons.collect(),
            generator_late_ms: Statistics::of(&lateness),
        };
        report.ok = report.exit_code() == 0;
        report
    }

    /// 0 if nothing failed; 20 if frames were lost, doubled, misrouted, changed, or reordered where
    /// that is not allowed; 21 if something else failed.
    pub fn exit_code(&self) -> u8 {
        let nothing = self.all.total_requests == 0;
        let failed = self.visits.failed + self.visits.missed + self.all.failed_requests;
        match self.counted_faults() {
            0 if failed == 0 && !nothing => 0,
            0 => FAILURES,
            _ => FAULTS,
        }
    }

    fn counted_faults(&self) -> u64 {
        let allowed = if self.any_order { self.faults.reordered } else { 0 };
        self.faults.sum() - allowed
    }

    fn verdict(&self) -> &'static str {
        match self.exit_code() {
            0 if self.any_order => "Every message arrived once and unchanged.",
            0 => "Every message arrived once, in order and unchanged.",
            FAULTS => "MESSAGES WENT WRONG.",
            _ if self.all.total_requests == 0 => "There was no time for anything.",
            _ => "No message went wrong, but not all that was tried succeeded.",
        }
    }
}

impl Figures {
    fn of<'a>(requests: impl IntoIterator<Item = &'a Requests>, during: Duration) -> Self {
        let (mut took, mut failed) = (Vec::new(), 0);
        for it in requests {
            took.extend(&it.took);
            failed += it.failed;
        }
        let (good, total) = (took.len() as u64, took.len() as u64 + failed);
        let success_rate = if total == 0 { 0.0 } else { good as f64 * 100.0 / total as f64 };
        Self {
            total_requests: total,
            successful_requests: good,
            failed_requests: failed,
            success_rate: (success_rate * 1000.0).round() / 1000.0,
            response_times_ms: Statistics::of(&took),
            requests_per_second: (total as f64 / during.as_secs_f64() * 10.0).round() / 10.0,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, name: &dyn fmt::Display) -> fmt::Result {
        let Self { total_requests: total, failed_requests: failed, success_rate, .. } = self;
        write!(f, "{name:<10} {total:>8} {failed:>7} {:>9}", percent(*success_rate))?;
        if let Some(it) = &self.response_times_ms {
            for value in [it.average, it.p50, it.p95, it.p99, it.min, it.max] {
                write!(f, " {value:>8.1}")?;
            }
        }
        writeln!(f)
    }
}

/// Rounded down: only what is whole is 100 %.
fn percent(part: f64) -> String {
    format!("{:.2} %", (part * 100.0).floor() / 100.0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, scenario, users, duration_seconds, visits, all, faults, .. } = self;
        let ended = if self.stopped { ", ended early" } else { "" };
        writeln!(f, "{url}: {scenario}, {users} users, {duration_seconds:.1} s{ended}")?;
        let Visits { held, failed, missed } = visits;
        writeln!(f, "visits: {held} held, {failed} failed, {missed} could not begin in time")?;
        writeln!(
            f,
            "\n{:<10} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "in ms", "total", "failed", "success", "average", "p50", "p95", "p99", "min", "max"
        )?;
        for (kind, figures) in &self.kinds {
            figures.write(f, kind)?;
        }
        all.write(f, &"all")?;
        writeln!(f, "{} requests a second\n", all.requests_per_second)?;
        let Faults { lost, doubled, misrouted, reordered, changed } = faults;
        let allowed = if self.any_order { " (allowed)" } else { "" };
        writeln!(
            f,
            "frames: {lost} lost, {doubled} doubled, {misrouted} misrouted, {reordered} \
             reordered{allowed}, {changed} changed"
        )?;
        for Because { says, advice, count } in &self.reasons {
            writeln!(f, "{count} x {says}")?;
            advice.iter().try_for_each(|advice| writeln!(f, "     {advice}"))?;
        }
        if let Some(late) = self.generator_late_ms.filter(|it| it.p99 > LATE) {
            let p99 = late.p99;
            writeln!(
                f,
                "This program was late itself (p99 {p99:.0} ms): its machine is too busy."
            )?;
        }
        writeln!(f, "{}", self.verdict())
    }
}
