//! The flags of `visio load`.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::Load;
use super::scenario::Scenario;
use crate::reach::{BadSecret, BadWay, MinterFlags, WayFlags};

/// The longest time that users come and go.
const MAX_DURATION: Duration = Duration::from_secs(3600);
const LEAST_THINKING: Duration = Duration::from_millis(50);
const MOST_THINKING: Duration = Duration::from_secs(60);

/// Find out how many visits a server holds, and how well.
///
/// Users come and go in pairs: they join, exchange an offer, an answer and candidates, write texts,
/// and leave. What arrives is compared with what was sent. Exits with 0 if all went well; 2 for an
/// invalid command line; 20 if frames were lost, doubled, misrouted, reordered or changed; 21 if
/// something else failed; 22 if not even one visit can be held.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub struct LoadFlags {
    #[command(flatten)]
    way: WayFlags,

    /// How many users there are, and for how long
    #[arg(long, value_name = "NAME", value_enum, default_value = "light")]
    scenario: Scenario,

    /// Users at the same time, 2 to 2000, in place of the scenario's number
    #[arg(long, value_name = "N")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(2..=2000))]
    users: Option<usize>,

    /// How long visits begin, such as 30s or 10m, at most 1h, in place of the scenario's time
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,

    /// How long it takes until all users have come [default: a tenth of the duration]
    #[arg(long, value_name = "DURATION", value_parser = ramp_up)]
    ramp_up: Option<Duration>,

    /// How long a user thinks between two actions, on average: 50ms to 1m
    #[arg(long, value_name = "DURATION", value_parser = think, default_value = "2s")]
    think: Duration,

    #[command(flatten)]
    minter: MinterFlags,

    /// Frames may overtake each other, as they do behind API Gateway: count that, but do not fail
    #[arg(long)]
    any_order: bool,

    /// The server is not on this machine, and you may put load on it
    #[arg(long)]
    yes: bool,

    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Why the load cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// The way to the server.
    #[error(transparent)]
    Way(#[from] BadWay),
    /// The secret.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// The ramp-up.
    #[error("--ramp-up: expected no more than the duration of {0}")]
    RampUp(humantime::FormattedDuration),
    /// A token in the URL.
    #[error(
        "the URL has a token: expected none, because each peer needs one of its own. Give the \
         server's secret in VISIO_JWT_SECRET or --jwt-secret-file"
    )]
    Token,
}

impl LoadFlags {
    /// Reads the files that the flags name.
    pub fn resolve(self) -> Result<Load, FlagError> {
        let way = self.way.resolve()?;
        if way.target.token.is_some() {
            return Err(FlagError::Token);
        }
        let minter = self.minter.resolve()?;
        let is_scenario = self.users.is_none() && self.duration.is_none();
        let duration = self.duration.unwrap_or_else(|| self.scenario.duration());
        let ramp_up = self.ramp_up.unwrap_or(duration / 10);
        if ramp_up > duration {
            return Err(FlagError::RampUp(humantime::format_duration(duration)));
        }
        Ok(Load {
            way,
            minter,
            users: self.users.unwrap_or_else(|| self.scenario.users()),
            duration,
            ramp_up,
            think: self.think,
            any_order: self.any_order,
            anywhere: self.yes,
            name: if is_scenario { self.scenario.to_string() } else { "custom".to_owned() },
        })
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    between(text, Duration::from_secs(1), MAX_DURATION)
        .ok_or("expected a duration such as 30s or 10m, of at least 1s and at most 1h")
}

fn ramp_up(text: &str) -> Result<Duration, &'static str> {
    between(text, Duration::ZERO, MAX_DURATION)
        .ok_or("expected a duration such as 0s or 30s, of at most 1h")
}

fn think(text: &str) -> Result<Duration, &'static str> {
    between(text, LEAST_THINKING, MOST_THINKING)
        .ok_or("expected a duration such as 500ms or 2s, of at least 50ms and at most 1m")
}

fn between(text: &str, least: Duration, most: Duration) -> Option<Duration> {
    let duration = humantime::parse_duration(text).ok()?;
    (least..=most).contains(&duration).then_some(duration)
}
