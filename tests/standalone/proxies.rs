//! Behind a proxy: which address a client counts as.

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use super::Program;
use super::abuse::socket;
use crate::conformance::Runtime;
use crate::conformance::client::Client;
use crate::conformance::site::Site;

const FORWARDED: &str = "x-forwarded-for";

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    let program = start(&["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"]).await;
    let _first = open(&program, &["192.0.2.1"]).await.expect("the first of its address");
    for spoofed in [
        &["192.0.2.1"][..],
        &["198.51.100.9, 192.0.2.1"],
        &["::ffff:192.0.2.1"],
        &["192.0.2.1, 10.1.2.3"],
        &["192.0.2.1:4711"],
        &["198.51.100.9", "192.0.2.1"],
    ] {
        is_refused(open(&program, spoofed).await);
    }
    let _second = open(&program, &["192.0.2.2"]).await.expect("another address");
    let _third = open(&program, &["2001:db8:0:1::1"]).await.expect("another address");
    is_refused(open(&program, &["2001:db8:0:1:ffff::2"]).await);
    let _fourth = open(&program, &["2001:db8:0:2::1"]).await.expect("another network");
}

#[tokio::test]
async fn an_invalid_forwarded_address_counts_as_the_proxy_itself() {
    let program = start(&["--trusted-proxy", "127.0.0.1"]).await;
    let _own = open(&program, &[]).await.expect("the proxy itself");
    for malformed in ["unknown", "192.0.2.1, nonsense", "192.0.2.1,", "_hidden", "192.0.2.300"] {
        is_refused(open(&program, &[malformed]).await);
    }
    let _client = open(&program, &["192.0.2.1"]).await.expect("a client of it");
}

#[tokio::test]
async fn a_forwarded_address_from_a_stranger_is_ignored() {
    let program = start(&["--trusted-proxy", "127.0.0.1"]).await;
    let stranger = || socket(&program, "127.0.0.9");
    let _first = open_over(&program, stranger().await, &["192.0.2.1"]).await.expect("the first");
    is_refused(open_over(&program, stranger().await, &["192.0.2.2"]).await);
    let _elsewhere = open(&program, &["192.0.2.1"]).await.expect("it is nobody's place");
    let program = start(&[]).await;
    let _first = open(&program, &["192.0.2.1"]).await.expect("the first");
    is_refused(open(&program, &["192.0.2.2"]).await);
}

#[tokio::test]
async fn a_proxys_own_sockets_are_not_counted_by_its_address() {
    let program = start(&["--trusted-proxy", "127.0.0.0/8"]).await;
    let mut clients = Vec::new();
    for nth in 1..=60 {
        let address = format!("192.0.2.{nth}");
        clients.push(open(&program, &[&address]).await.expect("a place for each"));
    }
}

/// One WebSocket per address.
async fn start(flags: &[&str]) -> Program {
    let args = ["--listen", "127.0.0.1:0", "--max-connections-per-ip", "1"];
    Program::start(&[&args, flags].concat(), &[]).await
}

async fn open(program: &Program, forwarded_for: &[&str]) -> Result<Client, Error> {
    let stream = TcpStream::connect(program.http_address()).await.expect("a connection");
    open_over(program, stream, forwarded_for).await
}

async fn open_over(
    program: &Program,
    stream: TcpStream,
    forwarded_for: &[&str],
) -> Result<Client, Error> {
    let site = Site::of(program);
    let headers: Vec<_> = forwarded_for.iter().map(|value| (FORWARDED, *value)).collect();
    Ok(Client::shake_hands(&site, stream, &program.websocket_url(), &headers).await?.0)
}

fn is_refused(outcome: Result<Client, Error>) {
    let Err(Error::Http(answer)) = outcome else { panic!("expected a refusal") };
    assert_eq!(answer.status(), 503);
}
