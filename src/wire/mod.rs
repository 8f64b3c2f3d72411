//! TEXT <-> MESSAGES: the contract with the clients, and nothing else.
//!
//! A frame is one JSON object with a `type`. [`Incoming::parse`] turns the text of a frame into a
//! [`ClientMessage`], [`ServerMessage::encode`] turns an answer into text, and
//! `docs/protocol.md` says in words what both mean.
//!
//! What is relayed is never understood: of an offer, an answer or an ICE candidate only the
//! [`Envelope`] is read, and `from` is spliced into the bytes as they came. Everything else is
//! parsed once into a type that cannot be wrong.
//!
//! This module is pure. It knows no socket, no clock, no randomness and nothing of the core.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod client;
mod code;
mod envelope;
mod host;
mod query;
mod server;
mod value;

pub use client::{ClientMessage, Incoming, Join, Recipient, Signal};
pub use code::{CloseCode, Code};
pub use envelope::{Envelope, Stamp};
pub use host::HostMessage;
pub use query::JoinDefaults;
pub use server::{
    BootstrapPeer, Knocker, LeaveReason, PeerInfo, Rejection, RoomSummary, ServerMessage,
};
pub use value::{
    DisplayName, FromText, Metadata, PeerId, Reason, RequestId, Role, RoomId, Timestamp, Token,
    Version,
};
