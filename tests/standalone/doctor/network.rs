//! Names, ports, and what listens there.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;

use super::super::certificate::{Certificate, Directory};
use super::{doctor, printed, servers};

#[tokio::test]
async fn a_name_that_does_not_exist_is_found() {
    let found = doctor(&["wss://no-such-server.invalid", "--timeout-seconds", "5"]).await;
    found.fails("name", 10, &["no-such-server.invalid"]);
    assert_eq!(found.verdict("tcp"), "skipped");
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_found() {
    let (port, _bound) = port_of_nobody();
    let found = doctor(&[&format!("ws://127.0.0.1:{port}")]).await;
    found.fails("tcp", 11, &["refuses connections", "Start the server"]);
}

#[tokio::test]
async fn a_port_that_drops_packets_is_found() {
    let (full, _queued) = full_queue().await;
    let found = doctor(&[&format!("ws://{full}"), "--timeout-seconds", "1"]).await;
    found.fails("tcp", 11, &["does not answer", "firewall"]);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_found() {
    let silent = servers::silent().await;
    let found = doctor(&[&format!("ws://{silent}"), "--timeout-seconds", "1"]).await;
    found.fails("upgrade", 13, &["does not answer an HTTP request"]);
    let found = doctor(&[&format!("wss://{silent}"), "--timeout-seconds", "1"]).await;
    found.fails("tls", 12, &["does not answer a TLS handshake"]);
}

#[tokio::test]
async fn another_protocol_on_the_port_is_found() {
    let smtp = servers::answering("220 mail.example ESMTP\r\n").await;
    let found = doctor(&[&format!("ws://{smtp}")]).await;
    found.fails("upgrade", 13, &["does not speak HTTP"]);
    let found = doctor(&[&format!("wss://{smtp}"), "--timeout-seconds", "1"]).await;
    assert_eq!((found.code, found.verdict("tls")), (12, "failed"));
    let closing = servers::answering("").await;
    let found = doctor(&[&format!("ws://{closing}")]).await;
    found.fails("upgrade", 13, &["closed before the handshake was answered"]);
}

#[tokio::test]
async fn an_invalid_command_line_is_refused() {
    for (args, part) in [
        (&["visio.clinic.example"][..], "expected a URL"),
        (&[], "required"),
        (&["ws://a", "--timeout-seconds", "0"], "--timeout-seconds"),
        (&["ws://a", "--until", "soon"], "--until"),
    ] {
        let (code, text) = printed(args, &[]).await;
        assert!(code == 2 && text.contains(part), "{code} {text}");
    }
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let key = directory.write("key.pem", &certificate.key);
    for (args, part) in [
        (["--ca", "/nowhere.pem"], "could not read"),
        (["--ca", &key], "expected certificates"),
        (["--origin", "a\nb"], "expected an origin"),
    ] {
        let (code, text) = printed(&[&["wss://127.0.0.1:1"], &args[..]].concat(), &[]).await;
        assert!(code == 1 && text.contains(part) && text.contains(args[0]), "{code} {text}");
    }
}

/// A port that nobody else is given, and on which nothing listens while the socket is kept.
fn port_of_nobody() -> (u16, Socket) {
    let socket = bound();
    (address(&socket).port(), socket)
}

/// An address whose queue of connections is full, so that the kernel drops what comes.
async fn full_queue() -> (SocketAddr, (Socket, Vec<TcpStream>)) {
    let socket = bound();
    socket.listen(0).expect("a listener");
    let address = address(&socket);
    // A queue of no length holds one connection.
    let queued = TcpStream::connect(address).await.expect("the one that is queued");
    (address, (socket, vec![queued]))
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    socket.local_addr().expect("an address").as_socket().expect("IPv4")
}
