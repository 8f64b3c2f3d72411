//! The health of the serverless service, over HTTP: the same paths and documents as the standalone
//! server has (protocol, section 7), without a metrics page and a demo.
//!
//! One Lambda function behind a Function URL; a REST or HTTP API and a load balancer will do too.
//! They name the path of a request in different ways, which is why `lambda_http` reads the events,
//! and they differ in whether the stage is a part of it, so that it may be here or not.
//!
//! CORS is answered here, also the preflight. A Function URL's own `cors` block must stay empty: it
//! would answer preflights by itself, from a second list, and an answer that names an origin twice
//! is refused by browsers.
//!
//! Findings are kept for ten seconds in each instance of the function. A thousand navbars that
//! poll therefore cost one check per instance, of which there are as many as requests at once:
//! a reserved concurrency is the lid.
//!
//! It logs nothing of a request.

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

/// What an answer is made from.
#[derive(Debug)]
pub struct App<C> {
    /// Who reports.
    pub service: Service,
    /// Where visits take place: the WebSocket API's address.
    pub websocket: String,
    /// Pages that may read the answers; empty for any.
    pub allowed_origins: Vec<String>,
    /// Finds out how things are.
    pub checks: C,
}

/// How things are. Both findings are kept for a while.
pub trait Checks: Send + Sync {
    /// The whole report.
    fn report(&self) -> impl Future<Output = Report> + Send;

    /// Whether the table answers.
    fn table(&self) -> impl Future<Output = Check> + Send;
}

/// The answer to a request. It never fails: bad news is an answer too.
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

/// What there is besides the root, by what it is for.
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

/// Nobody but this function keeps a finding.
fn fresh(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn telling_methods(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}
