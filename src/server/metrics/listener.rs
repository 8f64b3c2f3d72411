//! `--metrics-listen`: an address of its own for `/metrics`, which only operators reach.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::info;

use crate::server::config::Addresses;

/// How long somebody who reads the numbers has for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait after a failed accept, as when no more files may be opened.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens there, and says where that is.
pub(in crate::server) async fn bind(addresses: &Addresses) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(&addresses.all[..]).await.map_err(|error| {
        let tried = format!("could not listen on {addresses} (--metrics-listen): {error}");
        io::Error::new(error.kind(), tried)
    })?;
    let address = listener.local_addr()?;
    info!(url = %format_args!("http://{address}/metrics"), "metrics have an address of their own");
    Ok(listener)
}

/// Answers for as long as it is polled.
pub(in crate::server) async fn run(listener: Option<TcpListener>, router: Router) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(serving);
    }
}
