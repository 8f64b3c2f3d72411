//! The health of the serverless service, over HTTP. Paths and documents are those of the standalone
//! server (protocol, section 7), without a metrics page and a demo.
//!
//! It is one Lambda function behind a Function URL. A REST API, an HTTP API or a load balancer
//! works too. Their events name the path in different fields, so `lambda_http` reads them. In some
//! of them the path includes the stage, so both forms are accepted.
//!
//! This function handles CORS itself, including preflights. The Function URL's own `cors` block
//! must stay empty. It would answer preflights by itself, from a second list, and browsers refuse a
//! response that names an origin twice.
//!
//! Each instance of the function caches its results for ten seconds. So a thousand polling navbars
//! cost one check per instance. There are as many instances as concurrent requests, and a reserved
//! concurrency limits them.
//!
//! Nothing about a request is logged.

mod checks;
mod cors;
mod event;
mod page;
mod settings;

pub use checks::RealChecks;
pub use event::tame;
pub use settings::{Invalid, SECRETS, Settings};

use std::future::Future;
use std::time::SystemTime;

use lambda_http::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use lambda_http::http::{HeaderValue, Method, Response, StatusCode};
use lambda_http::{Body, Request};
use serde_json::Value;
use visio_signaling::health::words::{self, Service, Vocabulary};
use visio_signaling::health::{Check, Report, documents};

use page::Page;

/// The health function: its settings and its checks.
#[derive(Debug)]
pub struct App<C> {
    /// The service that reports are about.
    pub service: Service,
    /// The URL of the WebSocket API, where visits take place.
    pub websocket: String,
    /// The origins of pages that may read the responses; empty for any.
    pub allowed_origins: Vec<String>,
    /// Checks the service.
    pub checks: C,
}

/// Checks the service. Both results are cached for a while.
pub trait Checks: Send + Sync {
    /// The whole report.
    fn report(&self) -> impl Future<Output = Report> + Send;

    /// Whether the table answers.
    fn table(&self) -> impl Future<Output = Check> + Send;
}

/// Answers a request. It never fails, because a failed check is an answer too.
pub async fn answer(request: Request, app: &App<impl Checks>) -> Response<Body> {
    let mut answer = match (request.method(), Page::asked(&request)) {
        (&Method::OPTIONS, None) => cors::preflight(),
        (&Method::OPTIONS, Some(_)) => telling_methods(cors::preflight()),
        (_, None) => json(StatusCode::NOT_FOUND, &documents::not_found(&endpoints(app))),
        (&Method::GET | &Method::HEAD, Some(page)) => app.show(page, &request).await,
        _ => telling_methods(with_status(StatusCode::METHOD_NOT_ALLOWED, Body::Empty)),
    };
    cors::allow(request.headers(), &app.allowed_origins, answer.headers_mut());
    if request.method() == Method::HEAD {
        *answer.body_mut() = Body::Empty;
    }
    answer
}

impl<C: Checks> App<C> {
    async fn show(&self, page: Page, request: &Request) -> Response<Body> {
        match page {
            Page::Root => {
                let now = SystemTime::now().into();
                json(StatusCode::OK, &documents::root(&self.service, &endpoints(self), now))
            }
            Page::Health => self.health(request.uri().query().unwrap_or_default()).await,
            Page::Status => {
                let report = self.checks.report().await;
                fresh(json(StatusCode::OK, &documents::status(&report, &self.service)))
            }
            Page::Live => text(StatusCode::OK, "ok\n"),
            Page::Ready => match self.checks.table().await {
                Check::Down => text(StatusCode::SERVICE_UNAVAILABLE, "no table\n"),
                _ => text(StatusCode::OK, "ready\n"),
            },
        }
    }

    async fn health(&self, query: &str) -> Response<Body> {
        let report = self.checks.report().await;
        let (good, body) = words::health(&report, &self.service, Vocabulary::of_query(query));
        let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        fresh(json(status, &body))
    }
}

/// The endpoints besides the root, with their names.
fn endpoints<C>(app: &App<C>) -> [(&'static str, &str); 5] {
    [
        ("websocket", &app.websocket),
        ("health", "/health"),
        ("status", "/status"),
        ("live", "/livez"),
        ("ready", "/readyz"),
    ]
}

fn json(status: StatusCode, body: &Value) -> Response<Body> {
    with_type("application/json", with_status(status, body.to_string().into()))
}

fn text(status: StatusCode, body: &str) -> Response<Body> {
    with_type("text/plain; charset=utf-8", with_status(status, body.into()))
}

fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn with_type(kind: &'static str, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Forbids caching, because only this function may cache a result.
fn fresh(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn telling_methods(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}
