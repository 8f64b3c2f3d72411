//! What is written down of a visit: who came and went as what, and by whose word. Ids, roles,
//! times and reasons from a list; no name, no text of a person, no address.

use serde::{Serialize, Serializer};

use super::{Effect, LeaveReason, Room};
use crate::wire::{PeerId, Role, RoomId, Timestamp};

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// What happened.
    pub event: &'static str,
    /// In which visit.
    pub room_id: RoomId,
    /// To whom; nobody where it concerns the whole visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<PeerId>,
    /// As what it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// By whose word; nobody's where it was the clock's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<PeerId>,
    /// Why a seat ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<LeaveReason>,
    /// How long the seat was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// What there is to tell.
pub(super) enum Happened<'a> {
    Joined,
    Waiting,
    Admitted { by: &'a PeerId },
    Denied { by: &'a PeerId },
    SentBack { by: &'a PeerId },
    Removed { by: &'a PeerId, since: Option<Timestamp> },
    Away,
    Resumed,
    Left { reason: LeaveReason, since: Timestamp },
    Ended { by: Option<&'a PeerId> },
}

impl AuditEvent {
    /// Something that happened to a peer. `room` is one in which it has its seat, if it ever had.
    pub(super) fn new(room: &Room, peer: &PeerId, what: Happened<'_>, at: Timestamp) -> Self {
        let waiting = room.waiting_peer(peer).map_or(Role::Guest, |waiting| waiting.role);
        let role = room.seat(peer).map_or(waiting, |seat| seat.role);
        Self { peer_id: Some(peer.clone()), role: Some(role), ..Self::of_room(room, what, at) }
    }

    /// Something that happened to a visit.
    pub(super) fn of_room(room: &Room, what: Happened<'_>, at: Timestamp) -> Self {
        let (event, by, reason, since) = match what {
            Happened::Joined => ("joined", None, None, None),
            Happened::Waiting => ("waiting", None, None, None),
            Happened::Admitted { by } => ("admitted", Some(by), None, None),
            Happened::Denied { by } => ("denied", Some(by), None, None),
            Happened::SentBack { by } => ("sent_back", Some(by), None, None),
            Happened::Removed { by, since } => ("removed", Some(by), None, since),
            Happened::Away => ("away", None, None, None),
            Happened::Resumed => ("resumed", None, None, None),
            Happened::Left { reason, since } => ("left", None, Some(reason), Some(since)),
            Happened::Ended { by } => ("ended", by, None, None),
        };
        Self {
            at,
            event,
            room_id: room.id().clone(),
            peer_id: None,
            role: None,
            by: by.cloned(),
            reason,
            duration_ms: since.map(|since| at.0.saturating_sub(since.0)),
        }
    }
}

impl From<AuditEvent> for Effect {
    fn from(event: AuditEvent) -> Self {
        Self::Record(event)
    }
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.rfc3339())
}
