//! The flags of `visio doctor`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Doctor;
use super::finding::Step;
use super::pass::Passes;
use crate::reach::{BadWay, Minter, WayFlags};
use crate::redact::Redacted;
use crate::server::config::redacted;
use crate::token::BadKey;

/// Find out why a visit does not work.
///
/// Goes the way of a browser, from the name to a message between two peers, and says at the first
/// step that fails what is wrong and what to do. Exits with 0 if everything works, or works with
/// warnings; 2 for an invalid command line; else the code of the step: 10 name, 11 tcp, 12 tls,
/// 13 upgrade, 14 join, 15 relay, 16 latency, 17 ice.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub struct DoctorFlags {
    #[command(flatten)]
    way: WayFlags,

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
    /// The way to the server.
    #[error(transparent)]
    Way(#[from] BadWay),
    /// The secret.
    #[error("--jwt-secret: {0}")]
    Secret(BadKey),
}

impl DoctorFlags {
    /// Reads the files that the flags name.
    pub fn resolve(self) -> Result<Doctor, FlagError> {
        let way = self.way.resolve()?;
        let tokens = if self.token.is_empty() {
            way.target.token.clone().into_iter().collect()
        } else {
            self.token
        };
        let passes = match (tokens.is_empty(), self.jwt_secret) {
            (true, Some(secret)) => {
                let minter = Minter::new(secret, self.jwt_audience).map_err(FlagError::Secret)?;
                Passes::minted(minter)
            }
            (true, None) => Passes::none(),
            (false, _) => Passes::given(tokens),
        };
        Ok(Doctor { way, passes, until: self.until })
    }
}
