//! Makes an event safe for `lambda_http`, which panics if it cannot build a URI.
//!
//! `lambda_http` builds the URI from the client's `Host` and its raw query. A client must not be
//! able to end this process with a space or a `<` in a query, or with a strange `Host`. No response
//! depends on the host, so it is removed. An invalid query is removed as well.

use lambda_http::http::Uri;
use lambda_http::http::header::HOST;
use lambda_http::request::LambdaRequest;

/// Removes from an event everything that cannot be part of a URI.
pub fn tame(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV1(event) => {
            event.headers.remove(HOST);
            event.request_context.domain_name = None;
        }
        LambdaRequest::ApiGatewayV2(event) => {
            event.headers.remove(HOST);
            event.request_context.domain_name = None;
            event.raw_query_string.take_if(|query| !is_query(query));
        }
        LambdaRequest::Alb(event) => {
            event.headers.remove(HOST);
        }
        _ => {}
    }
}

fn is_query(text: &str) -> bool {
    format!("/?{text}").parse::<Uri>().is_ok()
}
