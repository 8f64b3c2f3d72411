//! What is wrong with the settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{KeyError, PageError};
use crate::ice::WrongIce;
use crate::server::tls::TlsError;

/// An invalid setting, or one that contradicts another.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// An invalid key for visit tokens.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A wrong setting of STUN or TURN.
    #[error("--{}{}: expected {}", .0.setting, shown(.0.value.as_deref()), .0.expected)]
    Ice(WrongIce),
    /// An audit file that cannot be opened for writing.
    #[error("--audit {0}: expected a file that the server can append to: {1}")]
    Audit(PathBuf, String),
    /// An invalid certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An invalid setting of the page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A name that does not resolve to an address.
    #[error("--listen {0}: expected an address, or a name that resolves to an address: {1}")]
    Nowhere(String, String),
    /// Open mode on an address that other machines can reach.
    #[error(
        "--listen {0}: refusing to listen on {1} in open mode: without visit tokens, anybody who \
         can reach this address can join any visit. Do one of three things: listen on a loopback \
         address, such as --listen 127.0.0.1:8080; or require visit tokens, with --jwt-secret, \
         --jwt-public-key or --jwks; or let anybody join, with --open (VISIO_OPEN=true)"
    )]
    OpenToThePublic(String, SocketAddr),
    /// An invalid origin.
    #[error(
        "--allowed-origin {0:?}: expected a scheme and a host with nothing after them, such as \
         https://clinic.example or http://localhost:3000"
    )]
    NotAnOrigin(String),
    /// An empty list of origins.
    #[error(
        "--allowed-origin (VISIO_ALLOWED_ORIGIN) is set but empty: list the origins whose pages \
         may connect, or do not set it if pages from any origin may connect"
    )]
    NoOrigin,
}

/// A value in a message about it.
fn shown(value: Option<&str>) -> String {
    value.map(|value| format!(" {value:?}")).unwrap_or_default()
}
