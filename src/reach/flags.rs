//! The flags that say where a server is, and how to go there.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use super::{BadRoots, Target, Trust, Way};

/// The flags of every command that goes to a server.
#[derive(Debug, Clone, Args)]
pub(crate) struct WayFlags {
    /// URL of the signaling server or of its page: ws, wss, http or https
    #[arg(value_name = "URL")]
    target: Target,

    /// Origin of the page that is to connect, such as `https://clinic.example` [default: none]
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// PEM file of the certificate authorities to trust, instead of this machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// How long each step waits for an answer, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = value_parser!(u64).range(1..=60))]
    timeout_seconds: u64,
}

/// A flag that leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum BadWay {
    /// The file of `--ca`.
    #[error("--ca {0}")]
    Roots(#[from] BadRoots),
    /// The origin.
    #[error("--origin {0:?}: expected an origin, such as https://clinic.example")]
    Origin(String),
}

impl WayFlags {
    /// Reads the file that the flags name.
    pub(crate) fn resolve(self) -> Result<Way, BadWay> {
        let Self { target, origin, ca, timeout_seconds } = self;
        let trust = ca.map_or_else(|| Ok(Trust::of_machine()), |file| Trust::only(&file))?;
        if let Some(origin) = origin.as_ref().filter(|it| !is_header(it)) {
            return Err(BadWay::Origin(origin.clone()));
        }
        Ok(Way { target, trust, origin, patience: Duration::from_secs(timeout_seconds) })
    }
}

/// Whether the text may be the value of a header.
fn is_header(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
