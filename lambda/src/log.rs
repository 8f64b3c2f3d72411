//! Log lines in JSON on standard error, which CloudWatch collects.
//!
//! No line names a client. A reason is either in our own words or the name of an AWS error.

use std::error::Error;
use std::fmt::Display;
use std::panic::{self, Location};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
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

/// The request that is being handled. An instance handles one at a time.
static REQUEST: Mutex<String> = Mutex::new(String::new());

/// From now on every line names this request, as AWS calls it in the lines of its own.
pub fn begin(request_id: &str) {
    let mut current = REQUEST.lock().unwrap_or_else(PoisonError::into_inner);
    current.clear();
    current.push_str(request_id);
}

fn request() -> String {
    REQUEST.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        "requestId": request(),
    })
}

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "Visio";
/// The metric that counts what happens in visits. The standalone server has it by the same name.
const EVENTS: &str = "visio_visit_events_total";

/// Writes audit events to the log: ids, roles, times and reasons. CloudWatch counts the lines, by
/// what happened. No id is a dimension, because each value of a dimension is a metric of its own.
#[derive(Debug)]
pub struct LogJournal;

impl Journal for LogJournal {
    fn record(&self, event: AuditEvent) {
        eprintln!("{}", audit_line(&event, SystemTime::now().into()));
    }
}

/// The fields beside `audit` are those of the embedded metric format (AWS: "Specification: Embedded
/// metric format"), which CloudWatch reads at no cost beyond the line's.
fn audit_line(event: &AuditEvent, now: Timestamp) -> Value {
    json!({
        "timestamp": now.rfc3339().to_string(),
        "level": "INFO",
        "audit": event,
        "requestId": request(),
        "_aws": {
            "Timestamp": now.0,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName", "event"]],
                "Metrics": [{"Name": EVENTS, "Unit": "Count"}],
            }],
        },
        "FunctionName": std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
        "event": event.event,
        EVENTS: 1,
    })
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

    fn happened(event: &'static str, at: Timestamp) -> AuditEvent {
        AuditEvent {
            at,
            event,
            room_id: RoomId::fallback(),
            peer_id: None,
            role: None,
            by: None,
            reason: None,
            duration_ms: None,
        }
    }

    /// Lambda reads both fields of a JSON line (AWS: "Configuring JSON and plain text log
    /// formats").
    #[test]
    fn every_line_has_a_time_a_level_and_a_request() {
        let now = Timestamp(1_700_000_000_000);
        let audited = happened("ended", now);
        begin("9f2c");
        let complaint = event(now, Level::Error, "a message was not handled", "message", &"x");
        for (line, level) in [(complaint, "ERROR"), (audit_line(&audited, now), "INFO")] {
            assert_eq!(line["timestamp"], "2023-11-14T22:13:20.000Z");
            assert_eq!(line["level"], level);
            assert_eq!(line["requestId"], "9f2c");
        }
    }

    /// CloudWatch drops a line with more than 100 values without a word, and one whose dimensions
    /// or metrics are not fields of the line.
    #[test]
    fn cloudwatch_counts_what_happens_in_visits() {
        let now = Timestamp(1_700_000_000_000);
        let audited = happened("joined", now);
        let line = audit_line(&audited, now);
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_u64);
        assert_eq!((&line["event"], &line[EVENTS]), (&json!("joined"), &json!(1)));
        for dimension in metrics["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
        let names = metrics["Metrics"].as_array().unwrap();
        assert!(names.len() < 100);
        assert!(names.iter().all(|it| line[it["Name"].as_str().unwrap()].is_u64()));
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
