//! A session over a pipe with a tiny buffer.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{DuplexStream, duplex, split};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::alarms::Timed;
use super::super::limits::{Accounts, Admission, Limits, Rates};
use super::super::line::Line;
use super::super::mailbox::{Bounds, Pace, Refused};
use super::super::mailboxes::Mailboxes;
use super::super::metered::{Meter, Metered};
use super::super::speaker::{Claims, Told};
use super::*;
use crate::core::{ConnectionId, Receipt, Rules};
use crate::redact::Redacted;
use crate::server::config::Config;
use crate::server::memory::MemoryRegistry;
use crate::token::Gatekeeper;
use crate::wire::{FromText, JoinDefaults, PeerId, ServerMessage};

const UNLIMITED: Rates = Rates { messages: (0, 0), bytes: (0, 0) };

#[tokio::test]
async fn a_client_that_does_not_read_can_still_send() {
    let server = Server::new();
    let bob = ConnectionId::new("bob");
    let listener = server.mailboxes.open(&bob, None);
    let driver = server.driver(&bob, &listener);
    let mut bob = Connection::new(bob, JoinDefaults::default());
    let join = Incoming::parse(r#"{"type":"join","peerId":"bob"}"#).unwrap();
    driver.receive(&mut bob, join, now()).await.unwrap();

    let mut ada = server.open().await;
    ada.send(Message::text(r#"{"type":"join","peerId":"ada"}"#)).await.unwrap();
    // Ada's `joined` does not fit into the pipe, and she does not read it.
    ada.send(Message::text(r#"{"type":"chat","message":"still here"}"#)).await.unwrap();
    let heard = || listener.waiting().concat().contains("still here");
    timeout(Duration::from_secs(20), async {
        while !heard() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_client_that_reads_late_gets_everything_in_order() {
    let mut ada = Server::new().open().await;
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
async fn a_message_that_is_being_written_counts_as_waiting() {
    let server = Server::new();
    let mut ada = server.open().await;
    ada.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert!(next(&mut ada).await.contains("pong"));
    let mailbox = server.mailboxes.find(&ConnectionId::new("ada")).unwrap();
    let post = || mailbox.post(relayed(&"x".repeat(30_000)), Pace::AtOnce).map(|it| it.bytes);
    // The pipe is too narrow for the first, which is written in part.
    assert_eq!([(); 3].map(|()| post()), [Ok(30_000); 3]);
    assert_eq!(post(), Err(Refused::Full), "four times 30 KB are more than 100");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_still_told_what_was_dropped() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"), None);
    while mailbox.post(relayed(&"x".repeat(30_000)), Pace::AtOnce).is_ok() {}
    let dropped = || ServerMessage::from(Rejection::new(Code::PeerGone, "dropped").counting(1));
    assert!(mailbox.post(dropped(), Pace::AtOnce).is_ok());
    assert_eq!(mailbox.post(relayed("more"), Pace::AtOnce), Err(Refused::Full));
    mailbox.finish(0);
    let left: Vec<_> = mailbox.detach().await.frames;
    assert!(left.last().unwrap().expose().contains("peer_gone"));
    assert_eq!(mailbox.post(dropped(), Pace::AtOnce), Err(Refused::Gone));
}

#[tokio::test]
async fn a_session_that_must_stop_takes_what_is_posted_until_it_has() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"), None);
    let post = |text| mailbox.post(relayed(text), Pace::AtOnce).map(|it| it.bytes);
    mailbox.stop(Stop::Replaced);
    assert_eq!(post("late"), Ok(4));
    let _no_line = mailbox.finish(0);
    assert_eq!(post("too late"), Err(Refused::Gone));
    let left: Vec<_> = mailbox.detach().await.frames;
    assert_eq!(left.iter().map(crate::core::Frame::expose).collect::<Vec<_>>(), ["late"]);
}

#[tokio::test]
async fn what_answers_a_join_comes_before_what_was_posted_since_then() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"), None);
    mailbox.mark();
    mailbox.post(relayed("new"), Pace::AtOnce).unwrap();
    mailbox.post_joined(["joined", "old"].map(relayed).into_iter()).unwrap();
    assert_eq!(mailbox.waiting(), ["joined", "old", "new"]);
}

fn relayed(text: &str) -> ServerMessage {
    ServerMessage::Relayed(Redacted::new(text.to_owned()))
}

async fn next(client: &mut WebSocketStream<DuplexStream>) -> String {
    let frame = timeout(Duration::from_secs(20), client.next()).await.unwrap();
    frame.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

/// The state that sessions share.
struct Server {
    registry: Arc<Timed<MemoryRegistry>>,
    mailboxes: Arc<Mailboxes>,
}

impl Server {
    fn new() -> Self {
        let bounds = Bounds { messages: 100, bytes: 100_000 };
        Self {
            registry: Arc::new(Timed::new(MemoryRegistry::default())),
            mailboxes: Arc::new(Mailboxes::new(bounds)),
        }
    }

    fn driver(&self, conn: &ConnectionId, mailbox: &Arc<Mailbox>) -> Driver<MemoryRegistry> {
        Driver {
            registry: Arc::clone(&self.registry),
            connections: Claims {
                accounts: Arc::new(Accounts::new(UNLIMITED)),
                mailbox: Arc::clone(mailbox),
            },
            outbox: Speaker {
                conn: conn.clone(),
                mailbox: Arc::clone(mailbox),
                mailboxes: Arc::clone(&self.mailboxes),
                told: Told::default(),
            },
            journal: Arc::new(()),
            rules: Rules::default(),
            ice: Arc::default(),
            gatekeeper: Gatekeeper::default(),
            mint_secret: super::super::mint_secret,
            mint_peer_id: |_| PeerId::parse("minted").unwrap(),
        }
    }

    /// Starts a session and returns the client's end of its pipe.
    async fn open(&self) -> WebSocketStream<DuplexStream> {
        let (near, far) = duplex(64);
        let id = ConnectionId::new("ada");
        let admission = Arc::new(Admission::new(0, 0));
        let permit = || admission.admit(None).unwrap();
        let (read, write) = split(far);
        let meter = Arc::new(Meter::new(1_000_000));
        let read = Metered::new(read, Arc::clone(&meter));
        let minute = Duration::from_secs(60);
        let mailbox = self.mailboxes.open(&id, Some(Line::new(write)));
        let session = Session {
            reader: Reader::new(read, meter, 100_000),
            driver: self.driver(&id, &mailbox),
            mailbox,
            connection: Connection::new(id, JoinDefaults::default()),
            account: None,
            rate_limiter: RateLimiter::new(UNLIMITED, Instant::now()),
            timeouts: Timeouts { heartbeat: minute, join_timeout: minute },
            opened: Instant::now(),
            joined: false,
            taken: 0,
            bytes: 0,
            max_message_bytes: 100_000,
            held: Held {
                _socket: Arc::new(permit()),
                websocket: permit(),
                limits: Arc::new(Limits::new(&Config::default())),
                _alive: None,
            },
        };
        tokio::spawn(Box::new(session).run(Batch::of(&[])));
        WebSocketStream::from_raw_socket(near, Role::Client, None).await
    }
}

#[tokio::test]
async fn a_client_that_is_replaced_while_it_is_handled_leaves_everything_behind() {
    let server = Server::new();
    let mut ada = server.open().await;
    ada.send(Message::text(r#"{"type":"join","peerId":"ada"}"#)).await.unwrap();
    assert!(next(&mut ada).await.contains("joined"));
    ada.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert!(next(&mut ada).await.contains("pong"));
    let mailbox = server.mailboxes.find(&ConnectionId::new("ada")).unwrap();
    // The pipe is too narrow for this, so it is never written as a whole.
    mailbox.post(relayed(&"x".repeat(30_000)), Pace::AtOnce).unwrap();
    let unread = mailbox.detach().await;
    let Receipt::Counted { before: 0, written, taken: 1 } = unread.receipt else {
        panic!("{unread:?}")
    };
    assert_eq!(unread.frames.len(), 2, "the pong has not been proved to be received");
    assert!((1..=2).contains(&written));
    assert_eq!(mailbox.detach().await, unread, "asked again, it is the same");
    assert_eq!(mailbox.post(relayed(""), Pace::AtOnce), Err(Refused::Gone));
}
