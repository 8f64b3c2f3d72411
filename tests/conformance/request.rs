//! A plain HTTP/1.1 request over a fresh connection, and its answer.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Runtime;
use super::client::PATIENCE;

/// The response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    head: String,
}

/// `GET path`
pub async fn get(runtime: &impl Runtime, path: &str) -> Answer {
    request(runtime, "GET", path, &[]).await
}

/// Any request without a body.
pub async fn request(
    runtime: &impl Runtime,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    request_at(&runtime.http_address(), method, path, headers).await
}

/// The same, to any address.
pub async fn request_at(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("a request is taken");
        read(&mut BufReader::new(stream)).await
    };
    timeout(PATIENCE, exchange).await.expect("an answer in time")
}

async fn read(stream: &mut BufReader<TcpStream>) -> Answer {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let line = stream.read_line(&mut head).await.expect("a line");
        assert!(line > 0, "the head breaks off: {head:?}");
    }
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let mut answer = Answer { status: status.expect("a status"), body: String::new(), head };
    let length = answer.header("content-length").map_or(0, |value| value.parse().expect("a size"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("the whole body");
    answer.body = String::from_utf8(body).expect("text");
    answer
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The body, which must be JSON and say so.
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).expect("JSON")
    }
}
