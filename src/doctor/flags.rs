//! The flags of `visio doctor`.

use clap::Args;

use super::Doctor;
use super::finding::Step;
use super::pass::Passes;
use crate::reach::{BadSecret, BadWay, MinterFlags, WayFlags};
use crate::redact::Redacted;
use crate::server::config::redacted;

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

    #[command(flatten)]
    minter: MinterFlags,

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
    #[error(transparent)]
    Secret(#[from] BadSecret),
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
        let passes = if tokens.is_empty() {
            self.minter.resolve()?.map_or_else(Passes::none, Passes::minted)
        } else {
            Passes::given(tokens)
        };
        Ok(Doctor { way, passes, until: self.until })
    }
}
