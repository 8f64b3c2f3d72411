//! How much load there is: the four scenarios that clinic platforms test with.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

/// A number of users, and how long they come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// 15 users for 5 minutes: to try it out
    Light,
    /// 75 users for 10 minutes: a usual day
    Normal,
    /// 250 users for 15 minutes: a busy day
    Heavy,
    /// 500 users for 20 minutes: more than should ever come
    Stress,
}

impl Scenario {
    pub(super) const fn users(self) -> usize {
        match self {
            Self::Light => 15,
            Self::Normal => 75,
            Self::Heavy => 250,
            Self::Stress => 500,
        }
    }

    pub(super) const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Light => 5 * 60,
            Self::Normal => 10 * 60,
            Self::Heavy => 15 * 60,
            Self::Stress => 20 * 60,
        })
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Normal => "normal",
            Self::Heavy => "heavy",
            Self::Stress => "stress",
        })
    }
}
