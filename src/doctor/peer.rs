//! One of the doctor's two peers: a client of the protocol.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::reach::Socket;
use crate::reach::plain;

/// How long the closing handshake may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// A client, and what it was told about itself.
pub(super) struct Peer {
    socket: Socket,
    patience: Duration,
    /// The peer id that it joined as.
    pub(super) id: String,
    /// The ICE servers it was given.
    pub(super) ice_servers: Vec<Value>,
    /// Whether somebody else was in its room.
    pub(super) met_others: bool,
}

/// Why something expected was not heard.
#[derive(Debug, PartialEq)]
pub(super) enum Unheard {
    /// The server refused.
    Refused { code: String, message: String },
    /// A message without a type, such as a gateway sends when it could not run its function.
    Untyped(String),
    /// The connection ended, with this close code.
    Ended(Option<u16>),
    /// Nothing came in time.
    Silent,
}

impl Peer {
    pub(super) fn new(socket: Socket, patience: Duration) -> Self {
        let (id, ice_servers) = (String::new(), Vec::new());
        Self { socket, patience, id, ice_servers, met_others: false }
    }

    /// Sends a `join`, and takes the answer in. Returns its type: `joined` or `waiting`.
    pub(super) async fn join(&mut self, join: &Value) -> Result<String, Unheard> {
        self.say(join).await?;
        let answer = self.hear(&["joined", "waiting"]).await?;
        self.id = answer["peerId"].as_str().unwrap_or_default().to_owned();
        self.ice_servers = answer["iceServers"].as_array().cloned().unwrap_or_default();
        self.met_others = answer["peers"].as_array().is_some_and(|peers| !peers.is_empty());
        Ok(answer["type"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) async fn say(&mut self, message: &Value) -> Result<(), Unheard> {
        let sent = timeout(self.patience, self.socket.send(Message::text(message.to_string())));
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Unheard::Ended(None)),
            Err(_) => Err(Unheard::Silent),
        }
    }

    /// Waits for a message of one of these types, and ignores others but errors.
    pub(super) async fn hear(&mut self, kinds: &[&str]) -> Result<Value, Unheard> {
        let heard = timeout(self.patience, listen(&mut self.socket, kinds)).await;
        heard.unwrap_or(Err(Unheard::Silent))
    }

    /// Gives the seat up and closes the connection.
    pub(super) async fn leave(mut self) {
        let goodbye = async {
            self.say(&json!({"type": "leave"})).await?;
            let _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<_, Unheard>(())
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

async fn listen(socket: &mut Socket, kinds: &[&str]) -> Result<Value, Unheard> {
    while let Some(Ok(message)) = socket.next().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => return Err(Unheard::Ended(frame.map(code))),
            _ => continue,
        };
        let message: Value = serde_json::from_str(&text).unwrap_or_default();
        let words = |field: &str| plain(message[field].as_str().unwrap_or_default());
        match message["type"].as_str() {
            Some(kind) if kinds.contains(&kind) => return Ok(message),
            Some("error") => {
                return Err(Unheard::Refused { code: words("code"), message: words("message") });
            }
            Some(_) => {}
            None => return Err(Unheard::Untyped(words("message"))),
        }
    }
    Err(Unheard::Ended(None))
}

fn code(frame: CloseFrame) -> u16 {
    frame.code.into()
}
