//! The table.
#![expect(clippy::print_stdout, reason = "a command that prints a table")]

use std::borrow::Cow;
use std::fs;

/// One measurement, taken once a round, on each server.
pub(super) struct Row {
    name: Cow<'static, str>,
    unit: Unit,
    limit: Option<Limit>,
    /// A round each: visio, then the blind relay if it was measured.
    rounds: Vec<Vec<f64>>,
}

/// The unit of measurement.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Microseconds of CPU time, in user and kernel mode.
    Micros,
    /// KiB of resident memory.
    KiB,
}

#[derive(Clone, Copy)]
enum Limit {
    Value(f64),
    Ratio(f64),
}

impl Row {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, unit: Unit) -> Self {
        Self { name: name.into(), unit, limit: None, rounds: Vec::new() }
    }

    /// The limit for visio.
    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(Limit::Value(limit)), ..self }
    }

    /// The limit for visio, relative to the blind relay.
    pub(super) fn at_most_times(self, limit: f64) -> Self {
        Self { limit: Some(Limit::Ratio(limit)), ..self }
    }

    /// Adds a round.
    pub(super) fn add(&mut self, round: Vec<f64>) {
        self.rounds.push(round);
    }

    fn column(&self, nth: usize) -> Vec<f64> {
        let column = self.rounds.iter().filter_map(|round| round.get(nth));
        sorted(column.copied().collect())
    }

    fn ratios(&self) -> Vec<f64> {
        let of_round = |round: &Vec<f64>| Some(round.first()? / round.get(1)?);
        sorted(self.rounds.iter().filter_map(of_round).collect())
    }

    fn print(&self) {
        let visio = self.column(0);
        if visio.is_empty() {
            return;
        }
        let ratios = self.ratios();
        let unit = match self.unit {
            Unit::Micros => "us",
            Unit::KiB => "KiB",
        };
        let value = |list: &[f64]| match median(list) {
            Some(value) => format!("{value:.1} {unit}"),
            None => "-".into(),
        };
        let ratio = median(&ratios).map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let spread = match (ratios.first(), ratios.last()) {
            (Some(least), Some(most)) if ratios.len() > 1 => format!("{least:.2}..{most:.2}"),
            _ => "-".into(),
        };
        let limit = match self.limit {
            Some(Limit::Value(most)) => verdict(median(&visio), most, &format!("{most} {unit}")),
            Some(Limit::Ratio(most)) => verdict(median(&ratios), most, &format!("{most:.2} x")),
            None => "-".into(),
        };
        let (name, blind) = (&self.name, value(&self.column(1)));
        let visio = value(&visio);
        println!("{name:<36} {visio:>11} {blind:>11} {ratio:>7} {spread:>11}   {limit}");
    }
}

fn verdict(measured: Option<f64>, most: f64, text: &str) -> String {
    match measured {
        Some(measured) if measured <= most => format!("{text}: met"),
        Some(_) => format!("{text}: MISSED"),
        None => text.into(),
    }
}

fn sorted(mut list: Vec<f64>) -> Vec<f64> {
    list.sort_by(f64::total_cmp);
    list
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Prints what runs on which core, and how busy the machine was before.
pub(super) fn heading(cores: Option<(usize, usize)>, started_here: bool) {
    match cores {
        Some((server, load)) if started_here => {
            println!("servers on core {server}, load on core {load}");
        }
        Some((server, load)) => {
            println!("load on core {load}; start the server by `taskset -c {server}`");
        }
        None => println!(
            "nothing is bound to a core: that takes two cores and `taskset` (of util-linux). \
             The figures hold less"
        ),
    }
    let others = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    if let Some(runnable) = others.split(' ').next() {
        println!("load average before the start: {runnable}; on a busy machine ratios are blurred");
    }
}

/// Prints the progress.
pub(super) fn progress(round: u32, of: u32) {
    eprintln!("round {round} of {of}");
}

/// Prints the rows: medians over the rounds, and the smallest and the largest ratio of a round.
pub(super) fn table(rows: &[Row]) {
    println!();
    println!("{:<36} {:>11} {:>11} {:>7} {:>11}   limit", "", "visio", "blind", "ratio", "spread");
    rows.iter().for_each(Row::print);
}
