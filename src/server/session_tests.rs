//! A session over a pipe with a tiny buffer.

use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::super::alarms::Timed;
use super::super::limits::{Accounts, Admission, Rates};
use super::super::mailbox::{Bounds, Parcel, Refused, Stop};
use super::super::mailboxes::Mailboxes;
use super::super::metered::Metered;
use super::super::speaker::{Claims, Speaker, Told};
use super::*;
use crate::core::{ConnectionId, Receipt, Rules};
use crate::redact::Redacted;
use crate::server::memory::MemoryRegistry;
use crate::token::Gatekeeper;
use crate::wire::{FromText, JoinDefaults, PeerId, ServerMessage};

const UNLIMITED: Rates = Rates { messages: (0, 0), bytes: (0, 0) };

#[tokio::test]
async fn a_client_that_does_not_read_can_still_send() {
    let server = Server::new();
    let bob = ConnectionId::new("bob");
    let listener = server.mailboxes.open(&bob);
    let driver = server.driver(&bob, &listener);
    let mut bob = Connection::new(bob, JoinDefaults::default());
    let join = Incoming::parse(r#"{"type":"join","peerId":"bob"}"#).unwrap();
    driver.receive(&mut bob, join, now()).await.unwrap();

    let mut ada = server.open().await;
    ada.send(Message::text(r#"{"type":"join","peerId":"ada"}"#)).await.unwrap();
    // Ada's `joined` does not fit into the pipe, and she does not read it.
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
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"));
    let post = || mailbox.post(ServerMessage::Relayed(Redacted::new("x".repeat(30_000))));
    assert_eq!(post(), Ok(30_000));
    assert_eq!(mailbox.take().await.unwrap().len(), 1);
    assert_eq!(post(), Ok(30_000));
    assert_eq!(post(), Ok(30_000));
    // The first message is written by now.
    assert_eq!(mailbox.take().await.unwrap().len(), 2);
    assert_eq!(post(), Ok(30_000));
    assert_eq!(post(), Err(Refused::Full), "five times 30 KB are more than 100");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_still_told_what_was_dropped() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"));
    while mailbox.post(relayed(&"x".repeat(30_000))).is_ok() {}
    let dropped = || ServerMessage::from(Rejection::new(Code::PeerGone, "dropped").counting(1));
    assert!(mailbox.post(dropped()).is_ok());
    assert_eq!(mailbox.post(relayed("more")), Err(Refused::Full));
    mailbox.finish(0, 0);
    let left: Vec<_> = mailbox.detach().await.frames;
    assert!(left.last().unwrap().expose().contains("peer_gone"));
    assert_eq!(mailbox.post(dropped()), Err(Refused::Gone));
}

#[tokio::test]
async fn a_session_that_must_stop_takes_what_is_posted_until_it_has() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"));
    mailbox.stop(Stop::Replaced);
    assert_eq!(mailbox.post(relayed("late")), Ok(4));
    mailbox.finish(0, 0);
    assert_eq!(mailbox.post(relayed("too late")), Err(Refused::Gone));
    let left: Vec<_> = mailbox.detach().await.frames;
    assert_eq!(left.iter().map(crate::core::Frame::expose).collect::<Vec<_>>(), ["late"]);
}

#[tokio::test]
async fn what_answers_a_join_comes_before_what_was_posted_since_then() {
    let mailbox = Server::new().mailboxes.open(&ConnectionId::new("bob"));
    mailbox.mark();
    mailbox.post(relayed("new")).unwrap();
    mailbox.post_joined(["joined", "old"].map(relayed).into_iter()).unwrap();
    let texts: Vec<_> = mailbox.take().await.unwrap().into_iter().collect();
    let texts = texts.iter().map(|parcel| match parcel {
        Parcel::Text(text) => text.as_str(),
        other => panic!("expected a text, not {other:?}"),
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["joined", "old", "new"]);
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
        let far = Metered::new(far, 1_000_000);
        let minute = Duration::from_secs(60);
        let mailbox = self.mailboxes.open(&id);
        let session = Session {
            socket: WebSocketStream::from_raw_socket(far, Role::Server, None).await,
            driver: self.driver(&id, &mailbox),
            mailbox,
            connection: Connection::new(id, JoinDefaults::default()),
            account: None,
            rate_limiter: RateLimiter::new(UNLIMITED, Instant::now()),
            timeouts: Timeouts { heartbeat: minute, join_timeout: minute },
            opened: Instant::now(),
            joined: false,
            taken: 0,
            unwritten: 0,
            _held: Held { _socket: Arc::new(permit()), _websocket: permit(), _alive: None },
        };
        tokio::spawn(Box::new(session).run());
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
    mailbox.post(ServerMessage::Relayed(Redacted::new("x".repeat(30_000)))).unwrap();
    let unread = mailbox.detach().await;
    let Receipt::Counted { before: 0, written, taken: 1 } = unread.receipt else {
        panic!("{unread:?}")
    };
    assert_eq!(unread.frames.len(), 2, "the pong has not been proved to be received");
    assert!((1..=2).contains(&written));
    assert_eq!(mailbox.detach().await, unread, "asked again, it is the same");
    assert_eq!(mailbox.post(ServerMessage::Relayed(Redacted::default())), Err(Refused::Gone));
}
