//! Whether a token is required, and what it grants.

use std::fmt;
use std::sync::Arc;

use super::Refused;
use crate::core::Grant;
use crate::wire::{Timestamp, Token};

/// Lets everybody in (open mode), or only clients with a valid token.
#[derive(Clone, Default)]
pub struct Gatekeeper {
    /// Verifies visit tokens; `None` in open mode.
    visits: Option<Arc<dyn Verify>>,
    /// Verifies tokens for the service's own rooms.
    own: Option<Arc<dyn Verify>>,
}

/// A function that verifies a token at a given time.
pub trait Verify: Fn(&Token, Timestamp) -> Result<Grant, Refused> + Send + Sync {}

impl<F: Fn(&Token, Timestamp) -> Result<Grant, Refused> + Send + Sync> Verify for F {}

impl Gatekeeper {
    /// Lets in clients whose token `verify` accepts.
    pub fn new(verify: impl Verify + 'static) -> Self {
        Self { visits: Some(Arc::new(verify)), own: None }
    }

    /// Also accepts tokens that only this `verify` accepts, in open mode too. Whatever room such a
    /// token names, it grants only one of the service's [own rooms](crate::wire::RoomId::own).
    #[must_use]
    pub fn with_own_rooms(self, verify: impl Verify + 'static) -> Self {
        let own = move |token: &Token, now| {
            let grant = verify(token, now)?;
            Ok(Grant { room: grant.room.own(), ..grant })
        };
        Self { own: Some(Arc::new(own)), ..self }
    }

    /// Whether the gatekeeper is in open mode and lets everybody in.
    pub const fn is_open(&self) -> bool {
        self.visits.is_none()
    }

    /// What a token grants. In open mode visit tokens are ignored.
    pub fn check(&self, token: &Token, now: Timestamp) -> Result<Option<Grant>, Refused> {
        let own = || self.own.as_ref().and_then(|verify| verify(token, now).ok());
        let Some(verify) = &self.visits else { return Ok(own()) };
        verify(token, now).or_else(|refused| own().ok_or(refused)).map(Some)
    }

    /// The grant for a `join`, from the token it brings or else from the connection's earlier one.
    pub fn admit(
        &self,
        token: Option<&Token>,
        earlier: Option<&Grant>,
        now: Timestamp,
    ) -> Result<Option<Grant>, Refused> {
        // A visit grant from before the server was in open mode is ignored too.
        let earlier = earlier.filter(|grant| !self.is_open() || grant.room.is_own());
        match (token, earlier) {
            (Some(token), _) => self.check(token, now),
            (None, Some(grant)) if Grant::over_after(grant.expires_at) <= now => {
                Err(Refused::EXPIRED)
            }
            (None, Some(grant)) => Ok(Some(grant.clone())),
            (None, None) if self.is_open() => Ok(None),
            (None, None) => Err(Refused::Missing),
        }
    }
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "Gatekeeper(open)" } else { "Gatekeeper(tokens)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::LEEWAY;
    use crate::wire::{FromText, PeerId, Role, RoomId};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn grant(peer: &str, expires_at: u64) -> Grant {
        Grant {
            subject: PeerId::parse(peer).unwrap(),
            room: RoomId::fallback(),
            role: Role::Guest,
            name: None,
            relay_only: false,
            lobby: false,
            capacity: None,
            expires_at: Timestamp(expires_at),
            visit_end: None,
            readmitted_at: None,
        }
    }

    /// Accepts exactly the token `name`.
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
    fn open_mode_ignores_visit_tokens() {
        for open in [Gatekeeper::default(), Gatekeeper::default().with_own_rooms(says("check"))] {
            assert_eq!(open.check(&Token::new("ada"), NOW), Ok(None));
            assert_eq!(open.admit(Some(&Token::new("ada")), None, NOW), Ok(None));
            assert_eq!(open.admit(None, None, NOW), Ok(None));
            assert_eq!(open.admit(None, Some(&grant("ada", 9)), NOW), Ok(None));
            assert_eq!(open.admit(None, Some(&grant("ada", NOW.0)), NOW), Ok(None));
        }
    }

    #[test]
    fn a_token_for_own_rooms_works_in_open_mode_too() {
        let own = Grant { room: RoomId::fallback().own(), ..grant("check", NOW.0 + 1) };
        for keeper in [Gatekeeper::default(), of("ada")] {
            let keeper = keeper.with_own_rooms(says("check"));
            assert_eq!(keeper.check(&Token::new("check"), NOW), Ok(Some(own.clone())));
            assert_eq!(keeper.admit(None, Some(&own), NOW), Ok(Some(own.clone())));
            let late = Timestamp(own.expires_at.0 + LEEWAY);
            assert_eq!(keeper.admit(None, Some(&own), late), Err(Refused::EXPIRED));
        }
    }

    #[test]
    fn a_join_uses_its_own_token_or_else_the_connections() {
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
    fn the_connections_token_counts_until_it_expires() {
        let earlier = grant("ada", NOW.0);
        let at = |now| of("ada").admit(None, Some(&earlier), Timestamp(now));
        assert!(at(NOW.0 + LEEWAY - 1).is_ok());
        assert_eq!(at(NOW.0 + LEEWAY), Err(Refused::EXPIRED));
    }

    #[test]
    fn visit_tokens_open_only_visits_and_own_tokens_only_own_rooms() {
        let both = of("ada").with_own_rooms(says("bob"));
        let room = |name| both.check(&Token::new(name), NOW).map(|it| it.map(|it| it.room));
        assert_eq!(room("ada"), Ok(Some(RoomId::fallback())));
        assert_eq!(room("bob"), Ok(Some(RoomId::fallback().own())));
        assert_eq!(room("eve"), Err(Refused::Signature));
    }
}
