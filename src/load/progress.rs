//! How far it is: a bar on a terminal, else a line now and then.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use super::tally::Tally;

/// How often the bar moves.
pub(super) const STEP: Duration = Duration::from_millis(250);
/// How many lines there are in place of a bar.
const LINES: u32 = 10;
/// How wide the bar is.
const WIDTH: usize = 24;

pub(super) struct Progress {
    total: Duration,
    terminal: bool,
    /// When the next line is due.
    next: Duration,
}

impl Progress {
    pub(super) fn new(total: Duration) -> Self {
        Self { total, terminal: stderr().is_terminal(), next: total / LINES }
    }

    pub(super) fn show(&mut self, elapsed: Duration, tally: &Tally) {
        let line = line(elapsed, self.total, tally);
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{} {line}", bar(elapsed, self.total));
        } else if elapsed >= self.next {
            self.next = elapsed + self.total / LINES;
            let _ = writeln!(stderr(), "{line}");
        }
    }

    /// The report begins on a line of its own.
    pub(super) fn end(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn line(elapsed: Duration, total: Duration, tally: &Tally) -> String {
    let [elapsed, total] =
        [elapsed, total].map(|it| format!("{}:{:02}", it.as_secs() / 60, it.as_secs() % 60));
    let (requests, failed) = tally.requests_so_far();
    let (visits, faults) = (tally.visits.held, tally.faults.sum());
    format!(
        "{elapsed}/{total} {visits} visits, {requests} requests, {failed} failed, {faults} faults"
    )
}

fn bar(elapsed: Duration, total: Duration) -> String {
    let part = (elapsed.as_secs_f64() / total.as_secs_f64()).min(1.0);
    let full = (part * WIDTH as f64) as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_does_not_overflow() {
        let minute = Duration::from_secs(60);
        for (elapsed, full) in [(0, 0), (30, WIDTH / 2), (60, WIDTH), (75, WIDTH)] {
            let bar = bar(Duration::from_secs(elapsed), minute);
            assert_eq!((bar.len(), bar.matches('#').count()), (WIDTH + 2, full), "{bar}");
        }
        let line = line(Duration::from_secs(75), 10 * minute, &Tally::default());
        assert_eq!(line, "1:15/10:00 0 visits, 0 requests, 0 failed, 0 faults");
    }
}
