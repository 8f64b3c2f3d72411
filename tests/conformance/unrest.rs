//! Joins, moves, takeovers and goodbyes at random. At rest, all agree on who is where.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::client::{Client, ids, version};
use super::{Runtime, Settings};

const WALKERS: u64 = 20;
const STEPS: usize = 40;
const ROOMS: [&str; 3] = ["red", "green", "blue"];

pub async fn after_any_unrest_all_rosters_agree<R: Runtime>() {
    for seed in 1..=3 {
        let server = R::start(Settings { max_peers_per_room: 8, ..Settings::default() }).await;
        let gate = Arc::new(Barrier::new(usize::try_from(WALKERS).expect("a small number")));
        let mut tasks = JoinSet::new();
        for nth in 0..WALKERS {
            let mut spare = Vec::new();
            for _ in 0..=STEPS {
                spare.push(Client::connect(&server).await);
            }
            let walker = Walker {
                client: spare.pop().expect("a connection"),
                spare,
                peer: format!("w{nth}"),
                seat: None,
                chance: Chance(seed * 1_000_003 + nth),
            };
            tasks.spawn(walker.walk(Arc::clone(&gate)));
        }
        let rested = tasks.join_all().await;
        for room in ROOMS {
            agree(seed, room, rested.iter().flatten().filter(|rest| rest.roster["roomId"] == room));
        }
    }
}

/// Asserts that all who sit in a room see the same one, made of exactly them.
fn agree<'a>(seed: u64, room: &str, seated: impl Iterator<Item = &'a Rest>) {
    let seated: BTreeMap<_, _> = seated.map(|rest| (rest.peer.as_str(), rest)).collect();
    assert!(seated.len() <= 8, "seed {seed}, {room}");
    let mut versions: Vec<_> = seated.values().map(|rest| version(&rest.roster)).collect();
    versions.dedup();
    assert!(versions.len() <= 1, "seed {seed}, {room}: {versions:?}");
    for rest in seated.values() {
        let mut seen = ids(&rest.roster);
        seen.sort_unstable();
        let others: Vec<_> = seated.keys().copied().filter(|peer| *peer != rest.peer).collect();
        assert_eq!(seen, others, "seed {seed}, {room}, as {} sees it", rest.peer);
        // Whoever kept the highest version of what it was told needs no `peers`.
        assert_eq!(version(&rest.news), version(&rest.roster), "seed {seed}, {room}");
        assert_eq!(rest.news["peers"], rest.roster["peers"], "seed {seed}, {room}");
    }
}

/// A client that does not know what it wants.
struct Walker {
    client: Client,
    spare: Vec<Client>,
    peer: String,
    /// The room it sits in, and the newest it heard of it.
    seat: Option<(String, Value)>,
    chance: Chance,
}

/// How a seated walker sees its room at rest: as it was told, and as it is when it asks.
struct Rest {
    peer: String,
    news: Value,
    roster: Value,
}

impl Walker {
    async fn walk(mut self, gate: Arc<Barrier>) -> Option<Rest> {
        for _ in 0..STEPS {
            let room = ROOMS[self.chance.below(ROOMS.len())];
            match (self.seat.is_some(), self.chance.below(4)) {
                (false, _) => self.join("join", room).await,
                (true, 0) => self.leave().await,
                (true, 1) => self.join("join_room", room).await,
                (true, 2) => self.reappear().await,
                (true, _) => self.client.send(json!({"type": "chat"})).await,
            }
        }
        self.settle().await;
        // All that was done is decided, and who asks now is told how it ended.
        let mut late = self.client.attend(gate.wait()).await;
        self.client.send(json!({"type": "peers"})).await;
        let answer = loop {
            let message = self.client.next().await;
            if ["roster", "error"].contains(&message["type"].as_str().unwrap_or_default()) {
                break message;
            }
            late.push(message);
        };
        late.into_iter().for_each(|message| self.note(message));
        let (_, news) = self.seat?;
        assert_eq!(answer["type"], "roster", "{answer}");
        self.client.attend(gate_of(&gate)).await;
        Some(Rest { peer: self.peer, news, roster: answer })
    }
}
