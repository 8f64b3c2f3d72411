//! Messages from a host: admit, deny or hold guests, remove peers, and end the visit.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{optional, raw, required, unreadable};
use super::{PeerId, Reason, Rejection};

/// A message that only a host may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostMessage {
    /// `admit`: admit a guest who waits in the lobby.
    Admit(PeerId),
    /// `deny`: turn away a guest who waits in the lobby.
    Deny(PeerId, Option<Reason>),
    /// `hold`: tell a guest who waits in the lobby that it was seen.
    Hold(PeerId, Option<Reason>),
    /// `to_lobby`: send a peer back to the lobby.
    ToLobby(PeerId),
    /// `remove`: end a peer's seat, and keep it out for as long as its token lasts.
    Remove(PeerId, Option<Reason>),
    /// `end_visit`: end the visit for everybody.
    EndVisit(Option<Reason>),
}

impl HostMessage {
    /// The peer that the message names.
    pub const fn peer(&self) -> Option<&PeerId> {
        match self {
            Self::Admit(peer)
            | Self::Deny(peer, _)
            | Self::Hold(peer, _)
            | Self::ToLobby(peer)
            | Self::Remove(peer, _) => Some(peer),
            Self::EndVisit(_) => None,
        }
    }

    /// The message's type.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Admit(_) => "admit",
            Self::Deny(..) => "deny",
            Self::Hold(..) => "hold",
            Self::ToLobby(_) => "to_lobby",
            Self::Remove(..) => "remove",
            Self::EndVisit(_) => "end_visit",
        }
    }

    pub(super) fn parse(kind: &str, text: &str) -> Result<Self, Rejection> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(borrow)]
            peer_id: Option<&'a RawValue>,
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
            #[serde(borrow)]
            message: Option<&'a RawValue>,
        }
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let reason = optional("reason", raw(fields.reason))?;
        if kind == "end_visit" {
            return Ok(Self::EndVisit(reason));
        }
        let peer = required("peerId", raw(fields.peer_id))?;
        if kind == "hold" {
            return Ok(Self::Hold(peer, optional("message", raw(fields.message))?));
        }
        Ok(match kind {
            "admit" => Self::Admit(peer),
            "deny" => Self::Deny(peer, reason),
            "to_lobby" => Self::ToLobby(peer),
            _ => Self::Remove(peer, reason),
        })
    }
}
