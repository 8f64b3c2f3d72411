//! A proxy before the real server that does to frames what no server may do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

/// How the first text of a visit begins. `load-0` writes it, and the third one, too. What passes
/// first may be another text: on a busy machine that of another connection.
const FIRST_TEXT: &str = r#""message":"1: "#;

/// What it does, once, to the first text of a visit. The trial visit is left alone.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Meddling {
    Lose,
    Double,
    /// To another connection in its place.
    Misroute,
    /// As if another peer had written it.
    Forge,
    /// After the next message of its sender.
    Reorder,
    Change,
    Truncate,
    /// Everything waits for a second.
    Stall,
    /// Nothing is done to texts, but clients are told to give a sign of life each second.
    Hurry,
}

pub(super) struct Meddler {
    meddling: Meddling,
    server: String,
    done: AtomicBool,
    /// Where the frames for each client go.
    clients: Mutex<Vec<UnboundedSender<Message>>>,
    /// A client sent a `ping` message.
    pub(super) pinged: Notify,
}

impl Meddler {
    /// Returns its URL.
    pub(super) async fn start(server: String, meddling: Meddling) -> (String, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let (done, clients) = (AtomicBool::new(false), Mutex::default());
        let this = Arc::new(Self { meddling, server, done, clients, pinged: Notify::new() });
        let own = Arc::clone(&this);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&own).serve(stream));
            }
        });
        (format!("ws://{address}/ws"), this)
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let client = accept_async(stream).await.expect("a handshake");
        let (server, _) = connect_async(&self.server).await.expect("a server");
        let (mut to_client, mut from_client) = client.split();
        let (mut to_server, from_server) = server.split();
        let (deliver, mut delivered) = unbounded_channel();
        self.clients.lock().unwrap().push(deliver.clone());
        let down = Arc::clone(&self).pass_down(from_server, deliver);
        let out = async {
            while let Some(frame) = delivered.recv().await {
                if to_client.send(frame).await.is_err() {
                    return;
                }
            }
        };
        let up = async {
            while let Some(Ok(frame)) = from_client.next().await {
                if frame.to_text().is_ok_and(|text| text.contains(r#""ping""#)) {
                    self.pinged.notify_one();
                }
                if to_server.send(frame).await.is_err() {
                    return;
                }
            }
            let _ = to_server.close().await;
        };
        tokio::join!(up, async {
            tokio::select! {
                () = down => {}
                () = out => {}
            }
        });
    }

    /// Passes on what the server says.
    async fn pass_down(
        self: Arc<Self>,
        mut from: futures_util::stream::SplitStream<WebSocketStream<MaybeTlsStream<TcpStream>>>,
        deliver: UnboundedSender<Message>,
    ) {
        let mut kept = None;
        while let Some(Ok(frame)) = from.next().await {
            let text = frame.to_text().unwrap_or_default();
            let is_first = text.contains(FIRST_TEXT) && !text.contains("-trial");
            let first = is_first && !self.done.swap(true, Ordering::Relaxed);
            match self.meddling {
                Meddling::Hurry => {
                    let hurried =
                        text.replace(r#""heartbeatSeconds":25"#, r#""heartbeatSeconds":1"#);
                    send(&deliver, Message::text(hurried));
                    continue;
                }
                Meddling::Reorder if first => {
                    kept = Some(frame);
                    continue;
                }
                _ if !first => {}
                Meddling::Lose => continue,
                Meddling::Double => send(&deliver, frame.clone()),
                Meddling::Misroute => {
                    let clients = self.clients.lock().unwrap().clone();
                    let other = clients.iter().rev().find(|it| !it.same_channel(&deliver));
                    send(other.expect("another client"), frame);
                    continue;
                }
                Meddling::Forge => {
                    let forged = text.replacen(r#""from":"load-0""#, r#""from":"load-1""#, 1);
                    assert_ne!(forged, text);
                    send(&deliver, Message::text(forged));
                    continue;
                }
                Meddling::Change => {
                    send(&deliver, Message::text(text.replace("last met", "last  met")));
                    continue;
                }
                Meddling::Truncate => {
                    send(&deliver, Message::text(&text[..text.len() / 4]));
                    continue;
                }
                Meddling::Stall => tokio::time::sleep(Duration::from_secs(1)).await,
                Meddling::Reorder => {}
            }
            let follows = text.contains(r#""from":"load-0""#);
            send(&deliver, frame);
            kept.take_if(|_| follows).into_iter().for_each(|frame| send(&deliver, frame));
        }
    }
}

/// A client that is gone needs nothing more.
fn send(to: &UnboundedSender<Message>, frame: Message) {
    let _ = to.send(frame);
}
