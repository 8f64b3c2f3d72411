//! Log lines in JSON on standard error, which CloudWatch collects.
//!
//! No line names a client. A reason is either in our own words or the name of an AWS error.

use std::error::Error;
use std::fmt::Display;
use std::panic::{self, Location};
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Value, json};
use visio_signaling::core::audit::AuditEvent;
use visio_signaling::ports::Journal;
use visio_signaling::wire::Timestamp;

/// The level of a log line.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    /// An operator should look at this at some point.
    Warn,
    /// A client was not served.
    Error,
}

/// Writes a line: what happened, what it happened to, and why.
pub fn line(level: Level, message: &str, what: &str, reason: &dyn Display) {
    eprintln!("{}", event(SystemTime::now().into(), level, message, what, reason));
}

fn event(now: Timestamp, level: Level, message: &str, what: &str, reason: &dyn Display) -> Value {
    let level = match level {
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    };
    json!({
        "timestamp": now.rfc3339().to_string(),
        "level": level,
        "message": message,
        "what": what,
        "reason": reason.to_string(),
    })
}

/// Writes audit events to the log: ids, roles, times and reasons.
#[derive(Debug)]
pub struct LogJournal;

impl Journal for LogJournal {
    fn record(&self, event: AuditEvent) {
        eprintln!("{}", audit_line(&event, SystemTime::now().into()));
    }
}

fn audit_line(event: &AuditEvent, now: Timestamp) -> Value {
    json!({"timestamp": now.rfc3339().to_string(), "level": "INFO", "audit": event})
}

/// The exit code of the process. If the function could not start or continue, it logs why.
pub fn end(served: Result<(), lambda_runtime::Error>) -> ExitCode {
    let Err(error) = served else { return ExitCode::SUCCESS };
    line(Level::Error, "the function ended", "start", &error);
    ExitCode::FAILURE
}

/// From now on only the location of a panic is logged, because its message may quote a client.
pub fn hide_panics() {
    panic::set_hook(Box::new(|panic| {
        line(Level::Error, "the function panicked", "panic", &place(panic.location()));
    }));
}

fn place(location: Option<&Location<'_>>) -> String {
    location.map_or_else(|| "unknown location".to_owned(), ToString::to_string)
}

/// An error and its causes, in one sentence.
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use visio_signaling::drive::Fault;
    use visio_signaling::ports::Unavailable;
    use visio_signaling::wire::RoomId;

    use super::*;

    /// Lambda reads both fields of a JSON line (AWS: "Configuring JSON and plain text log
    /// formats").
    #[test]
    fn every_line_has_a_time_and_a_level() {
        let now = Timestamp(1_700_000_000_000);
        let audited = AuditEvent {
            at: now,
            event: "ended",
            room_id: RoomId::fallback(),
            peer_id: None,
            role: None,
            by: None,
            reason: None,
            duration_ms: None,
        };
        let complaint = event(now, Level::Error, "a message was not handled", "message", &"x");
        for (line, level) in [(complaint, "ERROR"), (audit_line(&audited, now), "INFO")] {
            assert_eq!(line["timestamp"], "2023-11-14T22:13:20.000Z");
            assert_eq!(line["level"], level);
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_location() {
        let place = place(Some(Location::caller()));
        assert!(place.contains(file!()), "{place}");
    }

    #[test]
    fn a_chain_names_the_cause() {
        let fault = Fault::from(Unavailable::new("DynamoDB: no answer in time"));
        assert_eq!(
            chain(&fault),
            "the registry or the outbox did not answer: DynamoDB: no answer in time"
        );
    }
}
