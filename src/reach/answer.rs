//! The answer to one question about the way to a server.

use serde::Serialize;
use serde_json::{Map, Value};

/// Whether it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    /// It works, but something should be done.
    Warning,
    Failed,
    /// The question does not arise, or something before it failed.
    Skipped,
}

/// The answer to one question.
pub(crate) type Answer<T> = Result<Good<T>, Wrong>;

/// It works.
#[derive(Debug)]
pub(crate) struct Good<T> {
    /// What the next question needs.
    pub(crate) value: T,
    pub(crate) verdict: Verdict,
    pub(crate) says: String,
    pub(crate) advice: Option<String>,
    pub(crate) details: Map<String, Value>,
}

/// It does not work, or there is nothing to ask.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) verdict: Verdict,
    pub(crate) says: String,
    pub(crate) advice: Option<String>,
    pub(crate) details: Map<String, Value>,
}

impl<T> Good<T> {
    pub(crate) fn new(value: T, says: impl Into<String>) -> Self {
        let (says, details) = (says.into(), Map::new());
        Self { value, verdict: Verdict::Ok, says, advice: None, details }
    }

    /// It works, but this should be done.
    pub(crate) fn but(mut self, says: &str, advice: &str) -> Self {
        self.verdict = Verdict::Warning;
        self.says = format!("{} {says}", self.says);
        self.advice = Some(match self.advice.take() {
            Some(before) => format!("{before} {advice}"),
            None => advice.to_owned(),
        });
        self
    }

    /// There was nothing to ask.
    pub(crate) fn skipped(mut self) -> Self {
        self.verdict = Verdict::Skipped;
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl Wrong {
    pub(crate) fn new(says: impl Into<String>, advice: impl Into<String>) -> Self {
        let (says, advice) = (says.into(), Some(advice.into()));
        Self { verdict: Verdict::Failed, says, advice, details: Map::new() }
    }

    /// The question cannot be asked.
    pub(crate) fn skipped(says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::new(says, advice) }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}
