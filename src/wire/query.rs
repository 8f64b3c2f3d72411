//! Defaults that a client may give in the URL's query, before its first message.

use super::client::Join;
use super::{Code, FromText, Rejection};
use crate::redact::Redacted;

/// Defaults for `join`, from the query of the WebSocket's URL: `roomId`, `peerId` (or `userId`)
/// and `displayName` (or `username`).
///
/// The values are kept unchecked. An invalid one is refused when a `join` needs it, because a
/// browser does not show a page why its handshake failed.
#[derive(Debug, Clone, Default)]
pub struct JoinDefaults {
    room_id: Option<Redacted<Box<str>>>,
    peer_id: Option<Redacted<Box<str>>>,
    display_name: Option<Redacted<Box<str>>>,
    /// Whether there was a token. The handshake handles the token itself. Here it only shows that
    /// the client wants to join.
    token: bool,
}

impl JoinDefaults {
    /// Reads a URL's query. Unknown fields are ignored. If a field is repeated, the first counts.
    pub fn parse(query: &str) -> Self {
        Self::from_pairs(form_urlencoded::parse(query.as_bytes()))
    }

    /// Reads the fields of a parsed query.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: impl Iterator<Item = (K, V)>) -> Self {
        let mut defaults = Self::default();
        for (key, value) in pairs {
            let slot = match key.as_ref() {
                "roomId" => &mut defaults.room_id,
                "peerId" | "userId" => &mut defaults.peer_id,
                "displayName" | "username" => &mut defaults.display_name,
                "token" => {
                    defaults.token = true;
                    continue;
                }
                _ => continue,
            };
            slot.get_or_insert_with(|| Redacted::new(value.as_ref().into()));
        }
        defaults
    }

    /// An equivalent query, for a runtime that must store it between two messages. It says that
    /// there was a token, but not which.
    pub fn to_query(&self) -> Redacted<String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let named = [
            ("roomId", &self.room_id),
            ("peerId", &self.peer_id),
            ("displayName", &self.display_name),
        ];
        for (field, value) in named {
            query.extend_pairs(value.iter().map(|value| (field, value.expose())));
        }
        if self.token {
            query.append_key_only("token");
        }
        Redacted::new(query.finish())
    }

    /// Whether the query set none of the defaults and had no token.
    pub fn is_empty(&self) -> bool {
        let named = [&self.room_id, &self.peer_id, &self.display_name];
        !self.token && named.iter().all(|value| value.is_none())
    }

    /// Whether the query named a room.
    pub const fn name_a_room(&self) -> bool {
        self.room_id.is_some()
    }

    /// Fills the absent fields of `join` with these defaults.
    pub fn fill(&self, join: Join) -> Result<Join, Rejection> {
        let Join { room, peer, name, .. } = join;
        Ok(Join {
            room: or_parsed(room, "roomId", self.room_id.as_ref())?,
            peer: or_parsed(peer, "peerId", self.peer_id.as_ref())?,
            name: or_parsed(name, "displayName", self.display_name.as_ref())?,
            ..join
        })
    }
}

fn or_parsed<T: FromText>(
    given: Option<T>,
    field: &str,
    fallback: Option<&Redacted<Box<str>>>,
) -> Result<Option<T>, Rejection> {
    let (None, Some(text)) = (&given, fallback) else { return Ok(given) };
    if let Some(value) = T::parse(text.expose()) {
        return Ok(Some(value));
    }
    let message = format!("`{field}` in the URL's query: expected {}", T::EXPECTED);
    Err(Rejection::new(Code::InvalidMessage, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DisplayName, PeerId, RoomId};

    #[test]
    fn both_spellings_fill_a_join() {
        for query in [
            "roomId=general&peerId=u1&displayName=Test+User",
            "userId=u1&username=Test%20User&roomId=general&token=t",
        ] {
            let join = JoinDefaults::parse(query).fill(Join::default()).unwrap();
            assert_eq!(join.room, RoomId::parse("general"));
            assert_eq!(join.peer, PeerId::parse("u1"));
            assert_eq!(join.name, DisplayName::parse("Test User"));
        }
    }

    #[test]
    fn the_message_overrides_the_query() {
        let named = Join { room: RoomId::parse("b"), ..Join::default() };
        let join = JoinDefaults::parse("roomId=a").fill(named).unwrap();
        assert_eq!(join.room, RoomId::parse("b"));
    }

    #[test]
    fn an_invalid_value_is_named_but_not_quoted() {
        let refused = JoinDefaults::parse("roomId=a/b").fill(Join::default()).unwrap_err();
        assert_eq!(refused.code, Code::InvalidMessage);
        assert!(refused.message.contains("`roomId`") && !refused.message.contains("a/b"));
    }

    #[test]
    fn a_stored_query_is_equivalent_to_the_original() {
        let kept = |query| JoinDefaults::parse(query).to_query().into_exposed();
        let query = "roomId=a%2Fb&peerId=ada&displayName=A+%26+B%3D%C3%A9";
        assert_eq!(kept(query), query);
        assert_eq!(kept("userId=u1&utm_source=mail&username="), "peerId=u1&displayName=");
        assert_eq!(kept("token=eyJhbGciOi"), "token");
        assert!(!JoinDefaults::parse("token").is_empty());
        assert_eq!(kept(""), "");
    }

    #[test]
    fn a_query_names_a_room_only_by_its_room_id() {
        assert!(JoinDefaults::parse("peerId=ada&roomId=general").name_a_room());
        assert!(!JoinDefaults::parse("peerId=ada&room=general&token=t").name_a_room());
    }

    #[test]
    fn an_unrelated_query_asks_for_nothing() {
        assert!(JoinDefaults::parse("").is_empty());
        assert!(JoinDefaults::parse("utm_source=mail").is_empty());
        assert!(!JoinDefaults::parse("username=Ada").is_empty());
        assert!(!JoinDefaults::parse("token=eyJ").is_empty());
    }
}
