//! What one page of a peer knows, and what it has said and heard.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One loading of a page. It ends where the server says `resumed: false`.
#[derive(Debug, Default)]
pub struct Page {
    /// No other page has it.
    pub uid: u64,
    pub token: Option<String>,
    /// The text frames since the `joined` that gave the token.
    pub received: u64,
    /// What it sent on the connection that the token is from, joins not counted.
    pub sent: Vec<String>,
    pub said: Vec<Said>,
    /// What it heard from each page.
    pub heard: BTreeMap<u64, Vec<u64>>,
    /// Whom it was told to offer to, and since when they sat.
    pub offers: Vec<(String, u64)>,
    /// Of the last news of its own place, and of the room.
    pub placed: u64,
    pub version: u64,
    /// The peers in the room: when each sat down, and whether it is away.
    pub known: BTreeMap<String, (u64, bool)>,
    /// How many messages to a seat were told to be gone.
    pub gone: BTreeMap<(String, u64), u64>,
}

/// A message of its own.
#[derive(Debug)]
pub struct Said {
    pub seq: u64,
    /// For whom it was, as far as the page knew, and since when they sat.
    pub to: Vec<(String, u64)>,
    /// Those who were refused it.
    pub refused: BTreeSet<String>,
    pub refused_to_all: bool,
}

impl Page {
    pub fn new(uid: u64) -> Self {
        Self { uid, ..Self::default() }
    }

    /// The page after this one. What is known of the room came on the connection that both share.
    pub fn next(self, uid: u64) -> Self {
        let Self { placed, version, known, .. } = self;
        Self { placed, version, known, ..Self::new(uid) }
    }

    /// The next message, to one or to all. From the lobby nobody in the room hears it.
    pub fn say(&mut self, to: Option<String>, seated: bool) -> String {
        let (uid, seq) = (self.uid, self.said.len() as u64);
        let known = self.known.iter().filter(|_| seated);
        let known = known.filter(|(name, _)| to.as_ref().is_none_or(|to| to == *name));
        let known = known.map(|(name, (since, _))| (name.clone(), *since)).collect();
        let (refused, refused_to_all) = (BTreeSet::new(), false);
        self.said.push(Said { seq, to: known, refused, refused_to_all });
        let kind = to.map_or_else(
            || r#""type":"chat""#.to_owned(),
            |to| format!(r#""type":"offer","to":"{to}""#),
        );
        format!(r#"{{{kind},"page":{uid},"seq":{seq},"requestId":"{uid}.{seq}"}}"#)
    }

    /// A seat of its own.
    pub fn arrive(&mut self, joined: &Value) {
        self.offers = peers(joined).map(|(name, (since, _))| (name, since)).collect();
    }

    /// Another peer's message.
    pub fn hear(&mut self, message: &Value, in_order: bool) {
        let (page, seq) = (message["page"].as_u64().unwrap(), message["seq"].as_u64().unwrap());
        let heard = self.heard.entry(page).or_default();
        assert!(!heard.contains(&seq), "page {} hears {seq} of {page} twice", self.uid);
        let last = heard.last().copied();
        assert!(!in_order || last < Some(seq), "page {} hears {seq} of {page} late", self.uid);
        heard.push(seq);
    }

    /// News with a roster. What is older than what is known changes nothing.
    pub fn note_roster(&mut self, message: &Value) {
        let Some(version) = message["version"].as_u64() else { return };
        if version > self.version {
            self.version = version;
            self.known = peers(message).collect();
        }
    }

    /// Something that waited for a peer was dropped. If that peer is new, this may be about the
    /// page before, and counts all the same.
    pub fn note_gone(&mut self, message: &Value) {
        let to = message["to"].as_str().unwrap().to_owned();
        if let Some((since, _)) = self.known.get(&to) {
            *self.gone.entry((to, *since)).or_default() += message["count"].as_u64().unwrap();
        }
    }

    pub fn note_refused(&mut self, message: &Value) {
        let id = message["requestId"].as_str().and_then(|id| id.split_once('.'));
        let Some((page, seq)) = id else { return };
        if page.parse() != Ok(self.uid) {
            return;
        }
        let said = &mut self.said[seq.parse::<usize>().unwrap()];
        match message["to"].as_str() {
            Some(to) => drop(said.refused.insert(to.to_owned())),
            None => said.refused_to_all = true,
        }
    }
}

fn peers(message: &Value) -> impl Iterator<Item = (String, (u64, bool))> {
    message["peers"].as_array().unwrap().iter().map(|peer| {
        let name = peer["peerId"].as_str().unwrap().to_owned();
        (name, (peer["joinedAt"].as_u64().unwrap(), peer["away"] == true))
    })
}
