//! The flags that say where a server is, how to go there, and what to be let in with.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, value_parser};

use super::{BadRoots, Minter, Target, Trust, Way};
use crate::redact::Redacted;
use crate::server::config::redacted;
use crate::token::BadKey;

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

/// The flags of every command that makes visit tokens to be let in with.
#[derive(Debug, Clone, Args)]
pub(crate) struct MinterFlags {
    /// Secret of the server's visit tokens, to make tokens for rooms of this command's own. Prefer
    /// the environment variable or the file: anybody who can list processes can read a flag
    #[arg(long, env = "VISIO_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[arg(value_parser = redacted, conflicts_with = "jwt_secret_file")]
    jwt_secret: Option<Redacted<String>>,

    /// File with that secret; a line break at its end does not count
    #[arg(long, env = "VISIO_JWT_SECRET_FILE", value_name = "FILE")]
    jwt_secret_file: Option<PathBuf>,

    /// Audience (`aud`) of these tokens, the same as the server's --jwt-audience, if that is set
    #[arg(long, env = "VISIO_JWT_AUDIENCE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,
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

/// A secret that makes no token.
#[derive(Debug, thiserror::Error)]
pub enum BadSecret {
    /// The secret itself.
    #[error("--jwt-secret (VISIO_JWT_SECRET): {0}")]
    Secret(BadKey),
    /// A file that cannot be read.
    #[error("--jwt-secret-file {0}: could not read the file: {1}")]
    Unreadable(String, io::Error),
    /// What is in the file.
    #[error("--jwt-secret-file {0}: {1}")]
    File(String, BadKey),
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

impl MinterFlags {
    /// What makes the tokens; `None` if there is no secret.
    pub(crate) fn resolve(self) -> Result<Option<Minter>, BadSecret> {
        let Self { jwt_secret, jwt_secret_file, jwt_audience: audience } = self;
        if let Some(file) = jwt_secret_file {
            let name = file.display().to_string();
            let text = fs::read_to_string(&file);
            let text = text.map_err(|error| BadSecret::Unreadable(name.clone(), error))?;
            let secret = Redacted::new(text.trim_end_matches(['\r', '\n']).to_owned());
            let minter = Minter::new(secret, audience);
            return minter.map(Some).map_err(|bad| BadSecret::File(name, bad));
        }
        let minter = jwt_secret.map(|secret| Minter::new(secret, audience));
        minter.transpose().map_err(BadSecret::Secret)
    }
}

/// Whether the text may be the value of a header.
fn is_header(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
