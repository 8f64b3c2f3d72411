//! How this software speaks to AWS: one TLS stack, short timeouts, few retries.
//!
//! Clients of a service are made from this once, in `main`, and kept: the first request over one
//! pays for the connection and for reading the root certificates, the next ones do not.
//!
//! Region, credentials and endpoints come from the environment, as AWS names it; with
//! `AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000` the same binary runs against an emulator.
//!
//! A caller waits for a little more than three seconds at worst, far below the 29 seconds that API
//! Gateway grants. Who wants less sets it on the configuration of its own client.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

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

/// What all clients of AWS services have in common.
pub async fn config() -> SdkConfig {
    loader().load().await
}

/// Retries of transient and throttling errors, until so many attempts were made in all.
pub fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(BACKOFF)
}

/// What is the same in a test, where the environment says nothing.
pub(crate) fn loader() -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(timeouts())
        .retry_config(retries(ATTEMPTS))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}
