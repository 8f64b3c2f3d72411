//! The page that a request asks for.

use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

/// A page of protocol section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Root,
    Health,
    Status,
    Live,
    Ready,
}

impl Page {
    /// The page at the raw path, with or without the stage. An HTTP API with a named stage puts the
    /// stage into the path. A REST API does not, but `lambda_http` then adds it to the URI, so the
    /// URI is not used here.
    pub(super) fn asked(request: &Request) -> Option<Self> {
        let path = request.raw_http_path();
        Self::at(path).or_else(|| Self::at(path.strip_prefix('/')?.strip_prefix(stage(request)?)?))
    }

    fn at(path: &str) -> Option<Self> {
        match path {
            "/" | "" => Some(Self::Root),
            "/health" | "/api/health" => Some(Self::Health),
            "/status" | "/api/status" => Some(Self::Status),
            "/livez" => Some(Self::Live),
            "/readyz" => Some(Self::Ready),
            _ => None,
        }
    }
}

fn stage(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV1(context) => context.stage.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.stage.as_deref(),
        _ => None,
    }
}
