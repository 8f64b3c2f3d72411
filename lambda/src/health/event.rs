//! Makes an event fit for `lambda_http`, which panics over what cannot be a URI.
//!
//! It builds one from the host that a client named and the query as a client wrote it. A space or
//! a `<` in a query, or a strange `Host`, is nothing that a client should be able to end this
//! process with. No answer depends on the host, so that it goes; a query that cannot be one is
//! none.

use lambda_http::http::Uri;
use lambda_http::http::header::HOST;
use lambda_http::request::LambdaRequest;

/// Takes out of an event what cannot be a part of a URI.
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
