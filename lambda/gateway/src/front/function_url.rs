//! The Function URL: it turns an HTTP request into an event of payload format 2.0, and the
//! function's answer into the response.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::refuse;
use crate::base64;
use crate::event::REGION;
use crate::function::{Failure, Function};
use crate::ids::Date;
use crate::site::Site;

const MAX_BODY: usize = 6 << 20;
const URL_ID: &str = "visiolocalhealth";

/// Answers one request.
pub(crate) async fn answer(
    function: Arc<Function>,
    site: Arc<Site>,
    peer: SocketAddr,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let event = event(&site, peer, &parts, &body).to_string();
    let (outcome, came) = oneshot::channel();
    let held = site.pending.hold();
    // hyper drops this handler if the client disconnects, but the invocation must continue.
    site.tasks.spawn(async move {
        let _held = held;
        let _ = outcome.send(function.invoke("health", event).await);
    });
    respond(came.await.unwrap_or(Err(Failure::Crashed)))
}

fn event(site: &Site, peer: SocketAddr, parts: &Parts, body: &[u8]) -> Value {
    let now = site.clock.now();
    let path = parts.uri.path();
    let headers = joined(&parts.headers);
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": URL_ID,
            "domainName": format!("{URL_ID}.lambda-url.{REGION}.on.aws"),
            "domainPrefix": URL_ID,
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": headers.get("user-agent"),
            },
            "requestId": site.ids.uuid(),
            "routeKey": "$default",
            "stage": "$default",
            "time": Date::new(now).common_log(),
            "timeEpoch": now,
        },
        "headers": headers,
        "isBase64Encoded": false,
    });
    if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
        event["queryStringParameters"] = parameters(query);
    }
    let cookies = parts.headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split("; "));
    let cookies: Vec<&str> = cookies.collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => event["body"] = json!(text),
        Err(_) => {
            event["body"] = json!(base64::encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

/// The headers, with lower-case names. Several values of one name are joined with a comma. Cookies
/// are in a separate field.
fn joined(headers: &HeaderMap) -> Map<String, Value> {
    let names = headers.keys().filter(|name| **name != header::COOKIE);
    let value = |name: &HeaderName| {
        let values = headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(",")
    };
    names.map(|name| (name.as_str().to_owned(), json!(value(name)))).collect()
}

fn parameters(query: &str) -> Value {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let joined = match parameters.get(&*name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), json!(joined));
    }
    Value::Object(parameters)
}

/// Builds the response. An object with a status code is a complete answer. Any other JSON is the
/// body of one.
fn respond(outcome: Result<Bytes, Failure>) -> Response {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(Failure::Throttled) => return refuse(StatusCode::TOO_MANY_REQUESTS),
        Err(Failure::Error | Failure::Crashed | Failure::TimedOut) => {
            return refuse(StatusCode::BAD_GATEWAY);
        }
    };
    let Ok(value) = serde_json::from_slice::<Value>(&answer) else {
        return refuse(StatusCode::BAD_GATEWAY);
    };
    if value.get("statusCode").is_none() {
        return ([(header::CONTENT_TYPE, "application/json")], answer).into_response();
    }
    shaped(&value).unwrap_or_else(|| refuse(StatusCode::BAD_GATEWAY))
}

fn shaped(value: &Value) -> Option<Response> {
    let status = u16::try_from(value["statusCode"].as_u64()?).ok()?;
    let text = value["body"].as_str().unwrap_or_default();
    let encoded = value["isBase64Encoded"] == json!(true);
    let body = if encoded { base64::decode(text)? } else { text.as_bytes().to_vec() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    for (name, value) in value["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name).ok()?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        response.headers_mut().insert(name, HeaderValue::try_from(text).ok()?);
    }
    for cookie in value["cookies"].as_array().into_iter().flatten() {
        let cookie = HeaderValue::try_from(cookie.as_str()?).ok()?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Some(response)
}
