//! The outbox of one invocation.
//!
//! Besides posting it keeps two promises to the connection that speaks: its claim of a seat is
//! noted before the seat is asked for, and when it moves, what it is told is held back until no
//! other instance can take it for who it was. Only then does it speak in its new room, and it is
//! heard there and nowhere else.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::future::join_all;
use visio_signaling::core::audit::Entry;
use visio_signaling::core::{Connection, ConnectionId, Grant, Session};
use visio_signaling::ports::{Claim, Delivery, Outbox, Unavailable};
use visio_signaling::wire::{CloseCode, ServerMessage};

use crate::posts::Posts;
use crate::table::connections::{Connections, Known};

/// Delivers what follows from one message.
#[derive(Debug)]
pub struct Invocation {
    speaker: ConnectionId,
    posts: Posts,
    connections: Connections,
    known: tokio::sync::Mutex<Known>,
    /// What the speaker is told later.
    held: Mutex<Option<Vec<ServerMessage>>>,
}

impl Invocation {
    /// The outbox for a message of `speaker`, of which this is known.
    pub fn new(
        speaker: ConnectionId,
        known: Known,
        posts: Posts,
        connections: Connections,
    ) -> Self {
        let known = tokio::sync::Mutex::new(known);
        Self { speaker, posts, connections, known, held: Mutex::default() }
    }

    /// Remembers where the speaker stands after its message, and tells it what was held back.
    pub async fn finish(&self, after: &Connection) -> Result<Delivery, Unavailable> {
        let mut known = self.known.lock().await;
        self.connections.save(&mut known, after).await?;
        let Some(held) = self.held().take() else { return Ok(Delivery::Accepted) };
        if after.session.is_some() {
            tokio::time::sleep(known.believed_elsewhere(SystemTime::now())).await;
        }
        for message in held {
            let delivery = self.posts.send(&self.speaker, message.encode()).await?;
            if delivery != Delivery::Accepted {
                return Ok(delivery);
            }
        }
        Ok(Delivery::Accepted)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Vec<ServerMessage>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not held back of a message.
    fn let_through(&self, to: &ConnectionId, message: ServerMessage) -> Option<ServerMessage> {
        match self.held().as_mut().filter(|_| *to == self.speaker) {
            Some(held) => {
                held.push(message);
                None
            }
            None => Some(message),
        }
    }
}

impl Outbox for Invocation {
    async fn send(
        &self,
        to: &ConnectionId,
        message: ServerMessage,
    ) -> Result<Delivery, Unavailable> {
        match self.let_through(to, message) {
            Some(message) => self.posts.send(to, message.encode()).await,
            None => Ok(Delivery::Accepted),
        }
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
        self.posts.close(conn).await
    }

    async fn joining(&self, who: &Session, grant: Option<&Grant>) -> Result<Claim, Unavailable> {
        let mut known = self.known.lock().await;
        if known.moves_to(who, SystemTime::now()) {
            self.held().get_or_insert_default();
        }
        self.connections.claim(&mut known, who, grant).await
    }

    fn record(&self, entry: Entry) {
        crate::log::audit(&entry);
    }

    async fn probe(&self, conns: &[ConnectionId]) -> Result<Vec<ConnectionId>, Unavailable> {
        self.posts.gone(conns).await
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
