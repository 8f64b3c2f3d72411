//! CORS: which pages may read the responses. The browser enforces it.

use lambda_http::Body;
use lambda_http::http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY,
};
use lambda_http::http::{HeaderMap, HeaderValue, Response};
use visio_signaling::origin;

/// The response to a preflight request: `GET` is allowed on any path.
pub(super) fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
    response
}

/// Lets the requesting page read the response if its origin is on the list, or if the list is
/// empty.
pub(super) fn allow(asked: &HeaderMap, list: &[String], answer: &mut HeaderMap) {
    if list.is_empty() {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    // The response to one page must not be cached for another.
    answer.insert(VARY, HeaderValue::from_static("origin"));
    let page = asked.get(ORIGIN).filter(|page| origin::is_allowed(list, page.as_bytes()));
    if let Some(page) = page {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
    }
}
