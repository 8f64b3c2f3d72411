//! What the doctor found, as text and as JSON.

use std::fmt;
use std::future::Future;
use std::time::Instant;

use serde::Serialize;

use super::finding::{Finding, Step};
use crate::reach::Target;
use crate::reach::{Answer, Verdict};

/// The answers to all questions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The WebSocket's URL, without its query.
    url: String,
    /// The version of the doctor.
    version: &'static str,
    /// Whether nothing failed.
    ok: bool,
    steps: Vec<Finding>,
}

/// The answers so far.
pub(super) struct Examination {
    until: Step,
    findings: Vec<Finding>,
}

impl Examination {
    pub(super) fn new(until: Step) -> Self {
        Self { until, findings: Vec::new() }
    }

    /// Asks a question, unless an earlier one was to be the last.
    pub(super) async fn ask<T>(
        &mut self,
        step: Step,
        question: impl Future<Output = Answer<T>>,
    ) -> Option<T> {
        if step > self.until {
            return None;
        }
        let asked = Instant::now();
        let answer = question.await;
        let (finding, value) = Finding::of(step, answer, asked.elapsed());
        self.findings.push(finding);
        value
    }

    /// The report, in which every question has an answer.
    pub(super) fn report(mut self, target: &Target) -> Report {
        let ok = self.findings.iter().all(|it| it.verdict != Verdict::Failed);
        let why = if ok { "Not asked." } else { "Not asked, because a step before it failed." };
        for step in Step::ALL.into_iter().filter(|step| *step <= self.until) {
            if self.findings.iter().all(|it| it.step != step) {
                self.findings.push(Finding::not_asked(step, why));
            }
        }
        self.findings.sort_by_key(|it| it.step);
        let (url, version) = (target.to_string(), env!("CARGO_PKG_VERSION"));
        Report { url, version, ok, steps: self.findings }
    }
}

impl Report {
    /// 0 if nothing failed, else the [code](Step::exit_code) of the first step that did.
    pub fn exit_code(&self) -> u8 {
        let failed = self.steps.iter().find(|it| it.verdict == Verdict::Failed);
        failed.map_or(0, |it| it.step.exit_code())
    }

    fn summary(&self) -> &'static str {
        let warns = self.steps.iter().any(|it| it.verdict == Verdict::Warning);
        match (self.ok, warns) {
            (true, false) => "Everything that was asked works.",
            (true, true) => "It works, with warnings.",
            (false, _) => "It does not work.",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.url)?;
        for it in &self.steps {
            let Finding { step, says, took_ms, .. } = it;
            let mark = match it.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warn",
                Verdict::Failed => "FAIL",
                Verdict::Skipped => "-",
            };
            write!(f, "{mark:>5}  {step:8} {says}")?;
            match it.verdict {
                Verdict::Skipped => writeln!(f)?,
                _ => writeln!(f, " ({took_ms} ms)")?,
            }
            for line in it.advice.iter().flat_map(|advice| advice.lines()) {
                writeln!(f, "{:15} {line}", "")?;
            }
        }
        writeln!(f, "{}", self.summary())
    }
}
