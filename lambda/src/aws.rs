//! How this software speaks to AWS: one TLS stack, short timeouts, few retries.
//!
//! Clients of a service are made from this once, in `main`, and kept: the first request over one
//! pays for the connection and for reading the root certificates, the next ones do not.
//!
//! Region and credentials come from the environment, where Lambda puts them, and from nowhere
//! else: the SDK's own search for them (profiles, metadata services, single sign-on) would double
//! the time to load and find the same. With `AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000` and its
//! like the same binary runs against an emulator.
//!
//! A caller waits for a little more than three seconds at worst, far below the 29 seconds that API
//! Gateway grants. Who wants less sets it on the configuration of its own client.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedAsyncSleep};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// A connection within one region takes some milliseconds; a lost packet some hundred.
const CONNECT: Duration = Duration::from_millis(500);
/// A request takes about five milliseconds. The first one on a small function, whose share of a
/// processor is small too, takes up to 700 for TLS alone.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Whatever is tried, a caller waits no longer.
const OPERATION: Duration = Duration::from_millis(3500);
/// The first try and two more. A write may then arrive twice: callers make that harmless.
const ATTEMPTS: u32 = 3;
/// Doubles with every attempt, and is a random part of that. The SDK's own second is too long for
/// somebody who waits for an answer.
const BACKOFF: Duration = Duration::from_millis(50);

/// A variable that Lambda sets is not there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set; on Lambda it is")]
pub struct Missing(&'static str);

/// What all clients of AWS services have in common, from an environment.
pub fn config(variable: impl Fn(&str) -> Option<String>) -> Result<SdkConfig, Missing> {
    let need = |name| variable(name).filter(|value| !value.is_empty()).ok_or(Missing(name));
    let (id, secret) = (need("AWS_ACCESS_KEY_ID")?, need("AWS_SECRET_ACCESS_KEY")?);
    let token = variable("AWS_SESSION_TOKEN");
    let credentials = Credentials::new(id, secret, token, None, "environment");
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(need("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(timeouts())
        .retry_config(retries(ATTEMPTS))
        .service_config(Endpoints {
            dynamodb: variable("AWS_ENDPOINT_URL_DYNAMODB"),
            secrets_manager: variable("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
        });
    Ok(config.build())
}

/// Where services are, if it is not at AWS.
#[derive(Debug)]
struct Endpoints {
    dynamodb: Option<String>,
    secrets_manager: Option<String>,
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match (key.env(), key.service_id()) {
            ("AWS_ENDPOINT_URL", "DynamoDB") => self.dynamodb.clone(),
            ("AWS_ENDPOINT_URL", "Secrets Manager") => self.secrets_manager.clone(),
            _ => None,
        }
    }
}

/// What went wrong, in a word that can be logged.
pub fn named<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        _ => error.code().unwrap_or("an error without a name"),
    }
}

/// Retries of transient and throttling errors, until so many attempts were made in all.
pub fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(BACKOFF)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}
