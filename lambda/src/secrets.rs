//! Secrets by reference: the settings of a function say where a secret is, and not what it is.
//!
//! If the environment has `NAME_ARN`, the value of `NAME` is the plain-text secret that Secrets
//! Manager stores under that ARN (AWS: "Secrets Manager API Reference, GetSecretValue"). It is read
//! once, when the function starts. If it cannot be read, the function does not start.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use futures_util::future::try_join_all;
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::aws;

/// The most attempts to read a secret. A policy that was created together with the function takes a
/// few seconds to apply everywhere. A function has ten seconds to start, and has other things to
/// do.
const ATTEMPTS: u32 = 12;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// A reference that cannot be resolved to a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}_ARN: {why}")]
pub struct Unreadable {
    name: &'static str,
    why: Why,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Why {
    #[error("expected the ARN of a secret; it is empty")]
    Empty,
    #[error("expected alone, but {0} is set as well")]
    NotAlone(&'static str),
    #[error("Secrets Manager: {0}")]
    Refused(String),
    #[error("expected a secret that is text; this one is binary")]
    Binary,
    #[error(
        "expected a secret that is plain text; this one is a JSON object, which is how the AWS \
         console stores key/value pairs"
    )]
    Json,
}

/// Extends an environment with the secrets of these `names`, if it refers to them.
pub async fn resolve<V>(
    variable: V,
    names: &[&'static str],
    aws: &SdkConfig,
) -> Result<impl Fn(&str) -> Option<String> + use<V>, Unreadable>
where
    V: Fn(&str) -> Option<String>,
{
    let referred = names.iter().filter_map(|&name| {
        let arn = variable(&format!("{name}_ARN"))?;
        Some((name, arn, variable(name).is_some()))
    });
    let client = Client::new(aws);
    let secrets = try_join_all(referred.map(async |(name, arn, given)| {
        let secret = match (arn.as_str(), given) {
            ("", _) => Err(Why::Empty),
            (_, true) => Err(Why::NotAlone(name)),
            (arn, false) => read(&client, arn).await,
        };
        secret.map(|secret| (name, secret)).map_err(|why| Unreadable { name, why })
    }));
    let secrets = secrets.await?;
    Ok(move |name: &str| {
        let secret = secrets.iter().find(|(known, _)| *known == name);
        secret.map_or_else(|| variable(name), |(_, secret)| Some(secret.clone()))
    })
}

async fn read(client: &Client, arn: &str) -> Result<String, Why> {
    let mut attempt = 1;
    let answer = loop {
        let refused = match client.get_secret_value().secret_id(arn).send().await {
            Ok(answer) => break answer,
            Err(error) => aws::named(&error).to_owned(),
        };
        if refused != "AccessDeniedException" || attempt == ATTEMPTS {
            return Err(Why::Refused(refused));
        }
        attempt += 1;
        sleep(PAUSE).await;
    };
    let secret = answer.secret_string.ok_or(Why::Binary)?;
    match serde_json::from_str::<Map<String, Value>>(&secret) {
        Ok(_) => Err(Why::Json),
        Err(_) => Ok(secret),
    }
}
