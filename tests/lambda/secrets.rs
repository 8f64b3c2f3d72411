//! A secret that the function cannot read: nobody gets in, and the log names the setting. The
//! scenarios with tokens show that readable secrets work: their key is in Secrets Manager, and so
//! is the health check's secret.

use serde_json::{Value, json};
use visio_gateway::{Gateway, Options};

use crate::JWT_SECRET_ARN;

const SECRET: &str = "the secret that makes visit tokens";

#[tokio::test]
async fn a_missing_secret_lets_nobody_in() {
    let printed = refused(&[], &[]).await;
    let complaint = "VISIO_JWT_SECRET_ARN: Secrets Manager: ResourceNotFoundException";
    assert!(printed.contains(complaint), "{printed}");
}

#[tokio::test]
async fn a_json_object_is_not_a_secret() {
    let console = format!(r#"{{"key":"{SECRET}"}}"#);
    let printed = refused(&[], &[console.as_str()]).await;
    assert!(printed.contains("VISIO_JWT_SECRET_ARN: expected a secret that is plain text"));
    assert!(!printed.contains(SECRET), "{printed}");
}

#[tokio::test]
async fn a_secret_by_value_and_by_reference_is_refused() {
    let printed = refused(&[("VISIO_JWT_SECRET", SECRET)], &[SECRET]).await;
    assert!(printed.contains("VISIO_JWT_SECRET_ARN: expected alone"), "{printed}");
    assert!(!printed.contains(SECRET), "{printed}");
}

#[tokio::test]
async fn a_secret_that_is_too_short_is_reported_as_such() {
    let printed = refused(&[], &["short"]).await;
    assert!(printed.contains("VISIO_JWT_SECRET: expected"), "{printed}");
}

#[tokio::test]
async fn a_reference_to_nothing_is_not_open_mode() {
    let printed = refused(&[("VISIO_JWT_SECRET_ARN", "")], &[]).await;
    assert!(printed.contains("VISIO_JWT_SECRET_ARN: expected the ARN of a secret"), "{printed}");
}

/// A policy takes some seconds to take effect everywhere.
#[tokio::test]
async fn a_function_waits_for_a_permission_that_comes_late() {
    let mut options = options(&[], &[SECRET]);
    options.denied_secrets = 2;
    let gateway = Gateway::start(options).await.expect("a gateway");
    let handshake = tokio_tungstenite::connect_async(gateway.websocket_url()).await;
    assert!(handshake.is_ok(), "{:?}", gateway.logs());
}

/// The line of JSON that the function printed when it refused to start with these.
async fn refused(variables: &[(&str, &str)], secrets: &[&str]) -> String {
    let gateway = Gateway::start(options(variables, secrets)).await.expect("a gateway");
    let handshake = tokio_tungstenite::connect_async(gateway.websocket_url()).await;
    assert!(handshake.is_err(), "it started");
    gateway.retire_environments().await;
    let line = gateway.logs().into_iter().find(|line| line.starts_with('{'));
    let line: Value = serde_json::from_str(&line.expect("a line of JSON")).unwrap();
    assert_eq!((&line["level"], &line["what"]), (&json!("ERROR"), &json!("start")));
    line["reason"].as_str().unwrap().to_owned()
}

fn options(variables: &[(&str, &str)], secrets: &[&str]) -> Options {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut options = Options::new(env!("CARGO_BIN_EXE_signaling"));
    let reference = ("VISIO_JWT_SECRET_ARN", JWT_SECRET_ARN);
    options.variables = [reference].iter().chain(variables).map(owned).collect();
    options.secrets = secrets.iter().map(|secret| owned(&(JWT_SECRET_ARN, secret))).collect();
    options
}
