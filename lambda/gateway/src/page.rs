//! Serves a directory as a web site, for the browser page. So the page's origin is not the
//! gateway's, as in a real deployment.

use std::path::{Component, Path, PathBuf};

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

use crate::listen;

/// The same policy that the standalone server uses for the page.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss: http: https:; \
    media-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'self'";

/// Serves the files under `directory` until dropped. They are small, so they are read at every
/// request.
pub async fn serve(listener: TcpListener, directory: PathBuf) {
    let handler = move |_, request| {
        let directory = directory.clone();
        async move { answer(&directory, &request) }
    };
    listen::serve(listener, handler).await;
}

fn answer(directory: &Path, request: &Request) -> Response {
    let path = file(directory, request.uri().path());
    let path = path.filter(|_| request.method() == Method::GET);
    let Some(path) = path else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(content) = std::fs::read(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, kind(&path)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}

/// The file at this path; `None` if the path leads out of the directory.
fn file(directory: &Path, path: &str) -> Option<PathBuf> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_prefix('/')?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| directory.join(path))
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let directory = Path::new("page");
        assert_eq!(file(directory, "/"), Some("page/index.html".into()));
        assert_eq!(file(directory, "/a%20b.js"), Some("page/a b.js".into()));
        for outside in ["/../x", "/a/../../x", "/%2e%2e/x", "//etc/passwd", "/./x/..", "x", ""] {
            assert_eq!(file(directory, outside), None, "{outside}");
        }
    }
}
