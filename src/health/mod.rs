//! The truth about this service, for navbars, load balancers and people.
//!
//! A [`Report`] is what the checks found; [`words`] puts it into the two vocabularies that front
//! ends use, and [`documents`] holds the other small HTTP answers. All of it is pure and shared by
//! both runtimes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod documents;
pub mod words;

use serde::Serialize;

use crate::wire::Timestamp;

/// What a check found.
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

/// What the checks found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// HTTP answers.
    pub api: Check,
    /// Two throw-away peers met through the public way in.
    pub signaling_server: Check,
    /// Their offer's video section arrived as it was sent.
    pub video_streaming: Check,
    /// Their offer's audio section arrived as it was sent.
    pub audio_streaming: Check,
    /// The TURN servers answer.
    pub turn_servers: Check,
    /// When this was found out.
    pub checked_at: Timestamp,
}

/// The whole service in a word.
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
    /// Nothing works without HTTP and signaling; without the rest some visits do.
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
