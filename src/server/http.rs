//! Everything on the port that is not a WebSocket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use rust_embed::RustEmbed;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::accept::Caller;
use super::{App, now, upgrade};
use crate::health::documents;
use crate::health::words::{self, Vocabulary};
use crate::ports::Registry;

/// The endpoints besides the root, with their names.
const ENDPOINTS: [(&str, &str); 6] = [
    ("websocket", "/ws"),
    ("health", "/health"),
    ("status", "/status"),
    ("live", "/livez"),
    ("ready", "/readyz"),
    ("demo", "/demo/"),
];

/// The browser example. A debug build reads its files from the source tree at every request.
#[derive(RustEmbed)]
#[folder = "examples/browser/"]
struct Demo;

/// The page loads nothing from other origins. `connect-src` is wider, because the page can be
/// pointed at another signaling server.
const DEMO_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss: http: https:; \
    media-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'self'";

type Shared<R> = State<Arc<App<R>>>;

/// The routes of protocol section 7.
pub(super) fn router<R: Registry>(app: Arc<App<R>>) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/ws", get(upgrade_only))
        .route("/health", get(health))
        .route("/api/health", get(health))
        .route("/status", get(status))
        .route("/api/status", get(status))
        .route("/livez", get("ok\n"))
        .route("/readyz", get(readyz))
        .route("/demo", get(Redirect::permanent("/demo/")))
        .route("/demo/", get(|| async { demo("index.html") }))
        .route("/demo/{*path}", get(|Path(path): Path<String>| async move { demo(&path) }))
        .fallback(|| async { not_found() })
        .layer(cors(&app.config.allowed_origins))
        .with_state(app)
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

fn demo(path: &str) -> Response {
    let Some(file) = Demo::get(path) else {
        return not_found();
    };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, DEMO_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (PERMISSIONS_POLICY, "camera=(self), microphone=(self), display-capture=()"),
    ];
    (headers, file.data).into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(documents::not_found(&ENDPOINTS))).into_response()
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
