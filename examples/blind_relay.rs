//! The baseline for `load`: the cost of passing frames across without looking at them.
//!
//! Two sockets that name the same path are a pair, and each gets whatever the other sends,
//! unchanged. It is written as well as such a relay can be: one task per socket, a bounded queue
//! each, small read buffers, `TCP_NODELAY`, and one flush for everything queued. It has no rooms,
//! types, limits, timeouts or goodbye; `load` compares a server that does with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that may be queued for one socket; a slower reader is dropped.
const QUEUE: usize = 1024;

/// The parts of a socket's task: the other socket's queue, and its own.
type Ends = (Sender<Message>, Receiver<Message>);
/// By path, the ends reserved for the second socket.
type Waiting = Arc<Mutex<HashMap<String, Ends>>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("ready: ws://{}/", listener.local_addr()?);
    let waiting = Waiting::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let waiting = Arc::clone(&waiting);
        // However a socket ends, the other's queue closes with it, and so the other closes too.
        tokio::spawn(async move { relay(stream, &waiting).await });
    }
}

async fn relay(stream: TcpStream, waiting: &Waiting) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "tungstenite's own signature")]
    let note_path = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(16 * 1024);
    let mut socket = accept_hdr_async_with_config(stream, note_path, Some(config)).await?;
    let (other, mut own) = pair(path, waiting);
    loop {
        tokio::select! {
            queued = own.recv() => {
                let Some(message) = queued else { return socket.close(None).await };
                socket.feed(message).await?;
                while let Ok(message) = own.try_recv() {
                    socket.feed(message).await?;
                }
                socket.flush().await?;
            }
            frame = socket.next() => match frame.transpose()? {
                Some(message @ (Message::Text(_) | Message::Binary(_))) => {
                    if other.try_send(message).is_err() { return socket.close(None).await; }
                }
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// The first socket on a path leaves the second its ends.
fn pair(path: String, waiting: &Waiting) -> Ends {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.remove(&path).unwrap_or_else(|| {
        let ((to_first, first), (to_second, second)) = (channel(QUEUE), channel(QUEUE));
        waiting.insert(path, (to_first, second));
        (to_second, first)
    })
}
