//! One report in two vocabularies, because existing front ends poll for one or the other.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Check, Overall, Report};

/// The service that a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The service's name: `visio-conference`, unless the operator sets another.
    pub name: String,
    /// The region it runs in.
    pub region: String,
    /// The version of the software.
    pub version: &'static str,
}

/// The vocabulary that a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vocabulary {
    /// `OK`, `DEGRADED`, `DOWN`; checks `operational`, `degraded`, `down`, `not_configured`.
    #[default]
    Visio,
    /// `healthy`, `unhealthy`; checks `ok`, `error`.
    Healthy,
}

impl Vocabulary {
    /// Reads `format=healthy` from a URL's query.
    pub fn of_query(query: &str) -> Self {
        let asked = form_urlencoded::parse(query.as_bytes())
            .any(|(key, value)| key == "format" && value == "healthy");
        if asked { Self::Healthy } else { Self::Visio }
    }
}

/// The body of `/health`, and whether to answer 200 (true) or 503 (false).
pub fn health(report: &Report, service: &Service, vocabulary: Vocabulary) -> (bool, Value) {
    let good = report.overall() != Overall::Down;
    let body = match vocabulary {
        Vocabulary::Visio => visio(report, service),
        Vocabulary::Healthy => healthy(report, service, good),
    };
    (good, body)
}

fn visio(report: &Report, service: &Service) -> Value {
    json!({
        "status": report.overall(),
        "service": service.name,
        "timestamp": report.checked_at.rfc3339().to_string(),
        "version": service.version,
        "region": service.region,
        "uptime": if report.overall() == Overall::Down { "unhealthy" } else { "healthy" },
        "checks": {
            "api": report.api,
            "video_streaming": report.video_streaming,
            "audio_streaming": report.audio_streaming,
            "signaling_server": report.signaling_server,
            "turn_servers": report.turn_servers,
        },
        "took_ms": {
            "signaling_server": millis(report.took.visit),
            "turn_servers": millis(report.took.turn_servers),
        },
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn healthy(report: &Report, service: &Service, good: bool) -> Value {
    let word = |checks: &[Check]| if checks.contains(&Check::Down) { "error" } else { "ok" };
    json!({
        "status": if good { "healthy" } else { "unhealthy" },
        "service": service.name,
        "timestamp": report.checked_at.rfc3339().to_string(),
        "checks": {
            "api": word(&[report.api]),
            "websocket": word(&[report.signaling_server]),
            "streaming": word(&[report.video_streaming, report.audio_streaming]),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::FINE;
    use super::*;

    fn service() -> Service {
        Service { name: "visio-conference".into(), region: "local".into(), version: "1.2.3" }
    }

    #[test]
    fn the_default_vocabulary() {
        let (good, body) = health(&FINE, &service(), Vocabulary::of_query(""));
        assert!(good);
        assert_eq!(
            body,
            json!({
                "status": "OK",
                "service": "visio-conference",
                "timestamp": "2023-11-14T22:13:20.000Z",
                "version": "1.2.3",
                "region": "local",
                "uptime": "healthy",
                "checks": {
                    "api": "operational",
                    "video_streaming": "operational",
                    "audio_streaming": "operational",
                    "signaling_server": "operational",
                    "turn_servers": "not_configured",
                },
                "took_ms": {"signaling_server": 12, "turn_servers": 0},
            })
        );
    }

    #[test]
    fn the_other_vocabulary() {
        let (good, body) = health(&FINE, &service(), Vocabulary::of_query("a=b&format=healthy"));
        assert!(good);
        assert_eq!(
            body,
            json!({
                "status": "healthy",
                "service": "visio-conference",
                "timestamp": "2023-11-14T22:13:20.000Z",
                "checks": {"api": "ok", "websocket": "ok", "streaming": "ok"},
            })
        );
    }

    #[test]
    fn a_service_that_is_down_says_so_in_both_vocabularies() {
        let dead = Report { signaling_server: Check::Down, video_streaming: Check::Down, ..FINE };
        let (good, body) = health(&dead, &service(), Vocabulary::Visio);
        assert!(!good);
        assert_eq!((&body["status"], &body["uptime"]), (&json!("DOWN"), &json!("unhealthy")));
        let (good, body) = health(&dead, &service(), Vocabulary::Healthy);
        assert!(!good);
        assert_eq!(body["status"], "unhealthy");
        assert_eq!(
            body["checks"],
            json!({"api": "ok", "websocket": "error", "streaming": "error"})
        );
    }
}
