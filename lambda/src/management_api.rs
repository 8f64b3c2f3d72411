//! Sends messages to clients through API Gateway's `@connections`.
//!
//! A post to a connection that is gone gets 410, with or without the error's name in the body. It
//! counts as [`Delivery::Gone`]. A post that is throttled (429) or takes too long is retried for
//! about a second, and then counts as [`Delivery::Busy`]. A client that does not read looks like
//! 429 too. Giving up is acceptable, because signaling messages are small and few, and a sender
//! can repeat one.
//!
//! An environment asks at most once in two seconds whether a connection is still there. Every
//! attempt to join a full room makes us ask about all of its peers, and all calls of an AWS account
//! share one quota.
//!
//! API Gateway cannot send a close code, so the `error` before the close tells the client why.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::future::join_all;
use visio_signaling::core::{ConnectionId, Unread};
use visio_signaling::ports::{Delivery, Outbox, Unavailable};
use visio_signaling::wire::{CloseCode, ServerMessage};

/// How long a connection that was found open counts as open. A peer that joins a full room
/// meanwhile is refused with `room_full`, and can retry.
const FRESH: Duration = Duration::from_secs(2);
/// The most connections that are remembered at a time.
const MOST_SEEN: usize = 4096;

/// The management API of the gateway, which reaches all connections.
#[derive(Debug, Clone)]
pub struct ManagementApi {
    client: Client,
    seen: Arc<Mutex<Seen>>,
}

impl ManagementApi {
    /// Uses this client, whose endpoint must be that of the stage.
    pub fn new(client: Client) -> Self {
        Self { client, seen: Arc::default() }
    }

    /// Makes a first request, so that the first message does not wait for the TLS handshake.
    pub async fn warm_up(&self) {
        // No connection has this id. Whatever the answer is, the TLS connection is now open.
        let _ = self.client.get_connection().connection_id("warm=").send().await;
    }

    async fn is_gone(&self, conn: &ConnectionId) -> Result<bool, Unavailable> {
        let answer = self.client.get_connection().connection_id(conn.to_string()).send().await;
        answer.map_or_else(|error| Ok(failed(&error)? == Delivery::Gone), |_| Ok(false))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox for ManagementApi {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        let post = self.client.post_to_connection().connection_id(to.to_string());
        let answer = post.data(Blob::new(message.encode())).send().await;
        answer.map_or_else(|error| failed(&error), |_| Ok(Delivery::Accepted))
    }

    async fn send_all(
        &self,
        messages: Vec<(ConnectionId, ServerMessage)>,
    ) -> Result<Vec<(ConnectionId, Delivery)>, Unavailable> {
        let posts = by_receiver(messages).into_iter().map(async |(to, messages)| {
            for message in messages {
                let delivery = self.send(&to, message).await?;
                if delivery != Delivery::Accepted {
                    return Ok(Some((to, delivery)));
                }
            }
            Ok(None)
        });
        let outcomes: Result<Vec<_>, Unavailable> = join_all(posts).await.into_iter().collect();
        Ok(outcomes?.into_iter().flatten().collect())
    }

    async fn close(&self, conn: &ConnectionId, _: CloseCode) -> Result<(), Unavailable> {
        let answer = self.client.delete_connection().connection_id(conn.to_string()).send().await;
        answer.map_or_else(|error| failed(&error).map(drop), |_| Ok(()))
    }

    /// Keeps nothing, so that the table never holds SDP. What was posted counts as received.
    async fn detach(&self, _: &ConnectionId) -> Result<Unread, Unavailable> {
        Ok(Unread::default())
    }

    /// Returns those of `conns` that the gateway no longer knows.
    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        let now = SystemTime::now();
        let asked = conns.iter().filter(|conn| !self.seen().lately(conn, now));
        let asked: Vec<_> = asked.cloned().collect();
        let answers = join_all(asked.iter().map(|conn| self.is_gone(conn))).await;
        let mut gone = Vec::new();
        for (conn, answer) in asked.into_iter().zip(answers) {
            if answer? {
                gone.push(conn);
            } else {
                self.seen().note(conn, now);
            }
        }
        Ok(gone)
    }
}

/// Groups messages by receiver, and keeps the order for each receiver.
fn by_receiver(
    messages: Vec<(ConnectionId, ServerMessage)>,
) -> Vec<(ConnectionId, Vec<ServerMessage>)> {
    let mut receivers: Vec<(ConnectionId, Vec<ServerMessage>)> = Vec::new();
    for (to, message) in messages {
        match receivers.iter_mut().find(|(known, _)| *known == to) {
            Some((_, earlier)) => earlier.push(message),
            None => receivers.push((to, vec![message])),
        }
    }
    receivers
}

/// When connections were last found open, by the system clock, which keeps running while Lambda
/// freezes the environment.
#[derive(Debug, Default)]
struct Seen(HashMap<ConnectionId, SystemTime>);

impl Seen {
    fn lately(&self, conn: &ConnectionId, now: SystemTime) -> bool {
        self.0.get(conn).is_some_and(|at| is_fresh(*at, now))
    }

    fn note(&mut self, conn: ConnectionId, now: SystemTime) {
        if self.0.len() >= MOST_SEEN {
            self.0.retain(|_, at| is_fresh(*at, now));
        }
        if self.0.len() < MOST_SEEN {
            self.0.insert(conn, now);
        }
    }
}

/// Whether a result is fresh. It is not if the clock was set back since.
fn is_fresh(at: SystemTime, now: SystemTime) -> bool {
    now.duration_since(at).is_ok_and(|age| age < FRESH)
}

/// What a response other than success means. It uses the status, because the error's name is
/// sometimes missing.
fn failed<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> Result<Delivery, Unavailable> {
    match (error.raw_response().map(|answer| answer.status().as_u16()), error) {
        (Some(410), _) => Ok(Delivery::Gone),
        (Some(429 | 500..), _) | (_, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)) => {
            Ok(Delivery::Busy)
        }
        (status, _) => {
            let code = error.code().unwrap_or("no error code");
            Err(Unavailable::new(format!("@connections answered {status:?}: {code}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + ms)
    }

    #[test]
    fn an_open_connection_is_checked_again_after_two_seconds() {
        let (ada, mut seen) = (ConnectionId::new("ada"), Seen::default());
        assert!(!seen.lately(&ada, after(0)));
        seen.note(ada.clone(), after(0));
        assert!(seen.lately(&ada, after(1_999)));
        assert!(!seen.lately(&ada, after(2_000)));
        assert!(!seen.lately(&ConnectionId::new("bob"), after(0)));
    }

    #[test]
    fn nothing_is_fresh_after_the_clock_was_set_back() {
        let (ada, mut seen) = (ConnectionId::new("ada"), Seen::default());
        seen.note(ada.clone(), after(60_000));
        assert!(!seen.lately(&ada, after(0)));
    }

    #[test]
    fn the_number_of_remembered_connections_is_bounded() {
        let mut seen = Seen::default();
        for nth in 0..2 * MOST_SEEN {
            seen.note(ConnectionId::new(nth.to_string()), after(0));
        }
        assert_eq!(seen.0.len(), MOST_SEEN);
        seen.note(ConnectionId::new("late"), after(2_000));
        assert_eq!(seen.0.len(), 1);
    }
}
