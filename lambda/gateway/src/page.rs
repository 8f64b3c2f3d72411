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

/// Where the page's files are.
#[derive(Debug, Clone)]
pub struct Site {
    /// The page.
    pub page: PathBuf,
    /// The modules of the client package, which the page imports as `./client/`.
    pub client: PathBuf,
}

/// Serves the files of `site` until dropped. They are small, so they are read at every request.
pub async fn serve(listener: TcpListener, site: Site) {
    let handler = move |_, request| {
        let site = site.clone();
        async move { answer(&site, &request) }
    };
    listen::serve(listener, handler).await;
}

fn answer(site: &Site, request: &Request) -> Response {
    let path = match request.uri().path() {
        "/check" => file(&site.page, "/check.html"),
        path => match path.strip_prefix("/client") {
            Some(module) => file(&site.client, module),
            None => file(&site.page, path),
        },
    };
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
        Some("json") => "application/json",
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
