//! What a question finds out.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::reach::{Answer, Verdict};

/// A question, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Does the host's name resolve?
    Name,
    /// Does anything listen there?
    Tcp,
    /// Is its certificate trusted, and for how long?
    Tls,
    /// Does the WebSocket handshake get through?
    Upgrade,
    /// Is a peer let in?
    Join,
    /// Does a message reach another peer unchanged?
    Relay,
    /// How long does that take?
    Latency,
    /// Do the STUN and TURN servers work?
    Ice,
}

impl Step {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::Name,
        Self::Tcp,
        Self::Tls,
        Self::Upgrade,
        Self::Join,
        Self::Relay,
        Self::Latency,
        Self::Ice,
    ];

    /// The exit code of a doctor that found this step to fail. They start at 10, because 1 and 2
    /// are taken: an error of our own, and an invalid command line.
    pub fn exit_code(self) -> u8 {
        10 + self as u8
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Name => "name",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Join => "join",
            Self::Relay => "relay",
            Self::Latency => "latency",
            Self::Ice => "ice",
        })
    }
}

/// The answer to one question, as it is reported.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) step: Step,
    pub(super) verdict: Verdict,
    /// What was found, in a sentence.
    pub(super) says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
    pub(super) took_ms: u64,
    /// The same for programs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) details: Map<String, Value>,
}

impl Finding {
    /// The answer to the question of `step`, and what the next question needs of it.
    pub(super) fn of<T>(step: Step, answer: Answer<T>, took: Duration) -> (Self, Option<T>) {
        let (value, verdict, says, advice, details) = match answer {
            Ok(it) => (Some(it.value), it.verdict, it.says, it.advice, it.details),
            Err(it) => (None, it.verdict, it.says, it.advice, it.details),
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        (Self { step, verdict, says, advice, took_ms, details }, value)
    }

    pub(super) fn not_asked(step: Step, says: &str) -> Self {
        let (says, details) = (says.to_owned(), Map::new());
        Self { step, verdict: Verdict::Skipped, says, advice: None, took_ms: 0, details }
    }
}
