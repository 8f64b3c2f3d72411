//! Servers and proxies that are broken in one way.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Accepts connections, and lets `serve` have each of them.
async fn listening<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Takes connections and says nothing.
pub async fn silent() -> SocketAddr {
    listening(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await
}

/// Answers every request with the same words. `{accept}` is the right answer to the key.
pub async fn answering(words: &'static str) -> SocketAddr {
    answering_then(words, &[]).await
}

/// Answers with the words, and then sends these bytes.
pub async fn answering_then(words: &'static str, then: &'static [u8]) -> SocketAddr {
    listening(move |mut stream| async move {
        let head = head(&mut stream).await;
        let key = head.lines().find_map(|line| value(line, "sec-websocket-key"));
        let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
        let answer = [words.replace("{accept}", &accept).as_bytes(), then].concat();
        let _ = stream.write_all(&answer).await;
        if words.contains(" 101 ") {
            std::future::pending::<()>().await;
        }
    })
    .await
}

/// A proxy that passes on those header lines of requests and of the server's answer which `keep`
/// lets through.
pub async fn dropping(server: SocketAddr, header: &'static str) -> SocketAddr {
    listening(move |mut client| async move {
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        let request = without(&head(&mut client).await, header);
        let _ = server.write_all(request.as_bytes()).await;
        let answer = without(&head(&mut server).await, header);
        let _ = client.write_all(answer.as_bytes()).await;
        let _ = copy_bidirectional(&mut client, &mut server).await;
    })
    .await
}

/// A balancer that sends every second connection to the other server.
pub async fn balancing(servers: [SocketAddr; 2]) -> SocketAddr {
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    listening(move |mut client| {
        let nth = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            let Ok(mut server) = TcpStream::connect(servers[nth % 2]).await else { return };
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    })
    .await
}

/// Serves TLS with this chain, in PEM, and nothing within it.
pub async fn secure(chain: &str, key: &str) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain.expect("certificates"), key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listening(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 1024]).await;
        }
    })
    .await
}

/// A certificate authority with an intermediate one, and a server's certificate below it.
pub struct Chain {
    pub root: String,
    pub intermediate: String,
    pub own: String,
    pub key: String,
}

impl Chain {
    pub fn new() -> Self {
        let authority = || {
            let mut params = CertificateParams::new(Vec::new()).expect("no names");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().expect("a key"))
        };
        let named = |mut params: CertificateParams, name: &str| {
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params
        };
        let ((root, root_key), (middle, middle_key)) = (authority(), authority());
        let (root, middle) = (named(root, "a root"), named(middle, "an intermediate"));
        let root_pem = root.self_signed(&root_key).expect("a certificate").pem();
        let root = Issuer::new(root, root_key);
        let intermediate = middle.signed_by(&middle_key, &root).expect("a certificate").pem();
        let middle = Issuer::new(middle, middle_key);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = named(CertificateParams::new(names).expect("names"), "a server");
        let key = KeyPair::generate().expect("a key");
        let pem = own.signed_by(&key, &middle).expect("a certificate").pem();
        Self { root: root_pem, intermediate, own: pem, key: key.serialize_pem() }
    }
}

/// Everything up to the empty line.
async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(read).expect("a head in UTF-8")
}

fn without(head: &str, header: &str) -> String {
    head.split_inclusive("\r\n").filter(|line| value(line, header).is_none()).collect()
}

fn value<'a>(line: &'a str, header: &str) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case(header).then(|| value.trim())
}
