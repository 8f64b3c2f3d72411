//! A client that uses only the wire protocol, and says what it expected if it gets something else.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use visio_signaling::wire::Incoming;

use super::Runtime;
use super::schema::{self, Sender};
use super::site::Site;

/// How long an answer may take on a busy machine. No test waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One WebSocket to the server under test.
pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
    site: Site,
    /// Messages that came while the client waited for something else.
    kept: VecDeque<Message>,
    marks: u64,
}

/// Opening.
impl Client {
    /// Connects.
    pub async fn connect(runtime: &impl Runtime) -> Self {
        Self::connect_with(runtime, "", &[]).await.expect("a handshake")
    }

    /// Connects with a query (`?roomId=...`) and headers.
    pub async fn connect_with(
        runtime: &impl Runtime,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let site = Site::of(runtime);
        let stream = TcpStream::connect(site.address()).await?;
        let url = format!("{}{query}", site.url());
        Ok(Self::shake_hands(&site, stream, &url, headers).await?.0)
    }

    /// Connects with a receive window so small that little fits into it while the client does not
    /// read.
    pub async fn connect_narrow(runtime: &impl Runtime) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let site = Site::of(runtime);
        let stream = socket.connect(site.address()).await.expect("a connection");
        Self::shake_hands(&site, stream, site.url(), &[]).await.expect("a handshake").0
    }

    /// Takes over a WebSocket that is open already.
    pub fn from_socket(site: &Site, socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, site: site.clone(), kept: VecDeque::new(), marks: 0 }
    }

    /// Turns a TCP stream into a client; returns it and the response to its handshake.
    pub async fn shake_hands(
        site: &Site,
        stream: TcpStream,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Response), Error> {
        stream.set_nodelay(true)?;
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header value"));
        }
        let handshake = timeout(PATIENCE, client_async(request, stream));
        let (socket, response) = handshake.await.expect("a response in time")?;
        Ok((Self::from_socket(site, socket), response))
    }

    /// Connects and joins; returns the client and its `joined`.
    pub async fn join(runtime: &impl Runtime, room: &str, peer: &str) -> (Self, Value) {
        let join = json!({"type": "join", "roomId": room, "peerId": peer});
        Self::join_with(runtime, join).await
    }

    /// Connects and joins with this message; returns the client and its `joined`.
    pub async fn join_with(runtime: &impl Runtime, join: Value) -> (Self, Value) {
        let mut client = Self::connect(runtime).await;
        client.send(join).await;
        let joined = client.expect("joined").await;
        (client, joined)
    }
}

/// Sending.
impl Client {
    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    /// Sends any text. What the server takes for a message is one by the contract, too.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if Incoming::parse(&text).is_ok() {
            schema::assert_in_contract(Sender::Client, &text);
        }
        self.send_frame(Message::text(text)).await;
    }

    /// Sends any frame that the client library knows.
    pub async fn send_frame(&mut self, frame: Message) {
        self.socket.send(frame).await.expect("a frame is taken");
    }

    /// Sends bytes past the client library, which refuses to break the WebSocket protocol.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.expect("bytes are taken");
    }

    /// Sends a message over a connection that may be closing.
    pub async fn try_send(&mut self, message: Value) {
        let _ = self.socket.send(Message::text(message.to_string())).await;
    }

    /// Waits until everything that this client has sent is handled, and every message that follows
    /// from it is on its way. If a runtime handles messages in order, this is not needed.
    pub async fn handled(&mut self) {
        if self.site.profile().ordered {
            return;
        }
        // Messages are read in the order sent, wherever they go from there. So the pong shows that
        // a message sent before the ping was read.
        self.send(json!({"type": "ping"})).await;
        loop {
            let frame = self.read().await;
            if matches!(&frame, Message::Text(text) if is_bare_pong(text)) {
                break;
            }
            self.kept.push_back(frame);
        }
        self.site.rest().await;
    }

    /// Closes politely and waits until the server has noticed.
    pub async fn close(self) {
        self.finish().await;
    }

    /// Closes politely; returns the messages that still came.
    pub async fn finish(mut self) -> Vec<Value> {
        self.socket.close(None).await.expect("a close frame is taken");
        let mut last: Vec<_> = self.kept.drain(..).collect();
        while let Ok(Some(Ok(frame))) = timeout(PATIENCE, self.socket.next()).await {
            last.push(frame);
        }
        let texts =
            last.iter().filter_map(|frame| frame.to_text().ok().filter(|_| frame.is_text()));
        texts.map(|text| serde_json::from_str(text).expect("JSON")).collect()
    }
}

/// Receiving.
impl Client {
    /// The next message, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message, which must be an error with this code.
    pub async fn expect_error(&mut self, code: &str) -> Value {
        let message = self.expect("error").await;
        assert_eq!(message["code"], code, "{message}");
        assert!(message["message"].as_str().is_some_and(|text| !text.is_empty()), "{message}");
        message
    }

