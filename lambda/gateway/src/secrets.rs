//! Secrets Manager, as far as functions read it: `GetSecretValue` of what is there from the start.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const OPERATION: &str = "secretsmanager.GetSecretValue";

/// Texts, by ARN.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub(crate) fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// Answers, if this is a request to it.
    pub(crate) fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
        headers.get("x-amz-target").filter(|target| *target == OPERATION)?;
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let arn = request["SecretId"].as_str().unwrap_or_default();
        let (status, answer) = match self.0.get(arn) {
            Some(secret) => (StatusCode::OK, json!({"ARN": arn, "SecretString": secret})),
            None => (StatusCode::BAD_REQUEST, json!({"__type": "ResourceNotFoundException"})),
        };
        let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
        Some((status, kind, answer.to_string()).into_response())
    }
}
