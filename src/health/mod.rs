//! The health of this service, for navbars, load balancers and people.
//!
//! A [`Report`] holds what the checks found. [`words`] puts it into the two vocabularies that front
//! ends use, and [`documents`] holds the other small HTTP responses. All of it is pure, and both
//! runtimes share it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod documents;
pub mod words;

use std::time::Duration;

use serde::Serialize;

use crate::wire::Timestamp;

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It works.
    Operational,
    /// It works in part.
    Degraded,
    /// It does not work.
    Down,
    /// There is nothing to check.
    NotConfigured,
}

/// The results of all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Whether the server answers HTTP requests.
    pub api: Check,
    /// Whether two throw-away peers could hold a visit through the public endpoint.
    pub signaling_server: Check,
    /// Whether the video section of their offer arrived unchanged.
    pub video_streaming: Check,
    /// Whether the audio section of their offer arrived unchanged.
    pub audio_streaming: Check,
    /// Whether the STUN and TURN servers that clients are told of answer, and relay.
    pub turn_servers: Check,
    /// How long the checks took.
    pub took: Took,
    /// When the checks ran.
    pub checked_at: Timestamp,
}

/// How long the checks took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// The visit of two throw-away peers.
    pub visit: Duration,
    /// All STUN and TURN servers, which are asked at once.
    pub turn_servers: Duration,
}

/// The overall status of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Overall {
    /// Visits work.
    Ok,
    /// Visits work, but not all of them or not for everybody.
    Degraded,
    /// Visits do not work.
    Down,
}

impl Report {
    /// The overall status. Without HTTP and signaling nothing works. Without the rest, some visits
    /// still do.
    pub fn overall(&self) -> Overall {
        let vital = [self.api, self.signaling_server];
        let others = [self.video_streaming, self.audio_streaming, self.turn_servers];
        let fine = |check: &Check| matches!(check, Check::Operational | Check::NotConfigured);
        if vital.contains(&Check::Down) {
            Overall::Down
        } else if vital.iter().chain(&others).all(fine) {
            Overall::Ok
        } else {
            Overall::Degraded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const FINE: Report = Report {
        api: Check::Operational,
        signaling_server: Check::Operational,
        video_streaming: Check::Operational,
        audio_streaming: Check::Operational,
        turn_servers: Check::NotConfigured,
        took: Took { visit: Duration::from_millis(12), turn_servers: Duration::ZERO },
        checked_at: Timestamp(1_700_000_000_000),
    };

    #[test]
    fn signaling_is_vital_and_turn_is_not() {
        assert_eq!(FINE.overall(), Overall::Ok);
        let no_turn = Report { turn_servers: Check::Down, ..FINE };
        assert_eq!(no_turn.overall(), Overall::Degraded);
        let full = Report { signaling_server: Check::Degraded, ..FINE };
        assert_eq!(full.overall(), Overall::Degraded);
        let dead = Report { signaling_server: Check::Down, ..FINE };
        assert_eq!(dead.overall(), Overall::Down);
    }
}
