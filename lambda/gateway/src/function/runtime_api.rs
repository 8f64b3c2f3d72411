//! The Lambda Runtime API, the table and the secrets, as one environment sees them.

use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::environment::Environment;
use super::{Failure, Settings};
use crate::clock::millis;
use crate::event::REGION;
use crate::site::Site;
use crate::table::{self, MAX_BODY, Outcome};

pub(super) async fn answer(
    environment: &Environment,
    settings: &Settings,
    site: &Site,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let segments: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    if let Some(secret) = site.secrets.answer(&parts.headers, &body) {
        return secret;
    }
    match (&parts.method, segments.as_slice()) {
        (&Method::POST, [""]) => match table::answer(site, &parts.headers, &body) {
            Outcome::Answer(response) => response,
            Outcome::Crash => crash(environment).await,
        },
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => {
            next(environment, settings, site).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            finished(environment.finish(id, Ok(body)))
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            finished(environment.finish(id, Err(Failure::Error)))
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            report(settings, site, &body);
            environment.stop();
            finished(true)
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn next(environment: &Environment, settings: &Settings, site: &Site) -> Response {
    let Some(work) = environment.next().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = deadline(work.timeout);
    let (request_id, event) = environment.begin(work);
    let arn = format!("arn:aws:lambda:{REGION}:000000000000:function:{}", settings.name);
    let trace = site.ids.hex();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request_id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", format!("Root=1-{}-{};Sampled=0", &trace[..8], &trace[8..])),
    ];
    (headers, event).into_response()
}

/// The deadline of an invocation, by the real clock, because the process compares it with its own
/// clock.
fn deadline(timeout: Duration) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    millis(now + timeout)
}

fn finished(accepted: bool) -> Response {
    if accepted {
        return (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response();
    }
    // The invoker has given up meanwhile.
    (StatusCode::GONE, Body::empty()).into_response()
}

/// Ends the environment, and leaves its process without an answer.
async fn crash(environment: &Environment) -> Response {
    environment.stop();
    std::future::pending().await
}

fn report(settings: &Settings, site: &Site, error: &Bytes) {
    let error = String::from_utf8_lossy(error);
    site.logs.write(format!("{} failed to initialise: {error}", settings.name));
}
