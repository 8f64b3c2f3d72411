//! The small HTTP responses besides `/health`.

use serde_json::{Value, json};

use super::words::Service;
use super::{Overall, Report};
use crate::wire::Timestamp;

/// `GET /`: what this service is, and its endpoints. `endpoints` are pairs of a name and a path, or
/// a full URL if the endpoint is elsewhere.
pub fn root(service: &Service, endpoints: &[(&str, &str)], now: Timestamp) -> Value {
    let endpoints: Value = endpoints.iter().copied().collect();
    json!({
        "service": service.name,
        "version": service.version,
        "endpoints": endpoints,
        "timestamp": now.rfc3339().to_string(),
    })
}

/// `GET /status`: the overall status, in one sentence.
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

/// The response to any other path.
pub fn not_found(endpoints: &[(&str, &str)]) -> Value {
    let others = endpoints.iter().map(|(_, address)| *address);
    let all: Vec<_> = ["/"].into_iter().chain(others).collect();
    json!({
        "error": "Not Found",
        "message": "There is nothing at this path",
        "available_endpoints": all,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::FINE;
    use super::*;

    #[test]
    fn the_root_names_service_and_endpoints() {
        let service = Service { name: "s".into(), region: "r".into(), version: "1.2.3" };
        let body = root(&service, &[("websocket", "/ws")], Timestamp(0));
        assert_eq!(body["endpoints"]["websocket"], "/ws");
        assert_eq!(body["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(status(&FINE, &service)["status"], "OK");
    }

    #[test]
    fn the_response_to_a_wrong_path_lists_the_endpoints() {
        let body = not_found(&[("health", "/health"), ("websocket", "wss://example.org/prod")]);
        assert_eq!(body["error"], "Not Found");
        let endpoints = &body["available_endpoints"];
        assert_eq!(*endpoints, json!(["/", "/health", "wss://example.org/prod"]));
    }
}
