//! The small HTTP answers besides `/health`.

use serde_json::{Value, json};

use super::words::Service;
use super::{Overall, Report};
use crate::wire::Timestamp;

/// What a runtime answers, by what it is for.
pub const ENDPOINTS: [(&str, &str); 6] = [
    ("websocket", "/ws"),
    ("health", "/health"),
    ("status", "/status"),
    ("live", "/livez"),
    ("ready", "/readyz"),
    ("demo", "/demo/"),
];

/// `GET /`: what this is, and where the rest is.
pub fn root(service: &Service, now: Timestamp) -> Value {
    let endpoints: Value = ENDPOINTS.iter().map(|(name, path)| (*name, *path)).collect();
    json!({
        "service": service.name,
        "version": service.version,
        "endpoints": endpoints,
        "timestamp": now.rfc3339().to_string(),
    })
}

/// `GET /status`: one sentence.
pub fn status(report: &Report, service: &Service) -> Value {
    let message = match report.overall() {
        Overall::Ok => "Video conference service is operational",
        Overall::Degraded => "Video conference service is degraded",
        Overall::Down => "Video conference service is down",
    };
    json!({
        "status": report.overall(),
        "service": service.name,
        "message": message,
        "timestamp": report.checked_at.rfc3339().to_string(),
    })
}

/// Anything else.
pub fn not_found() -> Value {
    let paths: Vec<_> = ["/"].into_iter().chain(ENDPOINTS.map(|(_, path)| path)).collect();
    json!({
        "error": "Not Found",
        "message": "There is nothing at this path",
        "available_endpoints": paths,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::FINE;
    use super::*;

    #[test]
    fn the_root_names_service_and_endpoints() {
        let service = Service { name: "s".into(), region: "r".into(), version: "1.2.3" };
        let body = root(&service, Timestamp(0));
        assert_eq!(body["endpoints"]["websocket"], "/ws");
        assert_eq!(body["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(status(&FINE, &service)["status"], "OK");
    }

    #[test]
    fn a_wrong_path_is_told_the_right_ones() {
        let body = not_found();
        assert_eq!(body["error"], "Not Found");
        assert!(body["available_endpoints"].as_array().unwrap().contains(&json!("/health")));
    }
}
