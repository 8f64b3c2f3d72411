//! The configuration of AWS clients: one TLS stack, short timeouts, few retries.
//!
//! `main` creates each client once and keeps it. The first request pays for the connection and for
//! reading the root certificates, and later ones do not.
//!
//! Region and credentials come only from the environment, where Lambda puts them. The SDK's own
//! search for them (profiles, metadata services, single sign-on) would double the load time and
//! find the same. With variables such as `AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000` the same
//! binary runs against an emulator.
//!
//! A caller waits at most a little more than three seconds, far below the 29 seconds that API
//! Gateway allows. A client that needs a shorter limit sets it in its own configuration.

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

/// The connect timeout. Within one region a connection takes a few milliseconds, or a few hundred
/// if a packet is lost.
const CONNECT: Duration = Duration::from_millis(500);
/// The timeout of one attempt. A request takes about five milliseconds. The first one of a small
/// function, which has only a small share of a CPU, takes up to 700 for TLS alone.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The timeout of a whole operation, retries included.
const OPERATION: Duration = Duration::from_millis(3500);
/// The most attempts, including the first. A write may therefore arrive twice, and callers must
/// make that harmless.
const ATTEMPTS: u32 = 3;
/// The initial backoff. It doubles with every attempt, and the actual pause is a random part of it.
/// The SDK's default of one second is too long for a client that waits for an answer.
const BACKOFF: Duration = Duration::from_millis(50);

/// An environment variable that Lambda sets is missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set; Lambda sets it")]
pub struct Missing(&'static str);

/// Builds the configuration that all AWS clients share, from an environment.
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

/// The endpoints of services that are not at AWS.
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

/// A short name for an error, safe to log.
pub fn named<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        _ => error.code().unwrap_or("an error without a code"),
    }
}

/// Retries transient and throttling errors, up to this many attempts in total.
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
