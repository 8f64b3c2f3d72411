//! `@connections`, through which a function reaches a client.
//!
//! A `DELETE` first writes everything that was posted before it, and then closes with 1000. The
//! real one accepts no close code either. According to the documentation `$disconnect` follows, but
//! one other emulator says it does not.

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Front;
use super::connection::Connection;
use super::handshake::MAX_MESSAGE;
use super::outbox::Refused;
use crate::ids::Date;

/// Answers one request about a connection.
pub(super) async fn answer(front: &Front, id: &str, request: Request) -> Response {
    if !is_signed(request.headers()) {
        return error(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden");
    }
    match *request.method() {
        Method::POST => post(front, id, request).await,
        Method::GET => front
            .connections
            .find(id)
            .map_or_else(|| gone(front), |connection| Json(describe(&connection)).into_response()),
        Method::DELETE => match front.connections.find(id) {
            Some(connection) if connection.outbox.close(1000, "Connection Closed Normally") => {
                StatusCode::NO_CONTENT.into_response()
            }
            _ => gone(front),
        },
        _ => error(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
    }
}

async fn post(front: &Front, id: &str, request: Request) -> Response {
    let site = &front.site;
    site.meter.post();
    let Ok(body) = to_bytes(request.into_body(), MAX_MESSAGE).await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Too large");
    };
    site.clock.pass(site.dice.delay()).await;
    if site.dice.busy() {
        return busy();
    }
    match front.connections.find(id) {
        Some(connection) => deliver(front, &connection, body),
        None => gone(front),
    }
}

fn deliver(front: &Front, connection: &Connection, body: Bytes) -> Response {
    let Ok(text) = Utf8Bytes::try_from(body) else {
        return error(StatusCode::BAD_REQUEST, "BadRequestException", "Not UTF-8");
    };
    let bytes = text.len();
    match connection.outbox.push(text) {
        Ok(()) => {
            front.site.meter.message_out(bytes);
            connection.touch(front.site.clock.now());
            StatusCode::OK.into_response()
        }
        Err(Refused::Full) => busy(),
        Err(Refused::Closing) => gone(front),
    }
}

fn describe(connection: &Connection) -> serde_json::Value {
    let caller = &connection.caller;
    json!({
        "connectedAt": Date::new(caller.connected_at).iso(),
        "identity": {"sourceIp": caller.source_ip, "userAgent": caller.user_agent},
        "lastActiveAt": Date::new(connection.last_active()).iso(),
    })
}

/// Whether there is a signature for this service. It is not verified.
fn is_signed(headers: &HeaderMap) -> bool {
    let signature = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    signature.is_some_and(|signature| {
        signature.starts_with("AWS4-HMAC-SHA256 ")
            && signature.contains("/execute-api/aws4_request")
    })
}

fn busy() -> Response {
    error(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Too many requests")
}

fn gone(front: &Front) -> Response {
    if front.site.dice.faults().gone_without_code {
        return StatusCode::GONE.into_response();
    }
    error(StatusCode::GONE, "GoneException", "Gone")
}

fn error(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [("x-amzn-errortype", kind)], Json(json!({"message": message}))).into_response()
}
