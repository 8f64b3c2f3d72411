//! The visit page at `/demo/`: its files, those of the client package that it is built on, and its
//! settings.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use rust_embed::RustEmbed;

use super::App;
use super::config::PageConfig;
use super::http::not_found;
use crate::ports::Registry;

/// The page. A debug build reads its files from the source tree at every request.
#[derive(RustEmbed)]
#[folder = "examples/browser/"]
struct Page;

/// The package that the page imports, as `./client/`.
#[derive(RustEmbed)]
#[folder = "client/src/"]
struct Client;

type Shared<R> = State<Arc<App<R>>>;

/// The routes of the page.
pub(super) fn routes<R: Registry>() -> Router<Arc<App<R>>> {
    Router::new()
        .route("/demo", get(Redirect::permanent("/demo/")))
        .route("/demo/", get(|State(app): Shared<R>| async move { page(&app, "index.html") }))
        .route("/demo/check", get(|State(app): Shared<R>| async move { page(&app, "check.html") }))
        .route("/demo/settings.json", get(settings))
        .route("/demo/logo", get(logo))
        .route("/demo/{*path}", get(file))
}

async fn file<R: Registry>(State(app): Shared<R>, Path(path): Path<String>) -> Response {
    page(&app, &path)
}

async fn settings<R: Registry>(State(app): Shared<R>) -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], Json(&app.config.page.settings)).into_response()
}

async fn logo<R: Registry>(State(app): Shared<R>) -> Response {
    let Some(logo) = &app.config.page.logo else { return not_found() };
    // A picture that is opened as a document must not run anything.
    let headers = [
        (header::CONTENT_TYPE, logo.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, logo.content.clone()).into_response()
}

fn page<R: Registry>(app: &App<R>, path: &str) -> Response {
    let found = match path.strip_prefix("client/") {
        Some(module) => Client::get(module),
        None => Page::get(path),
    };
    let Some(file) = found else { return not_found() };
    let Ok(policy) = HeaderValue::from_str(&policy(&app.config.page)) else { return not_found() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(path))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (PERMISSIONS_POLICY, PERMISSIONS),
    ];
    (headers, file.data).into_response()
}

/// The page loads nothing from other origins. `connect-src` is wider, because the page can be
/// pointed at another signaling server.
fn policy(page: &PageConfig) -> String {
    let ancestors = match page.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        listed => listed.join(" "),
    };
    format!(
        "default-src 'self'; connect-src 'self' ws: wss: http: https:; media-src 'self' blob:; \
         img-src 'self' data:; frame-ancestors {ancestors}; base-uri 'none'; form-action 'self'"
    )
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(self), microphone=(self), display-capture=(self)");
