//! The table.
#![expect(clippy::print_stdout, reason = "a command that prints a table")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

/// One measurement, taken once a round, on each server.
pub(super) struct Row {
    name: Cow<'static, str>,
    unit: Unit,
    limit: Option<Limit>,
    /// The servers in each round, if there are others.
    servers: Vec<&'static str>,
    /// A round each: visio, then the blind relay if it was measured, then others.
    rounds: Vec<Vec<f64>>,
}

/// The unit of measurement.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Microseconds of CPU time, in user and kernel mode.
    Micros,
    /// KiB of resident memory.
    KiB,
    /// Messages a second.
    PerSecond,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::KiB => "KiB",
            Self::PerSecond => "/s",
        }
    }
}

#[derive(Clone, Copy)]
enum Limit {
    Value(f64),
    Ratio(f64),
}

impl Row {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, unit: Unit) -> Self {
        Self { name: name.into(), unit, limit: None, servers: Vec::new(), rounds: Vec::new() }
    }

    /// The limit for visio.
    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(Limit::Value(limit)), ..self }
    }

    /// The limit for visio, relative to the blind relay.
    pub(super) fn at_most_times(self, limit: f64) -> Self {
        Self { limit: Some(Limit::Ratio(limit)), ..self }
    }

    /// These servers are measured, and not visio and the blind relay alone.
    pub(super) fn of(self, servers: &[&'static str]) -> Self {
        Self { servers: servers.to_vec(), ..self }
    }

    /// The servers after visio and the blind relay, with what was measured.
    fn others(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let others = self.servers.iter().enumerate().skip(2);
        others.filter_map(|(nth, name)| Some((*name, median(&self.column(nth))?)))
    }

    /// What was measured, for machines.
    fn json(&self) -> Value {
        let [visio, blind] = [0, 1].map(|nth| median(&self.column(nth)));
        let ratios = self.ratios();
        json!({
            "name": self.name, "unit": self.unit.name(), "visio": visio, "blind": blind,
            "ratio": median(&ratios), "leastRatio": ratios.first(), "mostRatio": ratios.last(),
            "others": self.others().collect::<BTreeMap<_, _>>(), "rounds": self.rounds,
        })
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
        let of_round = |round: &Vec<f64>| {
            let (visio, blind) = (round.first()?, round.get(1)?);
            (*blind > 0.0).then(|| visio / blind)
        };
        sorted(self.rounds.iter().filter_map(of_round).collect())
    }

    fn print(&self) {
        let visio = self.column(0);
        if visio.is_empty() {
            return;
        }
        let ratios = self.ratios();
        let unit = self.unit.name();
        let value = |list: &[f64]| match median(list) {
            Some(value) if value >= 10_000.0 => format!("{value:.0} {unit}"),
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
        println!("{name:<40} {visio:>11} {blind:>11} {ratio:>7} {spread:>11}   {limit}");
        for (name, other) in self.others() {
            let times = median(&self.column(0)).map(|visio| other / visio).unwrap_or(f64::NAN);
            println!("    {name:<36} {:>11} {times:>19.1} x visio", value(&[other]));
        }
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

/// Prints something that the figures do not say.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// Prints the rows: medians over the rounds, and the smallest and the largest ratio of a round.
pub(super) fn table(rows: &[Row]) {
    println!();
    println!("{:<40} {:>11} {:>11} {:>7} {:>11}   limit", "", "visio", "blind", "ratio", "spread");
    rows.iter().for_each(Row::print);
}

/// Writes the rows as JSON.
pub(super) fn save(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    let text = serde_json::to_string_pretty(&rows)?;
    fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
}

/// Draws the rows as bars: how much of what the blind relay takes visio takes.
pub(super) fn plot(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let rows = rows.iter().filter_map(|row| Some((row, median(&row.ratios())?)));
    let mut bars = String::new();
    let mut y = 46;
    for (row, ratio) in rows {
        let (name, width) = (&row.name, ratio.min(MOST) * ONE);
        let color = if ratio <= 1.0 { "#2a7f62" } else { "#b3541e" };
        bars += &format!(
            "<text x=\"10\" y=\"{text}\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.0}\" height=\"18\" fill=\"{color}\"/>\
             <text x=\"{end:.0}\" y=\"{text}\">{ratio:.2}</text>\n",
            text = y + 14,
            end = LEFT + width + 6.0,
        );
        y += 26;
    }
    let one = LEFT + ONE;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"15\">Visio Signaling, as a multiple of a relay that \
         reads nothing</text>\n{bars}\
         <line x1=\"{one}\" y1=\"38\" x2=\"{one}\" y2=\"{y}\" stroke=\"#333\" \
         stroke-dasharray=\"4 3\"/>\n</svg>\n",
        height = y + 10,
    );
    fs::write(path, svg).with_context(|| format!("could not write {}", path.display()))
}

/// Where the bars begin, how long the bar of 1 is, and the longest that is drawn.
const LEFT: f64 = 300.0;
const ONE: f64 = 240.0;
const MOST: f64 = 1.7;
