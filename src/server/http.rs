//! Everything on the port that is not a WebSocket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::accept::Caller;
use super::{App, now, page, upgrade};
use crate::health::documents;
use crate::health::words::{self, Vocabulary};
use crate::ports::Registry;

/// The endpoints besides the root, with their names. Operators know where `/metrics` is.
const ENDPOINTS: [(&str, &str); 6] = [
    ("websocket", "/ws"),
    ("health", "/health"),
    ("status", "/status"),
    ("live", "/livez"),
    ("ready", "/readyz"),
    ("demo", "/demo/"),
];
/// The media type of Prometheus's text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

type Shared<R> = State<Arc<App<R>>>;

/// The routes of protocol section 7.
pub(super) fn router<R: Registry>(app: Arc<App<R>>) -> Router {
    let metrics = match app.config.metrics_listen {
        None => metrics_alone(),
        Some(_) => Router::new(),
    };
    Router::new()
        .route("/", get(root))
        .route("/ws", get(upgrade_only))
        .route("/health", get(health))
        .route("/api/health", get(health))
        .route("/status", get(status))
        .route("/api/status", get(status))
        .route("/livez", get("ok\n"))
        .route("/readyz", get(readyz))
        .merge(metrics)
        .merge(page::routes())
        .fallback(|| async { not_found() })
        .layer(cors(&app.config.allowed_origins))
        .with_state(app)
}

/// The routes of `--metrics-listen`.
pub(super) fn metrics_router<R: Registry>(app: Arc<App<R>>) -> Router {
    metrics_alone().with_state(app)
}

fn metrics_alone<R: Registry>() -> Router<Arc<App<R>>> {
    Router::new().route("/metrics", get(metrics))
}

fn cors(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new().allow_methods([Method::GET]);
    if origins.is_empty() {
        return layer.allow_origin(tower_http::cors::Any);
    }
    let list = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    layer.allow_origin(AllowOrigin::list(list))
}

/// Answers `/`, which is also a WebSocket endpoint, because some clients connect to the bare
/// address.
async fn root<R: Registry>(
    State(app): Shared<R>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    if upgrade::is_wanted(&request) {
        return upgrade::websocket(app, caller, request);
    }
    Json(documents::root(&app.config.service, &ENDPOINTS, now())).into_response()
}

async fn upgrade_only<R: Registry>(
    State(app): Shared<R>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    if upgrade::is_wanted(&request) {
        return upgrade::websocket(app, caller, request);
    }
    let hint = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
    (StatusCode::UPGRADE_REQUIRED, hint, "expected a WebSocket handshake\n").into_response()
}

async fn health<R: Registry>(State(app): Shared<R>, request: Request) -> Response {
    let vocabulary = Vocabulary::of_query(request.uri().query().unwrap_or_default());
    let report = app.health.report().await;
    app.metrics().note_health(&report);
    let (good, body) = words::health(&report, &app.config.service, vocabulary);
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn status<R: Registry>(State(app): Shared<R>) -> impl IntoResponse {
    let report = app.health.report().await;
    let body = documents::status(&report, &app.config.service);
    ([(header::CACHE_CONTROL, "no-store")], Json(body))
}

async fn readyz<R: Registry>(State(app): Shared<R>) -> (StatusCode, &'static str) {
    if app.draining.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    (StatusCode::OK, "ready\n")
}

async fn metrics<R: Registry>(State(app): Shared<R>) -> impl IntoResponse {
    // The next reading has what this check finds.
    let asking = Arc::clone(&app);
    tokio::spawn(async move { asking.metrics().note_health(&asking.health.report().await) });
    let draining = app.draining.load(Ordering::Acquire);
    let text = app.metrics().text(app.registry.census(), app.mailboxes.queued(), draining);
    ([(header::CONTENT_TYPE, PROMETHEUS), (header::CACHE_CONTROL, "no-store")], text)
}

pub(super) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(documents::not_found(&ENDPOINTS))).into_response()
}
