//! A panic in one connection's task affects no other.

use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use visio_signaling::core::{Room, Rules};
use visio_signaling::ports::{Registry, Swap, Unavailable};
use visio_signaling::server;
use visio_signaling::server::config::Config;
use visio_signaling::server::memory::MemoryRegistry;
use visio_signaling::wire::{RoomId, RoomSummary, Version};

use crate::Standalone;
use crate::conformance::client::Client;

/// Panics when rooms are listed, and is unavailable for the room `unavailable`.
#[derive(Default)]
struct Booby(MemoryRegistry);

impl Registry for Booby {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        if room.as_str() == "unavailable" {
            return Err(Unavailable::new("no answer"));
        }
        self.0.load(room).await
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        self.0.swap(seen, next).await
    }

    async fn rooms(&self, _: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        panic!("as the test wants it")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_one_connection_and_gives_up_its_seat() {
    let server = start().await;
    let (mut ada, _) = Client::join(&server, "visit", "ada").await;
    let (mut bob, _) = Client::join(&server, "visit", "bob").await;
    ada.expect("peer_joined").await;
    bob.send(json!({"type": "room_list"})).await;
    bob.expect_error("internal").await;
    assert_eq!(bob.expect_close().await, 1011);
    assert_eq!(ada.expect("peer_left").await["peerId"], "bob");
    ada.expect_nothing().await;
    let (_cy, joined) = Client::join(&server, "visit", "cy").await;
    assert_eq!(joined["peers"][0]["peerId"], "ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_does_not_answer_is_reported_as_our_fault() {
    let server = start().await;
    let mut ada = Client::connect(&server).await;
    ada.send(json!({"type": "join", "roomId": "unavailable", "requestId": "r1"})).await;
    assert_eq!(ada.expect_error("internal").await["requestId"], "r1");
    ada.send(json!({"type": "join", "roomId": "visit"})).await;
    ada.expect("joined").await;
}

async fn start() -> Standalone {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let forever = std::future::pending();
        let rules = Rules { grace_seconds: 0, ..Rules::default() };
        let config = Config { rules, ..Config::default() };
        let served = server::serve(listener, config, Booby::default(), forever);
        served.await.expect("a server");
    });
    Standalone { address, task }
}