    /// The next messages, in the order they came. If they may overtake each other, they are sorted
    /// by this number in them.
    pub async fn next_by(&mut self, field: &str, count: usize) -> Vec<Value> {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(self.next().await);
        }
        if !self.site.profile().ordered {
            messages.sort_by_key(|message| match &message[field] {
                Value::String(text) => text.parse().ok(),
                number => number.as_u64(),
            });
        }
        messages
    }

    /// The next message of this type, whatever comes before it.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        self.next_of(&[kind]).await
    }

    /// The next message of any of these types, whatever comes before it.
    pub async fn next_of(&mut self, kinds: &[&str]) -> Value {
        loop {
            let message = self.next().await;
            if kinds.iter().any(|kind| message["type"] == *kind) {
                return message;
            }
        }
    }

    /// Asserts that this client has read everything sent to it: once everything under way is
    /// handled, it sends a `ping`, and the next message is the `pong`.
    pub async fn expect_nothing(&mut self) {
        self.handled().await;
        self.marks += 1;
        let mark = format!("nothing-{}", self.marks);
        self.send(json!({"type": "ping", "requestId": mark})).await;
        let message = self.next().await;
        let got = (&message["type"], &message["requestId"]);
        assert_eq!(got, (&json!("pong"), &json!(mark)), "{message}");
    }

    /// Asserts that the connection ends now: an error with the reason, and the close code.
    pub async fn expect_end(&mut self, code: &str, close: u16) {
        self.expect_error(code).await;
        self.expect_closed(self.close_code(close)).await;
    }

    /// Asserts that the connection ends now because of a frame that is not a message.
    pub async fn expect_cut(&mut self, close: u16) {
        if self.site.profile().explains_bad_frames {
            self.expect_error("invalid_message").await;
        }
        self.expect_closed(close).await;
    }

    /// The close code for this reason, if the runtime can send one.
    pub fn close_code(&self, reason: u16) -> u16 {
        if self.site.profile().close_codes { reason } else { 1000 }
    }

    /// Asserts that the next frame closes the connection, with this code.
    pub async fn expect_closed(&mut self, code: u16) {
        loop {
            match self.frame().await {
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(Some(close)) => return assert_eq!(u16::from(close.code), code),
                other => panic!("expected a close, got {other:?}"),
            }
        }
    }

    /// The answer to a message, which is the next one. If news may overtake it, it is the next
    /// message of these types, and the news comes after it.
    pub async fn answer(&mut self, kinds: &[&str]) -> Value {
        let mut early = Vec::new();
        loop {
            let text = self.text().await;
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if self.site.profile().ordered || kinds.iter().any(|kind| message["type"] == *kind) {
                early.into_iter().rev().for_each(|text| self.kept.push_front(text));
                return message;
            }
            early.push(Message::text(text));
        }
    }

    /// The messages until the server closes, which must be with this code.
    pub async fn until_closed(&mut self, code: u16) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            match self.frame().await {
                Message::Text(text) => heard.push(serde_json::from_str(&text).expect("JSON")),
                Message::Close(Some(close)) => {
                    assert_eq!(u16::from(close.code), self.close_code(code));
                    return heard;
                }
                _ => {}
            }
        }
    }

    /// The close code with which the server ends the connection. Messages before it are skipped.
    pub async fn expect_close(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.frame().await {
                return frame.expect("a close code").code.into();
            }
        }
    }

    /// The `roster` that this client gets if it asks now, whatever comes before it.
    pub async fn roster(&mut self) -> Value {
        self.send(json!({"type": "peers"})).await;
        self.wait_for("roster").await
    }

    /// Reads everything sent to this client until now.
    pub async fn fence(&mut self) -> Vec<Value> {
        self.handled().await;
        self.send(json!({"type": "ping"})).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                message if message["type"] == "pong" => return heard,
                message => heard.push(message),
            }
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// The next message, as raw text.
    pub async fn text(&mut self) -> String {
        loop {
            match self.frame().await {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Message {
        match self.kept.pop_front() {
            Some(frame) => frame,
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Message {
        let frame = timeout(PATIENCE, self.socket.next()).await.expect("an answer in time");
        let frame = frame.expect("an open connection").expect("a sound connection");
        if let Message::Text(text) = &frame {
            schema::assert_in_contract(Sender::Server, text);
        }
        frame
    }

    /// Reads, and so answers pings, until something else has happened; returns the messages that
    /// came meanwhile.
    pub async fn attend(&mut self, until: impl Future) -> Vec<Value> {
        let mut until = std::pin::pin!(timeout(PATIENCE, until));
        let mut heard = Vec::new();
        loop {
            tokio::select! {
                biased;
                happened = &mut until => {
                    happened.map(drop).expect("what was waited for");
                    return heard;
                }
                message = self.next() => heard.push(message),
            }
        }
    }
}

fn is_bare_pong(text: &str) -> bool {
    let message: Value = serde_json::from_str(text).expect("JSON");
    message["type"] == "pong" && message.get("requestId").is_none()
}

/// Clients that have seats in one room and have read all its news.
pub async fn meet<const N: usize>(
    runtime: &impl Runtime,
    room: &str,
    peers: [&str; N],
) -> [Client; N] {
    let mut seated: Vec<Client> = Vec::new();
    for peer in peers {
        let (client, _) = Client::join(runtime, room, peer).await;
        for earlier in &mut seated {
            assert_eq!(earlier.expect("peer_joined").await["peerId"], peer);
        }
        seated.push(client);
    }
    let Ok(seated) = seated.try_into() else { panic!("one client a peer") };
    seated
}

/// The ids in a message's `peers`, in their order.
pub fn ids(message: &Value) -> Vec<&str> {
    let peers = message["peers"].as_array().expect("peers");
    peers.iter().map(|peer| peer["peerId"].as_str().expect("a peer id")).collect()
}

/// A message's `version`.
pub fn version(message: &Value) -> u64 {
    message["version"].as_u64().expect("a version")
}
