//! What a relayed message costs the server, counted: a change that makes it dearer names itself.
//!
//! Nothing is timed. The server runs in this process, on one thread, and the clients allocate
//! nothing while it is counted, so every allocation is the server's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tokio::net::TcpListener;
use visio_signaling::server;
use visio_signaling::server::config::Config;
use visio_signaling::server::memory::MemoryRegistry;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many messages are counted.
const MESSAGES: usize = 2000;
/// The most allocations for a message that is relayed on its own. One of them is the message.
const FOR_ONE: usize = 4;
/// The most allocations for each of sixteen messages that arrive together.
const FOR_ONE_OF_MANY: usize = 3;
/// Allocations that are not of every message, for each that is: the client is asked for proof that
/// it has received some, and they are then forgotten.
const NOW_AND_THEN: f64 = 0.3;

/// Starts the server on a thread of its own.
fn serve() -> SocketAddr {
    let (ready, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let config = Config { message_rate: 0, byte_rate: 0, ..Config::default() };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            let forever = std::future::pending();
            server::serve(listener, config, MemoryRegistry::default(), forever).await.unwrap();
        });
    });
    address.recv().unwrap()
}

/// A client that reads and writes bytes.
struct Client(TcpStream);

impl Client {
    fn join(server: SocketAddr, peer: &str) -> Self {
        let mut stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let mut client = Self(stream);
        client.0.write_all(&masked(&format!(r#"{{"type":"join","peerId":"{peer}"}}"#))).unwrap();
        client
    }

    /// Reads until so many frames that contain `what` have arrived, and answers pings.
    fn read(&mut self, mut count: usize, what: &[u8], buffer: &mut [u8]) {
        while count > 0 {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).unwrap();
            let mut length = usize::from(head[1]);
            if length == 126 {
                let mut long = [0; 2];
                self.0.read_exact(&mut long).unwrap();
                length = u16::from_be_bytes(long).into();
            }
            let payload = &mut buffer[..length];
            self.0.read_exact(payload).unwrap();
            if head[0] == 0x89 {
                let mut pong = [0; 14];
                pong[..2].copy_from_slice(&[0x8a, 0x88]);
                pong[6..].copy_from_slice(payload);
                self.0.write_all(&pong).unwrap();
                continue;
            }
            count -= usize::from(payload.windows(what.len()).any(|part| part == what));
        }
    }
}

/// A text frame whose mask is zero.
fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0xfe);
            frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// What is allocated while `MESSAGES` offers are relayed, so many in each write.
fn relayed(ada: &mut Client, bob: &mut Client, at_once: usize) -> Stats {
    let sdp = r"a=rtpmap:111 opus/48000/2\r\n".repeat(80);
    let offer = masked(&format!(r#"{{"type":"offer","to":"bob","sdp":"{sdp}"}}"#));
    let (offers, mut buffer) = (offer.repeat(at_once), vec![0; 8192]);
    let mut relay = |times: usize| {
        for _ in 0..times {
            ada.0.write_all(&offers).unwrap();
            bob.read(at_once, b"\"offer\"", &mut buffer);
        }
    };
    relay(100);
    let region = Region::new(ALLOCATOR);
    relay(MESSAGES / at_once);
    region.change()
}

#[test]
fn a_relayed_message_takes_few_allocations() {
    let server = serve();
    let mut ada = Client::join(server, "ada");
    ada.read(1, b"\"joined\"", &mut [0; 8192]);
    let mut bob = Client::join(server, "bob");
    bob.read(1, b"\"joined\"", &mut [0; 8192]);
    for (at_once, most) in [(1, FOR_ONE), (16, FOR_ONE_OF_MANY)] {
        let stats = relayed(&mut ada, &mut bob, at_once);
        let each = stats.allocations as f64 / MESSAGES as f64;
        assert!(
            each <= most as f64 + NOW_AND_THEN,
            "{each} allocations a message, {at_once} at once; at most {most} were expected"
        );
        let leak = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
        assert!(leak < 1e6, "{leak} bytes were kept: an unproven frame is forgotten in time");
    }
}
