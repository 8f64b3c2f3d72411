//! The flags of `visio doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, value_parser};

use super::Doctor;
use super::finding::Step;
use super::pass::Passes;
use super::target::Target;
use super::trust::{BadRoots, Trust};
use crate::redact::Redacted;
use crate::server::config::redacted;
use crate::token::{BadKey, Keys};

/// Find out why a visit does not work.
///
/// Goes the way of a browser, from the name to a message between two peers, and says at the first
/// step that fails what is wrong and what to do. Exits with 0 if everything works, or works with
/// warnings; 2 for an invalid command line; else the code of the step: 10 name, 11 tcp, 12 tls,
/// 13 upgrade, 14 join, 15 relay, 16 latency, 17 ice.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub struct DoctorFlags {
    /// URL of the signaling server or of its page: ws, wss, http or https
    #[arg(value_name = "URL")]
    target: Target,

    /// Visit token to join with; give two, of different peers in the same room, to test the relay.
    /// Use tokens made for this: whoever else has joined as this peer is replaced
    #[arg(long, env = "VISIO_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    #[arg(value_parser = redacted, value_delimiter = ',')]
    token: Vec<Redacted<String>>,

    /// Secret of the server's visit tokens, to make two for a room of the doctor's own
    #[arg(long, env = "VISIO_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[arg(value_parser = redacted)]
    jwt_secret: Option<Redacted<String>>,

    /// Audience (`aud`) of the tokens that the doctor makes
    #[arg(long, env = "VISIO_JWT_AUDIENCE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,

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

    /// Last step to take
    #[arg(long, value_name = "STEP", value_enum, default_value = "ice")]
    until: Step,

    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Why the doctor cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// The file of `--ca`.
    #[error("--ca {0}")]
    Roots(#[from] BadRoots),
    /// The secret.
    #[error("--jwt-secret: {0}")]
    Secret(BadKey),
    /// The origin.
    #[error("--origin {0:?}: expected an origin, such as https://clinic.example")]
    Origin(String),
}

impl DoctorFlags {
    /// Reads the files that the flags name.
    pub fn resolve(self) -> Result<Doctor, FlagError> {
        let trust = self.ca.map_or_else(|| Ok(Trust::of_machine()), |file| Trust::only(&file))?;
        if let Some(origin) = self.origin.as_ref().filter(|it| !is_header(it)) {
            return Err(FlagError::Origin(origin.clone()));
        }
        let tokens = if self.token.is_empty() {
            self.target.token.clone().into_iter().collect()
        } else {
            self.token
        };
        let passes = match (tokens.is_empty(), self.jwt_secret) {
            (true, Some(secret)) => {
                Keys::from_secret(secret.expose()).map_err(FlagError::Secret)?;
                Passes::minted(secret, self.jwt_audience)
            }
            (true, None) => Passes::none(),
            (false, _) => Passes::given(tokens),
        };
        let patience = Duration::from_secs(self.timeout_seconds);
        let target = self.target;
        Ok(Doctor { target, trust, passes, origin: self.origin, patience, until: self.until })
    }
}

/// Whether the text may be the value of a header.
fn is_header(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
