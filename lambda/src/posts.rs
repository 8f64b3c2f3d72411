//! How a connection is reached: API Gateway's `@connections`.
//!
//! A post that finds nobody is answered 410, with or without its name in the body, and is then
//! [`Delivery::Gone`]. One that is refused for now (429, which is also what a client that does not
//! read looks like from here) or takes too long is tried again for about a second, and is then
//! [`Delivery::Busy`]: signaling messages are small and few, and a sender can repeat one.
//!
//! API Gateway cannot carry a close code, so a client is told why by the `error` before the end.

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::future::join_all;
use visio_signaling::core::ConnectionId;
use visio_signaling::ports::{Delivery, Outbox, Unavailable};
use visio_signaling::wire::{CloseCode, ServerMessage};

/// The gateway's side of all connections.
#[derive(Debug, Clone)]
pub struct Posts(Client);

impl Posts {
    /// Posts through this client, whose endpoint is that of the stage.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    /// Makes a first request, so that the first message need not wait for the handshake with TLS.
    pub async fn warm_up(&self) {
        // Nobody has this id. Whatever the answer is, there is now a connection.
        let _ = self.0.get_connection().connection_id("warm=").send().await;
    }
}

impl Outbox for Posts {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        let post = self.0.post_to_connection().connection_id(to.to_string());
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
        let answer = self.0.delete_connection().connection_id(conn.to_string()).send().await;
        answer.map_or_else(|error| failed(&error).map(drop), |_| Ok(()))
    }

    /// Those of `conns` that the gateway knows no more.
    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        let probes = conns.iter().map(async |conn| {
            let answer = self.0.get_connection().connection_id(conn.to_string()).send().await;
            match answer.map_or_else(|error| failed(&error), |_| Ok(Delivery::Accepted)) {
                Ok(Delivery::Gone) => Ok(Some(conn.clone())),
                Ok(Delivery::Accepted | Delivery::Busy) => Ok(None),
                Err(unavailable) => Err(unavailable),
            }
        });
        let answers: Result<Vec<_>, _> = join_all(probes).await.into_iter().collect();
        Ok(answers?.into_iter().flatten().collect())
    }
}

/// Messages by receiver, each one's in their order.
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

/// What an answer other than success means. The status counts, since the error's name has been
/// seen to be missing.
fn failed<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> Result<Delivery, Unavailable> {
    match (error.raw_response().map(|answer| answer.status().as_u16()), error) {
        (Some(410), _) => Ok(Delivery::Gone),
        (Some(429 | 500..), _) | (_, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)) => {
            Ok(Delivery::Busy)
        }
        (status, _) => {
            let code = error.code().unwrap_or("no name");
            Err(Unavailable::new(format!("@connections answered {status:?}: {code}")))
        }
    }
}
