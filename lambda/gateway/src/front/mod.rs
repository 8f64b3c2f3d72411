//! The public listener: WebSockets at `/prod`, and `@connections` for the functions.

mod connection;
mod dispatch;
mod function_url;
mod handshake;
mod management;
mod outbox;
mod session;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::event::STAGE;
use crate::function::Function;
use crate::options::Integration;
use crate::route::Selection;
use crate::site::Site;

pub(crate) use connection::Connections;
pub(crate) use function_url::answer as answer_url;

/// The emulated API.
pub(crate) struct Front {
    pub(crate) site: Arc<Site>,
    pub(crate) signaling: Function,
    pub(crate) connections: Connections,
    pub(crate) selection: Selection,
    pub(crate) routes: BTreeMap<String, Integration>,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_age: Duration,
}

/// Answers one request to the public listener.
pub(crate) async fn answer(front: Arc<Front>, peer: SocketAddr, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let segments: Vec<Cow<str>> =
        path.split('/').skip(1).map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        [STAGE] | [STAGE, ""] if handshake::is_wanted(&request) => {
            handshake::upgrade(front, peer, request).await
        }
        [STAGE, "@connections", id] => management::answer(&front, id, request).await,
        _ => refuse(StatusCode::FORBIDDEN),
    }
}

/// A refusal in the words of API Gateway.
fn refuse(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::GATEWAY_TIMEOUT => "Endpoint request timed out",
        status if status.is_server_error() => "Internal server error",
        status => status.canonical_reason().unwrap_or("Bad request"),
    };
    (status, Json(json!({"message": message}))).into_response()
}

impl Front {
    /// Closes connections that are idle or too old. Resolves once their clients were told.
    pub(crate) async fn expire(&self) {
        let now = self.site.clock.now();
        let due = self.connections.all().into_iter().filter(|connection| {
            let idle = Duration::from_millis(now.saturating_sub(connection.last_active()));
            connection.age(now) >= self.max_age || idle >= self.idle_timeout
        });
        let due: Vec<_> = due.collect();
        for connection in &due {
            connection.outbox.close(1001, "Going away");
        }
        for connection in &due {
            connection.ended().await;
        }
    }
}
