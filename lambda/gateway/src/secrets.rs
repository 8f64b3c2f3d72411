//! Secrets Manager, as far as the functions use it: `GetSecretValue` for a fixed set of secrets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const OPERATION: &str = "secretsmanager.GetSecretValue";

/// Secrets as text, by ARN.
pub(crate) struct Secrets {
    texts: BTreeMap<String, String>,
    /// How many more requests are to be refused.
    denials: AtomicUsize,
}

impl Secrets {
    pub(crate) fn new(texts: BTreeMap<String, String>, denials: usize) -> Self {
        Self { texts, denials: AtomicUsize::new(denials) }
    }

    /// Answers a request; `None` if it is not for Secrets Manager.
    pub(crate) fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
        headers.get("x-amz-target").filter(|target| *target == OPERATION)?;
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let arn = request["SecretId"].as_str().unwrap_or_default();
        let refused = |kind| (StatusCode::BAD_REQUEST, json!({"__type": kind}));
        let less = |left: usize| left.checked_sub(1);
        let denied = self.denials.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        let (status, answer) = match self.texts.get(arn) {
            _ if denied => refused("AccessDeniedException"),
            Some(secret) => (StatusCode::OK, json!({"ARN": arn, "SecretString": secret})),
            None => refused("ResourceNotFoundException"),
        };
        let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
        Some((status, kind, answer.to_string()).into_response())
    }
}
