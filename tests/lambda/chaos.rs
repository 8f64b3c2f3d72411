//! Everything goes wrong at once, from a seed. Once all is quiet, every living peer's roster equals
//! the room, the room holds nobody else, and no peer has a seat in two rooms.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use visio_gateway::Faults;

use super::Lambda;
use crate::conformance::client::{Client, PATIENCE};

const PEERS: usize = 6;
const STEPS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_chaos_all_rosters_agree() {
    for seed in 0..6 {
        let lambda = Lambda::with(faults(seed)).await;
        let walkers = (0..PEERS).map(|nth| walk(&lambda, seed, nth));
        let names: Vec<_> = (0..PEERS).map(name).collect();
        let mut clients = join_all(walkers).await;
        lambda.gateway.set_faults(Faults::default());
        lambda.gateway.settle().await;
        for (client, name) in clients.iter_mut().zip(&names) {
            seated(&lambda, client, name).await;
        }
        // This discovers any ghosts that are left.
        for client in &mut clients {
            client.try_send(json!({"type": "chat", "message": "is anybody there?"})).await;
            barrier(client).await;
        }
        lambda.gateway.settle().await;
        let mut versions = Vec::new();
        for (client, own) in clients.iter_mut().zip(&names) {
            barrier(client).await;
            let roster = client.roster().await;
            let mut seen: Vec<_> = peers(&roster);
            seen.push(own.clone());
            seen.sort_unstable();
            assert_eq!(seen, names, "seed {seed}, {own}: {roster}");
            versions.push(roster["version"].clone());
        }
        versions.dedup();
        assert_eq!(versions.len(), 1, "seed {seed}");
        assert_eq!(others_in(&lambda, "other").await, [""; 0], "seed {seed}: somebody sits twice");
    }
}

fn faults(seed: u64) -> Faults {
    Faults {
        seed,
        reorder: Duration::from_millis(20),
        lose_disconnect: 0.3,
        late_disconnect: (0.2, Duration::from_millis(100)),
        double_disconnect: 0.3,
        busy_posts: 0.05,
        stale_reads: 0.3,
        crash_before_write: 0.03,
        crash_after_write: 0.03,
        lost_answers: 0.1,
        throttled_table: 0.05,
        throttled_function: 0.02,
        gone_without_code: seed.is_multiple_of(2),
    }
}

fn name(nth: usize) -> String {
    format!("p{nth}")
}

/// One peer's path: it joins, sends, leaves, and loses its connection, without reading the answers.
/// Returns its last connection.
async fn walk(lambda: &Lambda, seed: u64, nth: usize) -> Client {
    let mut dice = Dice(seed * 1000 + nth as u64);
    let mut client = connect(lambda).await;
    for _ in 0..STEPS {
        let to = name(dice.below(PEERS as u64) as usize);
        let join = |kind, room| json!({"type": kind, "roomId": room, "peerId": name(nth)});
        match dice.below(12) {
            0..4 => client.try_send(join("join", "visit")).await,
            10 => client.try_send(join("join_room", "other")).await,
            11 => client.try_send(join("join_room", "visit")).await,
            4..7 => client.try_send(json!({"type": "offer", "to": to, "sdp": "v=0"})).await,
            7 => client.try_send(json!({"type": "leave"})).await,
            8 => {
                drop(client);
                client = connect(lambda).await;
                client.try_send(join("join", "visit")).await;
            }
            _ => barrier(&mut client).await,
        }
    }
    client
}

/// A handshake may be refused because the function was throttled, or died.
async fn connect(lambda: &Lambda) -> Client {
    loop {
        if let Ok(client) = Client::connect_with(lambda, "", &[]).await {
            return client;
        }
    }
}

/// Joins until it is certain that this client has the seat.
async fn seated(lambda: &Lambda, client: &mut Client, name: &str) {
    let join = json!({"type": "join_room", "roomId": "visit", "peerId": name, "requestId": "last"});
    loop {
        if !living(client).await {
            *client = connect(lambda).await;
        }
        client.try_send(join.clone()).await;
        match answer(client).await {
            Some(answer) if answer["type"] == "joined" => return,
            Some(answer) if answer["code"] == "already_joined" => return,
            // The end of some other message took its seat away, or the connection is closing.
            Some(_) | None => {}
        }
    }
}

/// The answer to the join of [`seated`]; `None` if the connection ends first.
async fn answer(client: &mut Client) -> Option<Value> {
    while let Some(message) = next(client).await {
        if message["requestId"] == "last" {
            return Some(message);
        }
    }
    None
}

/// Reads what has come, up to the gateway's own answer to a `ping`.
async fn living(client: &mut Client) -> bool {
    client.try_send(json!({"type": "ping"})).await;
    while let Some(message) = next(client).await {
        if message["type"] == "pong" {
            return true;
        }
    }
    false
}

/// The peers that have seats in a room, once dead connections have been discovered.
async fn others_in(lambda: &Lambda, room: &str) -> Vec<String> {
    let mut guest = connect(lambda).await;
    guest.try_send(json!({"type": "join", "roomId": room, "peerId": "guest"})).await;
    guest.wait_for("joined").await;
    guest.try_send(json!({"type": "chat", "message": "is anybody there?"})).await;
    barrier(&mut guest).await;
    lambda.gateway.settle().await;
    peers(&guest.roster().await)
}

async fn barrier(client: &mut Client) {
    living(client).await;
}

async fn next(client: &mut Client) -> Option<Value> {
    use futures_util::StreamExt as _;
    loop {
        let frame = tokio::time::timeout(PATIENCE, client.socket.next()).await.expect("a frame");
        match frame {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).ok(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

fn peers(roster: &Value) -> Vec<String> {
    let peers = roster["peers"].as_array().expect("peers");
    peers.iter().map(|peer| peer["peerId"].as_str().expect("an id").to_owned()).collect()
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}
