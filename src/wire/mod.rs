//! TEXT <-> MESSAGES: the protocol with the clients, and nothing else.
//!
//! A frame is one JSON object with a `type`. [`Incoming::parse`] turns the text of a frame into a
//! [`ClientMessage`], [`ServerMessage::encode`] turns an answer into text, and
//! `docs/protocol.md` says in words what both mean.
//!
//! The server does not interpret the messages it relays. It reads only the [`Envelope`] of an
//! offer, an answer or an ICE candidate, and splices `from` into the bytes as received. All other
//! messages are parsed once, into types that cannot hold an invalid value.
//!
//! This module is pure. It knows no sockets, no clock, no randomness and nothing about the core.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod client;
mod code;
mod envelope;
mod field;
mod host;
mod ice;
mod query;
mod resume;
mod scan;
mod server;
mod time;
mod value;

pub use client::{ClientMessage, Incoming, Join, Recipient, Signal};
pub use code::{CloseCode, Code};
pub use envelope::{Envelope, Stamp, Unstamped};
pub use host::HostMessage;
pub use ice::{IceConfiguration, IceServer, IceUrl, Transport, TurnCredentials};
pub use query::JoinDefaults;
pub use resume::{ResumeSecret, ResumeToken};
pub use server::{
    BootstrapPeer, Knocker, LeaveReason, PeerInfo, Rejection, RoomSummary, ServerMessage,
};
pub use time::Timestamp;
pub use value::{
    DisplayName, FromText, Metadata, PeerId, Reason, RequestId, Role, RoomId, Token, Version,
};
