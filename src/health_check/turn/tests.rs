//! Checks of servers that this file plays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use stun_types::attribute::{ErrorCode, Nonce, Realm, Username};
use stun_types::message::{LongTermKeyCredentials, Message, MessageWriteVec};
use stun_types::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;
use crate::health_check::visit::Stream;
use crate::ice::{IceSettings, Mint};
use crate::redact::Redacted;

/// How a server answers those who show the right credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Relays,
    /// It calls the first nonce stale.
    Forgets,
    HasNoMore,
    Refuses,
    Babbles,
    Sleeps,
}

const NAME: &str = "1700000000:9f2c";
const PASSWORD: &str = "pass";

fn credentials(password: &str) -> TurnCredentials {
    let text = |text: &str| Redacted::new(text.to_owned());
    TurnCredentials { username: text(NAME), credential: text(password) }
}

/// What the server says to a message; `None`: nothing.
fn answer(manner: Manner, bytes: &[u8], asked: usize) -> Option<Vec<u8>> {
    let message = Message::from_bytes(bytes).expect("a STUN message");
    let refuse = |code| {
        let mut answer = Message::builder_error(&message, MessageWriteVec::new());
        answer.add_attribute(&ErrorCode::builder(code).build().unwrap()).unwrap();
        answer.add_attribute(&Realm::new("clinic").unwrap()).unwrap();
        answer.add_attribute(&Nonce::new(&format!("nonce {asked}")).unwrap()).unwrap();
        Some(answer.finish())
    };
    let is_binding = message.method().value() == 1;
    let key = LongTermKeyCredentials::new(NAME.into(), PASSWORD.into(), "clinic".into());
    let named = message.attribute::<Username>().is_ok_and(|name| name.username() == NAME);
    let proven = named && message.validate_integrity(&key.into()).is_ok();
    match manner {
        Manner::Sleeps => None,
        Manner::Babbles => Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Manner::Refuses => refuse(508),
        _ if !is_binding && !proven => refuse(401),
        Manner::Forgets if asked == 1 => refuse(438),
        Manner::HasNoMore => refuse(486),
        _ => Some(Message::builder_success(&message, MessageWriteVec::new()).finish()),
    }
}

/// A server on a free port, and its URL.
async fn play(manner: Manner, scheme: &str) -> (IceUrl, TlsConnector) {
    let (acceptor, connector) = certified();
    let place = |address: SocketAddr, rest: &str| {
        IceUrl::parse(&format!("{scheme}:127.0.0.1:{}{rest}", address.port())).unwrap()
    };
    if scheme == "turns" {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = place(listener.local_addr().unwrap(), "");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(manner, stream).await;
            }
        });
        return (url, connector);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = place(socket.local_addr().unwrap(), "");
    tokio::spawn(async move {
        let mut bytes = [0; 1500];
        for asked in 0.. {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            if let Some(answer) = answer(manner, &bytes[..length], asked) {
                // Something that was never asked for comes first.
                socket.send_to(&[0; 20], from).await.unwrap();
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    (url, connector)
}

async fn serve(manner: Manner, mut stream: impl Stream) {
    let mut bytes = [0; 1500];
    for asked in 0.. {
        let Ok(length @ 1..) = stream.read(&mut bytes).await else { return };
        if let Some(answer) = answer(manner, &bytes[..length], asked) {
            stream.write_all(&answer).await.unwrap();
        }
    }
}

/// A server with a certificate for 127.0.0.1, and a client that trusts it.
fn certified() -> (TlsAcceptor, TlsConnector) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = || Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
}

async fn found(manner: Manner, scheme: &str, password: &str) -> Result<(), Trouble> {
    let (url, tls) = play(manner, scheme).await;
    check(&url, Some(&credentials(password)), &tls).await.map(drop)
}

#[tokio::test]
async fn a_server_that_answers_is_fine() {
    for scheme in ["stun", "turn", "turns"] {
        assert_eq!(found(Manner::Relays, scheme, PASSWORD).await, Ok(()), "{scheme}");
    }
    assert_eq!(found(Manner::Forgets, "turn", PASSWORD).await, Ok(()), "a stale nonce");
    assert_eq!(found(Manner::HasNoMore, "turn", PASSWORD).await, Ok(()), "it knows them");
}

#[tokio::test]
async fn a_server_that_refuses_is_not() {
    assert_eq!(found(Manner::Relays, "turn", "wrong").await, Err(Trouble::Unauthorized(401)));
    assert_eq!(found(Manner::Refuses, "turn", PASSWORD).await, Err(Trouble::Refused(508)));
    assert_eq!(found(Manner::Refuses, "stun", PASSWORD).await, Err(Trouble::Refused(508)));
    assert_eq!(found(Manner::Babbles, "turns", PASSWORD).await, Err(Trouble::Garbled));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_found_out() {
    let (free, _) = play(Manner::Sleeps, "stun").await;
    assert_eq!(found(Manner::Sleeps, "turn", PASSWORD).await, Err(Trouble::Silent));
    let (_, tls) = certified();
    let closed = IceUrl::parse(&format!("turn:127.0.0.1:{}?transport=tcp", free.port)).unwrap();
    let refused = check(&closed, None, &tls).await;
    assert_eq!(refused.map(drop), Err(Trouble::Unreachable(std::io::ErrorKind::ConnectionRefused)));
    let nowhere = IceUrl::parse("stun:nowhere.invalid").unwrap();
    assert_eq!(check(&nowhere, None, &tls).await.map(drop), Err(Trouble::Nowhere));
    let (url, _) = play(Manner::Relays, "turns").await;
    let untrusted = check(&url, Some(&credentials(PASSWORD)), &tls).await;
    assert!(matches!(untrusted, Err(Trouble::Tls(_))), "{untrusted:?}");
}

#[tokio::test]
async fn some_servers_that_fail_degrade_the_service_and_all_are_its_end() {
    let (good, tls) = play(Manner::Relays, "turn").await;
    let (bad, _) = play(Manner::Refuses, "turn").await;
    let ask = async |urls: &[&IceUrl]| {
        let turn_urls = urls.iter().map(|url| url.as_str().to_owned()).collect();
        let secret = Some(Redacted::new(String::from("any")));
        let settings = IceSettings { turn_urls, secret, ..IceSettings::NONE };
        let mint: Mint = Arc::new(|_| credentials(PASSWORD));
        let servers = settings.resolve(|_| mint).unwrap();
        let failed = AtomicUsize::new(0);
        let count = |_: &IceUrl, _: &Trouble| {
            failed.fetch_add(1, Ordering::Relaxed);
        };
        let (list, _) = servers.for_client(Timestamp(0));
        let check = check_all(&list, &tls, count).await;
        (check, failed.into_inner())
    };
    assert_eq!(ask(&[&good]).await, (Check::Operational, 0));
    assert_eq!(ask(&[&good, &bad]).await, (Check::Degraded, 1));
    assert_eq!(ask(&[&bad]).await, (Check::Down, 1));
    assert!(TurnServers::new(&Arc::default()).unwrap().is_none(), "nothing is set");
}
