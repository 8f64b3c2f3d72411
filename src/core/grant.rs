//! What a visit token says, once it was verified.

use crate::wire::{DisplayName, PeerId, Role, RoomId, Timestamp};

/// Who may come to which visit, as what, and until when. Where there is one, it decides: what a
/// client says of itself may repeat it, not contradict it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whom it was made for: the peer id.
    pub subject: PeerId,
    /// The visit.
    pub room: RoomId,
    /// What it may do there.
    pub role: Role,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// Whether a host must admit it. Means something for a guest alone.
    pub lobby: bool,
    /// How many seats the room has, in place of what the operator decided.
    pub capacity: Option<usize>,
    /// When it ends, and with it the seat.
    pub expires_at: Timestamp,
    /// When the visit ends, for everybody.
    pub visit_end: Option<Timestamp>,
}

impl Grant {
    /// When the seat ends: with the token, or with the visit if that is sooner.
    pub fn ends_at(&self) -> Timestamp {
        self.visit_end.map_or(self.expires_at, |end| end.min(self.expires_at))
    }
}
