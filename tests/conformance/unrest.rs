//! Joins, takeovers and goodbyes at random. At rest, all peers agree on who is where.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::client::{Client, ids, version};
use super::site::Site;
use super::{Runtime, Settings};

const WALKERS: usize = 20;
const SEATS: usize = 8;
const ROOMS: [&str; 3] = ["red", "green", "blue"];

pub async fn after_any_unrest_all_rosters_agree<R: Runtime>() {
    // If each message is an invocation, one walk must be enough.
    let (seeds, steps) = if R::PROFILE.ordered { (1..=3, 40) } else { (1..=1, 12) };
    for seed in seeds {
        let server = R::start(Settings { max_peers_per_room: SEATS, ..Settings::default() }).await;
        let site = Site::of(&server);
        let gate = Arc::new(Barrier::new(WALKERS));
        let mut tasks = JoinSet::new();
        for nth in 0..WALKERS {
            let walker = Walker {
                client: site.open().await,
                site: site.clone(),
                peer: format!("w{nth}"),
                room: ROOMS[nth % ROOMS.len()],
                news: None,
                chance: Chance(seed * 1000 + nth as u64),
            };
            let gate = Arc::clone(&gate);
            tasks.spawn(async move { walker.walk(steps).await.rest(&gate).await });
        }
        let rested: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert!(!rested.is_empty(), "seed {seed}");
        for room in ROOMS {
            agree(rested.iter().filter(|rest| rest.roster["roomId"] == room));
        }
    }
}

/// Asserts that all peers in a room see the same room, with exactly these peers.
fn agree<'a>(seated: impl Iterator<Item = &'a Rest>) {
    let seated: BTreeMap<_, _> = seated.map(|rest| (rest.peer.as_str(), rest)).collect();
    assert!(seated.len() <= SEATS);
    let mut versions: Vec<_> = seated.values().map(|rest| version(&rest.roster)).collect();
    versions.dedup();
    assert!(versions.len() <= 1, "{versions:?}");
    for rest in seated.values() {
        let mut seen = ids(&rest.roster);
        seen.sort_unstable();
        let others: Vec<_> = seated.keys().copied().filter(|peer| *peer != rest.peer).collect();
        assert_eq!(seen, others, "as {} sees it", rest.peer);
        // A client that keeps the highest version it was told need not ask.
        assert_eq!(version(&rest.news), version(&rest.roster), "as {} was told", rest.peer);
        assert_eq!(rest.news["peers"], rest.roster["peers"], "as {} was told", rest.peer);
    }
}

/// A client that acts at random.
struct Walker {
    client: Client,
    site: Site,
    peer: String,
    room: &'static str,
    /// The newest it heard of its room, while it has a seat.
    news: Option<Value>,
    chance: Chance,
}

/// How a seated walker sees its room at rest: from the news, and from the answer when it asks.
struct Rest {
    peer: String,
    news: Value,
    roster: Value,
}

impl Walker {
    async fn walk(mut self, steps: usize) -> Self {
        for _ in 0..steps {
            match (self.news.is_some(), self.chance.below(5)) {
                (false, 0) => self.go_elsewhere().await,
                (false, _) => self.join().await,
                (true, 0 | 1) => self.leave().await,
                (true, 2 | 3) => self.reappear().await,
                (true, _) => self.client.send(json!({"type": "chat", "message": "hm"})).await,
            }
        }
        self
    }

    async fn join(&mut self) {
        let join = json!({"type": "join", "roomId": self.room, "peerId": self.peer,
                          "requestId": "join"});
        self.client.send(join).await;
        let mut early = Vec::new();
        loop {
            let answer = self.client.next().await;
            match answer["type"].as_str() {
                Some("joined") => {
                    self.news = Some(answer);
                    // Late news of its last stay, as the versions show; or of this one, if news may
                    // overtake the answer.
                    return early.into_iter().for_each(|message| self.note(message));
                }
                // A chat that was overtaken by a leave is refused as well.
                Some("error") if self.site.profile().ordered || answer["requestId"] == "join" => {
                    return assert_eq!(answer["code"], "room_full", "{answer}");
                }
                _ => early.push(answer),
            }
        }
    }

    async fn leave(&mut self) {
        self.client.send(json!({"type": "leave"})).await;
        self.news = None;
        self.fence().await;
        // If the pong proves nothing, it asks until it has left.
        while !self.site.profile().ordered {
            self.client.send(json!({"type": "peers", "requestId": "left?"})).await;
            let answer = loop {
                let answer = self.client.next_of(&["roster", "error"]).await;
                // An overtaken chat is `not_joined` too.
                if answer["requestId"] == "left?" {
                    break answer;
                }
            };
            if answer["type"] == "error" {
                return;
            }
        }
    }

    /// By another connection: a message does not say which room it is from.
    async fn go_elsewhere(&mut self) {
        self.client = self.site.open().await;
        self.room = ROOMS[self.chance.below(ROOMS.len())];
        self.join().await;
    }

    /// Takes its own seat over. The old connection is dropped before, or left alone.
    async fn reappear(&mut self) {
        let new = self.site.open().await;
        let old = std::mem::replace(&mut self.client, new);
        self.news = None;
        if self.chance.below(2) == 0 {
            drop(old);
            self.join().await;
        } else {
            self.join().await;
            drop(old);
        }
    }

    /// Waits until the server has handled everything it was sent, and has sent all resulting news.
    async fn fence(&mut self) {
        self.client.send(json!({"type": "ping"})).await;
        self.note_until(&["pong"]).await;
    }

    async fn note_until(&mut self, kinds: &[&str]) -> Value {
        loop {
            let message = self.client.next().await;
            if kinds.iter().any(|kind| message["type"] == *kind) {
                return message;
            }
            self.note(message);
        }
    }

    fn note(&mut self, message: Value) {
        let is_news = message["type"] == "peer_joined" || message["type"] == "peer_left";
        if let Some(news) = self.news.as_mut().filter(|_| is_news)
            && version(news) < version(&message)
        {
            *news = message;
        }
    }

    async fn rest(mut self, gate: &Barrier) -> Option<Rest> {
        self.fence().await;
        for message in self.client.attend(gate.wait()).await {
            self.note(message);
        }
        for message in self.client.fence().await {
            self.note(message);
        }
        self.client.send(json!({"type": "peers", "requestId": "rest"})).await;
        let roster = self.note_until(&["roster", "error"]).await;
        // Nobody leaves before all have asked.
        self.client.attend(gate.wait()).await;
        let expected = if self.news.is_some() { "roster" } else { "error" };
        assert_eq!(roster["type"], expected, "{roster}");
        self.news.map(|news| Rest { peer: self.peer, news, roster })
    }
}

/// A linear congruential generator (Knuth's MMIX): the same walk for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}
