//! Do the STUN and TURN servers work?
//!
//! Each URL that a peer was given is asked, all at once: a STUN server for a binding, a TURN server
//! for a relay with the credentials that the peer got.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use crate::health_check::turn::{Trouble, check};
use crate::reach::Trust;
use crate::reach::plain;
use crate::reach::{Answer, Good, Wrong};
use crate::redact::Redacted;
use crate::wire::{IceUrl, TurnCredentials};

/// Asks every server that a peer was given.
pub(super) async fn work(servers: &[Value], trust: &Trust) -> Answer<()> {
    let tls = trust.connector();
    let asked = servers.iter().flat_map(|server| {
        let credentials = credentials(server);
        let urls = urls(&server["urls"]).into_iter();
        urls.map(move |url| (url, credentials.clone()))
    });
    let asked = asked.map(|(url, credentials)| Asked::new(url, credentials, &tls));
    let asked = join_all(asked).await;
    let details: Vec<_> = asked.iter().map(Asked::details).collect();
    match summed_up(&asked) {
        Ok(good) => Ok(good.with("servers", details)),
        Err(wrong) => Err(wrong.with("servers", details)),
    }
}

/// A URL, and how its server answered.
struct Asked {
    url: String,
    relays: bool,
    outcome: Result<Duration, Failure>,
}

enum Failure {
    /// It is none of the URLs that browsers know.
    Unreadable,
    Trouble(Trouble),
}

impl Asked {
    async fn new(url: String, credentials: Option<TurnCredentials>, tls: &TlsConnector) -> Self {
        let Some(parsed) = IceUrl::parse(&url) else {
            let relays = url.starts_with("turn");
            return Self { url: plain(&url), relays, outcome: Err(Failure::Unreadable) };
        };
        let outcome = check(&parsed, credentials.as_ref(), tls).await.map_err(Failure::Trouble);
        Self { url, relays: parsed.relays, outcome }
    }

    fn details(&self) -> Value {
        match &self.outcome {
            Ok(took) => json!({"url": self.url, "ok": true, "tookMs": took.as_millis() as u64}),
            Err(failure) => json!({"url": self.url, "ok": false, "says": failure.says()}),
        }
    }
}

/// No TURN server that works is a failure if there should be one.
fn summed_up(asked: &[Asked]) -> Answer<()> {
    let works = |it: &&Asked| it.outcome.is_ok();
    let (good, bad): (Vec<_>, Vec<_>) = asked.iter().partition(works);
    let has_turn = asked.iter().any(|it| it.relays);
    let has_relay = good.iter().any(|it| it.relays);
    if asked.is_empty() {
        return Ok(none());
    }
    if good.is_empty() || (has_turn && !has_relay) {
        return Err(Wrong::new(troubles(&bad), advice(&bad)));
    }
    let urls: Vec<_> = good.iter().map(|it| it.url.as_str()).collect();
    let found = Good::new((), format!("These servers work: {}.", urls.join(", ")));
    let found = if has_turn { found } else { without_turn(found) };
    if bad.is_empty() {
        return Ok(found);
    }
    Ok(found.but(&format!("But {}", troubles(&bad)), &advice(&bad)))
}

fn none() -> Good<()> {
    Good::new((), "The server hands out no STUN and TURN servers.").but(
        "Visits work within one network only.",
        "Set --turn-url with --turn-secret, unless the page knows servers of its own.",
    )
}

fn without_turn(good: Good<()>) -> Good<()> {
    good.but(
        "There is no TURN server.",
        "Behind firewalls and strict NATs no call comes about without one: set --turn-url with \
         --turn-secret.",
    )
}

fn troubles(bad: &[&Asked]) -> String {
    let each = bad.iter().filter_map(|it| {
        let failure = it.outcome.as_ref().err()?;
        Some(format!("{}: {}", it.url, failure.says()))
    });
    format!("{}.", each.collect::<Vec<_>>().join("; "))
}

/// What to do, each thing once.
fn advice(bad: &[&Asked]) -> String {
    let each = bad.iter().filter_map(|it| it.outcome.as_ref().err()).map(Failure::advice);
    let mut all: Vec<_> = each.collect();
    all.sort_unstable();
    all.dedup();
    all.join(" ")
}

impl Failure {
    fn says(&self) -> String {
        match self {
            Self::Unreadable => "it is no URL of a STUN or TURN server".to_owned(),
            Self::Trouble(trouble) => trouble.to_string(),
        }
    }

    fn advice(&self) -> &'static str {
        let Self::Trouble(trouble) = self else { return "Correct the URL." };
        match trouble {
            Trouble::Nowhere => "Check the server's name, and its DNS record.",
            Trouble::Unreachable(_) | Trouble::Silent => {
                "Check that the TURN server runs, and that firewalls let its ports through, from \
                 here too (usually UDP and TCP 3478, and TCP 5349 for turns)."
            }
            Trouble::Tls(_) => {
                "Give the TURN server a certificate for its name, with the whole chain, and \
                 restart it when the certificate is renewed."
            }
            Trouble::Unauthorized(_) => {
                "Give both servers the same secret (--turn-secret, and static-auth-secret of \
                 coturn), and set both clocks by NTP."
            }
            Trouble::Refused(_) | Trouble::Garbled => "Read the TURN server's log.",
        }
    }
}

/// `urls` is one URL, or a list.
fn urls(value: &Value) -> Vec<String> {
    let one = std::slice::from_ref(value);
    let list = value.as_array().map_or(one, Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn credentials(server: &Value) -> Option<TurnCredentials> {
    let field = |name: &str| Some(Redacted::new(server[name].as_str()?.to_owned()));
    Some(TurnCredentials { username: field("username")?, credential: field("credential")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str, outcome: Result<Duration, Failure>) -> Asked {
        Asked { url: url.to_owned(), relays: url.starts_with("turn"), outcome }
    }

    #[test]
    fn it_fails_when_nothing_relays_and_warns_when_something_does_not() {
        let took = || Ok(Duration::from_millis(3));
        let silent = || Err(Failure::Trouble(Trouble::Silent));
        let all = |list: Vec<Asked>| summed_up(&list);
        assert!(all(vec![asked("stun:a", took()), asked("turn:a", silent())]).is_err());
        assert!(all(vec![asked("stun:a", silent())]).is_err());
        let good = all(vec![asked("turn:a", took()), asked("turns:a", silent())]).unwrap();
        let text = format!("{good:?}");
        assert!(text.contains("turns:a: it did not answer") && text.contains("Warning"), "{text}");
        let text = format!("{:?}", all(vec![asked("stun:a", took())]).unwrap());
        assert!(text.contains("There is no TURN server") && text.contains("Warning"), "{text}");
        let text = format!("{:?}", all(vec![asked("turn:a", took())]).unwrap());
        assert!(text.contains("These servers work: turn:a."), "{text}");
        assert!(!text.contains("Warning"), "{text}");
    }

    #[test]
    fn one_url_and_a_list_are_read_alike() {
        assert_eq!(urls(&json!("stun:a")), ["stun:a"]);
        assert_eq!(urls(&json!(["stun:a", "turn:b"])), ["stun:a", "turn:b"]);
        assert!(urls(&json!(null)).is_empty());
        let server = json!({"username": "u", "credential": "c"});
        assert_eq!(credentials(&server).unwrap().username.expose(), "u");
        assert!(credentials(&json!({"username": "u"})).is_none());
    }
}
