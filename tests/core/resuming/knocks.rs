//! Who waits in a lobby, as a host puts it together from news that may overtake each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Who waits as a host knows it, and which version of the room each news is of.
#[derive(Default)]
pub struct Lobby {
    version: u64,
    listed: BTreeSet<String>,
    knocks: BTreeMap<String, u64>,
}

impl Lobby {
    pub fn list(&mut self, message: &Value) {
        let version = message["version"].as_u64().unwrap();
        if version >= self.version {
            let waiting = message["waiting"].as_array().unwrap().iter();
            self.listed = waiting.map(|it| it["peerId"].as_str().unwrap().to_owned()).collect();
            self.version = version;
            self.knocks.retain(|_, knock| *knock > version);
        }
    }

    pub fn knock(&mut self, message: &Value) {
        let version = message["version"].as_u64().unwrap();
        if version > self.version {
            self.knocks.insert(message["peerId"].as_str().unwrap().to_owned(), version);
        }
    }

    pub fn waiting(&self) -> BTreeSet<String> {
        self.listed.iter().chain(self.knocks.keys()).cloned().collect()
    }
}
