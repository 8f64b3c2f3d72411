//! A request for a seat costs the peers that have seats nothing, however many ask.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use visio_signaling::core::Grant;
use visio_signaling::wire::Role;

use super::client::Client;
use super::tokens::{SECRET, guest, token};
use super::{Runtime, Settings};

/// How many ask: enough to empty the bucket of a peer that pays for each of them, if the runtime
/// counts.
const fn a_crowd<R: Runtime>() -> usize {
    if R::PROFILE.limits_rates { 100 } else { 20 }
}

/// One guest's token is enough to ask for a seat. A doctor and a patient have both seats.
pub async fn joins_to_a_full_visit_throw_nobody_out<R: Runtime>() {
    let server = R::start(Settings { jwt_secret: Some(SECRET), ..hurried() }).await;
    let join = |peer: &str| {
        let mut grant = guest("visit", peer);
        grant.capacity = Some(2);
        json!({"type": "join", "token": token(&grant)})
    };
    let seats = vec![join("doctor"), join("patient")];
    besiege(&server, seats, |_| join("stranger")).await;
}

pub async fn joins_to_a_full_open_room_throw_nobody_out<R: Runtime>() {
    let server = R::start(hurried()).await;
    let join = |peer: String| json!({"type": "join", "roomId": "visit", "peerId": peer});
    let seats = (0..16).map(|nth| join(format!("peer-{nth}"))).collect();
    besiege(&server, seats, |nth| join(format!("stranger-{nth}"))).await;
}

/// Joining and leaving is news to everybody, and each new connection would start with a fresh
/// budget.
pub async fn a_peer_that_keeps_rejoining_is_rate_limited<R: Runtime>() {
    let server = R::start(thrifty()).await;
    let join = |peer: &str| {
        let metadata = json!({"about": "x".repeat(1000)});
        json!({"type": "join", "token": token(&guest("visit", peer)), "metadata": metadata})
    };
    let mut seated = Vec::new();
    for nth in 0..8 {
        seated.push(Client::join_with(&server, join(&format!("peer-{nth}"))).await.0);
    }
    let mut bob = Client::join_with(&server, join("bob")).await.0;
    let mut refused = false;
    for _ in 0..rounds::<R>() {
        let mut cay = Client::connect(&server).await;
        cay.send(join("cay")).await;
        let answer = cay.next_of(&["joined", "error"]).await;
        refused |= answer["code"] == "rate_limited";
        assert_eq!(answer["retryAfterMs"].is_u64(), answer["type"] == "error", "{answer}");
        cay.close().await;
    }
    assert_eq!(refused, R::PROFILE.limits_rates);
    bob.handled().await;
    let news = bob.fence().await;
    let about_cay = news.iter().filter(|message| message["peerId"] == "cay");
    let told: usize = about_cay.map(|message| message.to_string().len()).sum();
    let roster = bob.roster().await.to_string().len();
    // The last time it joins and leaves may cost more than is left.
    assert!(told <= BURST + 2 * (roster + 2000), "{told} bytes");
}

/// The host's queue holds twice what one guest may send at once, however often the guest comes
/// back.
pub async fn a_waiting_guest_cannot_flood_its_host<R: Runtime>() {
    let server = R::start(thrifty()).await;
    let host = Grant { role: Role::Host, ..guest("visit", "doctor") };
    let join = json!({"type": "join", "token": token(&host)});
    let (mut doctor, _) = Client::join_with(&server, join).await;
    let knocking = Grant { lobby: true, ..guest("visit", "patient") };
    let join = json!({"type": "join", "token": token(&knocking)});
    let mut refused = false;
    for _ in 0..rounds::<R>() {
        let mut patient = Client::connect(&server).await;
        patient.send(join.clone()).await;
        let answer = patient.next_of(&["waiting", "error"]).await;
        refused |= answer["code"] == "rate_limited";
        for _ in 0..3 {
            patient.send(json!({"type": "chat", "message": "x".repeat(20_000)})).await;
        }
        patient.handled().await;
        patient.close().await;
    }
    assert_eq!(refused, R::PROFILE.limits_rates);
    doctor.handled().await;
    let told: usize = doctor.fence().await.iter().map(|message| message.to_string().len()).sum();
    assert!(told <= BURST + 21_000 || !R::PROFILE.limits_rates, "{told} bytes");
}

const BURST: usize = 60_000;

/// A budget that does not refill within a test.
fn thrifty() -> Settings {
    let (byte_rate, byte_burst) = (1, 60_000);
    Settings { jwt_secret: Some(SECRET), byte_rate, byte_burst, ..Settings::default() }
}

/// How often a peer joins. If the runtime does not count, twice shows everything.
const fn rounds<R: Runtime>() -> usize {
    if R::PROFILE.limits_rates { 10 } else { 2 }
}

/// Silence is noticed within a test, and a few messages are already too many.
fn hurried() -> Settings {
    let heartbeat = Duration::from_secs(3);
    Settings { heartbeat, message_rate: 10, message_burst: 20, ..Settings::default() }
}

/// Fills a room, and lets all strangers ask for a seat in waves. The first wave comes when nobody
/// in the room has been heard for a while, and arrives completely before anybody in it can answer.
async fn besiege<R: Runtime>(server: &R, seats: Vec<Value>, stranger: impl Fn(usize) -> Value) {
    let count = seats.len();
    let mut seated = Vec::new();
    for join in seats {
        seated.push(Client::join_with(server, join).await.0);
    }
    let mut strangers = Vec::new();
    for nth in 0..a_crowd::<R>() {
        strangers.push((Client::connect(server).await, stranger(nth)));
    }
    let mut bystander = Client::connect(server).await;
    if R::PROFILE.heartbeat_seconds.is_none() {
        join_all(seated.iter_mut().map(is_asked)).await;
    }
    ask(&mut strangers).await;
    bystander.expect_nothing().await;
    let (over, siege) = watch::channel(());
    let sitting = seated.into_iter().map(|client| sit(client, siege.clone()));
    let sitting: Vec<_> = sitting.collect();
    are_refused(&mut strangers).await;
    for _ in 0..2 {
        ask(&mut strangers).await;
        are_refused(&mut strangers).await;
    }
    over.send(()).expect("those in the room wait for it");
    let seated: Result<Vec<_>, _> = join_all(sitting).await.into_iter().collect();
    for client in &mut seated.expect("nobody in the room was thrown out") {
        assert_eq!(client.roster().await["peers"].as_array().expect("peers").len(), count - 1);
    }
}

/// Reads, and so answers pings, while the siege goes on.
fn sit(mut client: Client, mut siege: watch::Receiver<()>) -> JoinHandle<Client> {
    tokio::spawn(async move {
        client.attend(siege.changed()).await;
        client
    })
}

async fn ask(strangers: &mut [(Client, Value)]) {
    for (client, join) in strangers {
        client.send(join.clone()).await;
    }
}

async fn are_refused(strangers: &mut [(Client, Value)]) {
    for (client, _) in strangers {
        client.expect_error("room_full").await;
    }
}

/// Reads until the server asks for a sign of life. The next read sends it.
async fn is_asked(client: &mut Client) {
    while !matches!(client.frame().await, Message::Ping(_)) {}
}
