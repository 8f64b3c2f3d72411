//! A session over a pipe that holds next to nothing.

use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::limits::{Admission, Rates};
use super::super::mailbox::{Bounds, Mailboxes};
use super::super::metered::Metered;
use super::*;
use crate::core::{ConnectionId, Rules};
use crate::memory::MemoryRegistry;
use crate::ports::Delivery;
use crate::redact::Redacted;
use crate::token::Gatekeeper;
use crate::wire::{FromText, JoinDefaults, PeerId, Timestamp};

#[tokio::test]
async fn a_client_that_does_not_read_is_heard_all_the_same() {
    let driver = Arc::new(driver());
    let bob = ConnectionId::new("bob");
    let listener = driver.outbox.open(&bob);
    let mut bob = Connection::new(bob, JoinDefaults::default());
    let join = Incoming::parse(r#"{"type":"join","peerId":"bob"}"#).unwrap();
    driver.receive(&mut bob, join, now()).await.unwrap();

    let mut ada = open(&driver).await;
    ada.send(Message::text(r#"{"type":"join","peerId":"ada"}"#)).await.unwrap();
    // Its `joined` does not fit into the pipe, and is not read.
    ada.send(Message::text(r#"{"type":"chat","message":"still here"}"#)).await.unwrap();
    let mut heard = String::new();
    while !heard.contains("still here") {
        for parcel in timeout(Duration::from_secs(20), listener.take()).await.unwrap().unwrap() {
            if let Parcel::Text(text) = parcel {
                heard.push_str(&text);
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_late_gets_everything_in_order() {
    let driver = Arc::new(driver());
    let mut ada = open(&driver).await;
    ada.send(Message::text(r#"{"type":"join","peerId":"ada"}"#)).await.unwrap();
    for nth in 0..20 {
        let ping = format!(r#"{{"type":"ping","requestId":"{nth}"}}"#);
        ada.send(Message::text(ping)).await.unwrap();
    }
    assert!(next(&mut ada).await.contains("joined"));
    for nth in 0..20 {
        assert!(next(&mut ada).await.contains(&format!(r#""requestId":"{nth}""#)));
    }
}

#[tokio::test]
async fn what_is_being_written_counts_as_waiting() {
    let driver = Arc::new(driver());
    let mailbox = driver.outbox.open(&ConnectionId::new("bob"));
    let post = || mailbox.post(ServerMessage::Relayed(Redacted::new("x".repeat(30_000))));
    assert_eq!(post(), Delivery::Accepted);
    assert_eq!(mailbox.take().await.unwrap().len(), 1);
    assert_eq!(post(), Delivery::Accepted);
    assert_eq!(post(), Delivery::Accepted);
    // The first is written by now.
    assert_eq!(mailbox.take().await.unwrap().len(), 2);
    assert_eq!(post(), Delivery::Accepted);
    assert_eq!(post(), Delivery::Gone, "five times 30 KB are more than 100");
}

async fn next(client: &mut WebSocketStream<DuplexStream>) -> String {
    let frame = timeout(Duration::from_secs(20), client.next()).await.unwrap();
    frame.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

fn driver() -> Driver<MemoryRegistry> {
    let mailboxes = Arc::new(Mailboxes::new(Bounds { messages: 100, bytes: 100_000 }));
    Driver {
        registry: MemoryRegistry::default(),
        connections: Arc::clone(&mailboxes),
        outbox: mailboxes,
        journal: Arc::new(()),
        rules: Rules::default(),
        gatekeeper: Gatekeeper::default(),
        mint_peer_id: |_| PeerId::parse("minted").unwrap(),
    }
}

/// A client's end of a session that runs.
async fn open(driver: &Arc<Driver<MemoryRegistry>>) -> WebSocketStream<DuplexStream> {
    let (near, far) = duplex(64);
    let id = ConnectionId::new("ada");
    let admission = Arc::new(Admission::new(0, 0));
    let place = || admission.admit(None).unwrap();
    let far = Metered::new(far, 1_000_000);
    let unlimited = Rates { messages: (0, 0), bytes: (0, 0) };
    let session = Session {
        socket: WebSocketStream::from_raw_socket(far, Role::Server, None).await,
        mailbox: driver.outbox.open(&id),
        connection: Connection::new(id, JoinDefaults::default()),
        driver: Arc::clone(driver),
        pacer: Pacer::new(unlimited, Instant::now()),
        pulse: Pulse { heartbeat: Duration::from_secs(60), join_timeout: Duration::from_secs(60) },
        opened: Instant::now(),
        pinged: false,
        joined: false,
        due: None,
        looked: Timestamp(0),
        _held: (Arc::new(place()), place(), None),
    };
    tokio::spawn(Box::new(session).run());
    WebSocketStream::from_raw_socket(near, Role::Client, None).await
}
