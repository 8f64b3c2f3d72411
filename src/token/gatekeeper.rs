//! Whether a token is needed, and what it is good for.

use std::fmt;
use std::sync::Arc;

use super::{LEEWAY, Refused};
use crate::core::Grant;
use crate::wire::{Timestamp, Token};

/// Lets everybody in (open mode), or those with a good token.
#[derive(Clone, Default)]
pub struct Gatekeeper(Option<Arc<dyn Verify>>);

/// The verdict on a token at a time.
pub trait Verify: Fn(&Token, Timestamp) -> Result<Grant, Refused> + Send + Sync {}

impl<F: Fn(&Token, Timestamp) -> Result<Grant, Refused> + Send + Sync> Verify for F {}

impl Gatekeeper {
    /// Lets those in whose token `verify` finds good.
    pub fn new(verify: impl Verify + 'static) -> Self {
        Self(Some(Arc::new(verify)))
    }

    /// The same, but what it refuses may still be good by the word of `verify`. In open mode
    /// nothing is refused.
    #[must_use]
    pub fn or(self, verify: impl Verify + 'static) -> Self {
        let Self(Some(first)) = self else { return self };
        Self::new(move |token, now| {
            first(token, now).or_else(|refused| verify(token, now).map_err(|_| refused))
        })
    }

    /// Whether everybody is let in.
    pub const fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// What a token is good for. In open mode it says nothing.
    pub fn check(&self, token: &Token, now: Timestamp) -> Result<Option<Grant>, Refused> {
        self.0.as_ref().map(|verify| verify(token, now)).transpose()
    }

    /// What a `join` rests on: the token that it brings, or else the connection's earlier one.
    pub fn admit(
        &self,
        token: Option<&Token>,
        earlier: Option<&Grant>,
        now: Timestamp,
    ) -> Result<Option<Grant>, Refused> {
        match (token, earlier) {
            _ if self.is_open() => Ok(None),
            (Some(token), _) => self.check(token, now),
            (None, Some(grant)) if is_over(grant, now) => Err(Refused::EXPIRED),
            (None, Some(grant)) => Ok(Some(grant.clone())),
            (None, None) => Err(Refused::Missing),
        }
    }
}

fn is_over(grant: &Grant, now: Timestamp) -> bool {
    now.0 >= grant.expires_at.0.saturating_add(LEEWAY)
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "Gatekeeper(open)" } else { "Gatekeeper(tokens)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FromText, PeerId, Role, RoomId};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn grant(peer: &str, expires_at: u64) -> Grant {
        Grant {
            subject: PeerId::parse(peer).unwrap(),
            room: RoomId::fallback(),
            role: Role::Guest,
            name: None,
            lobby: false,
            capacity: None,
            expires_at: Timestamp(expires_at),
            visit_end: None,
        }
    }

    /// Lets in whoever says its own name.
    fn of(name: &'static str) -> Gatekeeper {
        Gatekeeper::new(says(name))
    }

    fn says(name: &'static str) -> impl Verify {
        move |token, now| match token.expose() == name {
            true => Ok(grant(name, now.0 + 1)),
            false => Err(Refused::Signature),
        }
    }

    #[test]
    fn in_open_mode_tokens_say_nothing() {
        let open = Gatekeeper::default().or(says("ada"));
        assert_eq!(open.check(&Token::new("ada"), NOW), Ok(None));
        assert_eq!(open.admit(None, Some(&grant("ada", 9)), NOW), Ok(None));
    }

    #[test]
    fn a_join_rests_on_its_own_token_or_else_on_the_connections() {
        let keeper = of("ada");
        let (good, earlier) = (Token::new("ada"), grant("bob", NOW.0));
        let admitted = keeper.admit(Some(&good), Some(&earlier), NOW).unwrap();
        assert_eq!(admitted, Some(grant("ada", NOW.0 + 1)));
        assert_eq!(keeper.admit(None, Some(&earlier), NOW), Ok(Some(earlier.clone())));
        assert_eq!(keeper.admit(None, None, NOW), Err(Refused::Missing));
        let bad = Token::new("eve");
        assert_eq!(keeper.admit(Some(&bad), Some(&earlier), NOW), Err(Refused::Signature));
    }

    #[test]
    fn the_connections_token_counts_until_its_time_is_over() {
        let earlier = grant("ada", NOW.0);
        let at = |now| of("ada").admit(None, Some(&earlier), Timestamp(now));
        assert!(at(NOW.0 + LEEWAY - 1).is_ok());
        assert_eq!(at(NOW.0 + LEEWAY), Err(Refused::EXPIRED));
    }

    #[test]
    fn a_second_opinion_may_only_let_in() {
        let both = of("ada").or(says("bob"));
        for name in ["ada", "bob"] {
            assert!(both.check(&Token::new(name), NOW).is_ok(), "{name}");
        }
        assert_eq!(both.check(&Token::new("eve"), NOW), Err(Refused::Signature));
    }
}
