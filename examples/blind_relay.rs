//! The baseline for `load`: the cost of passing frames across without looking at them.
//!
//! Two sockets that name the same path are a pair, and each gets whatever the other sends,
//! unchanged. (`PATH?N` is a group of N.) It is written as well as such a relay can be: one task
//! per socket, a bounded queue each, small read buffers, `TCP_NODELAY`, and one flush for
//! everything queued. It has no rooms, types, limits, timeouts or goodbye; `load` compares it with
//! a server that has all of these. With `--tls CERT KEY` it speaks TLS, with the same crates and
//! settings as the server.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that may be queued for one socket; a slower reader is dropped.
const QUEUE: usize = 1024;

/// The parts of a socket's task: the other sockets' queues, and its own.
type Ends = (Vec<Sender<Message>>, Receiver<Message>);
/// By path, the ends reserved for the sockets that are to come.
type Waiting = Arc<Mutex<HashMap<String, Vec<Ends>>>>;

/// Passes frames from one socket to another without looking at them.
#[derive(Parser)]
struct Flags {
    /// A certificate and its key, in PEM
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    tls: Option<Vec<PathBuf>>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let acceptor = Flags::parse().tls.map(|files| acceptor(&files[0], &files[1])).transpose()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let scheme = if acceptor.is_some() { "wss" } else { "ws" };
    eprintln!("ready: {scheme}://{}/", listener.local_addr()?);
    let waiting = Waiting::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let waiting = Arc::clone(&waiting);
        // However a socket ends, the others' queues close with it, and so the others close too. The
        // tasks are apart, so that one without TLS is no larger for it.
        match acceptor.clone() {
            None => tokio::spawn(async move { relay(stream, &waiting).await }),
            Some(acceptor) => tokio::spawn(async move {
                let stream = Box::pin(acceptor.accept(stream)).await?;
                relay(Box::new(stream), &waiting).await
            }),
        };
    }
}

fn acceptor(cert: &PathBuf, key: &PathBuf) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    waiting: &Waiting,
) -> Result<(), Error> {
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "tungstenite's own signature")]
    let note_path = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        path = request.uri().to_string();
        Ok(response)
    };
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(16 * 1024);
    let mut socket = accept_hdr_async_with_config(stream, note_path, Some(config)).await?;
    let (others, mut own) = group(path, waiting);
    let Some((last, others)) = others.split_last() else { return Ok(()) };
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
                    let sent = others.iter().try_for_each(|other| other.try_send(message.clone()));
                    if sent.is_err() || last.try_send(message).is_err() {
                        return socket.close(None).await;
                    }
                }
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// The first socket on a path leaves the others their ends.
fn group(path: String, waiting: &Waiting) -> Ends {
    let size = path.rsplit_once('?').and_then(|(_, size)| size.parse().ok()).unwrap_or(2);
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let left = waiting.entry(path.clone()).or_insert_with(|| ends(size));
    let own = left.pop().expect("none is left without an end");
    if left.is_empty() {
        waiting.remove(&path);
    }
    own
}

/// The ends of a group: each has its own queue, and everybody else's.
fn ends(size: usize) -> Vec<Ends> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..size).map(|_| channel(QUEUE)).unzip();
    let of_others = |nth: usize| {
        let others = senders.iter().enumerate().filter(|(other, _)| *other != nth);
        others.map(|(_, sender)| sender.clone()).collect()
    };
    receivers.into_iter().enumerate().map(|(nth, own)| (of_others(nth), own)).collect()
}
