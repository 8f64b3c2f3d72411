//! What can go wrong, by name. Over all seeds everything here must have happened.

use std::collections::BTreeMap;

/// One thing that went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Somebody else stored the room first.
    SwapRaced,
    /// A client gave up before it had the answer to its join.
    AnswerLost,
    /// The server heard of a dead connection some time later.
    LossNoticedLate,
    /// The end of a connection was told more than once.
    LossNoticedTwice,
    /// The server heard of a dead connection only when all was over.
    LossNeverNoticed,
    /// A client came back while the server took its old connection for alive.
    ResumedBeforeLossNoticed,
    /// A client came back with the same token again.
    TokenUsedAgain,
    /// The same token resumed a seat again.
    ResumedWithTokenBefore,
    /// A queue was full.
    InboxOverflow,
    /// A seat that was away ended.
    PastGrace,
    /// A connection was detached in the middle of handling a frame.
    DetachedWhileHandling,
    /// A new page took the seat of the old one.
    PageReplaced,
    /// Frames were taken from the queue and never written.
    NotWritten,
    /// Frames were written and never received.
    NotReceived,
    /// Frames of a client were lost on their way to the server.
    NotTaken,
    /// A client that resumed sent again what had not been taken.
    SentAgain,
    /// A client came in time, and had missed too much.
    MissedTooMuch,
    /// A client came after its seat had ended.
    CameTooLate,
    /// More was written than is kept without proof.
    ProofForgotten,
    /// Something for a newcomer was posted before its `joined`.
    OvertookJoined,
    /// A message was refused because its receiver was away.
    RefusedWhileAway,
    /// What waited for a peer was dropped, and its sender was told.
    ToldOfGone,
    /// Its sender could not be told at once, because it had just lost its connection.
    GoneNotTold,
    /// All seats were taken.
    RoomFull,
    /// Somebody showed a token that was never made.
    Forged,
    /// Somebody showed the resume token of another peer.
    Stolen,
    /// A peer moved to another room.
    Moved,
    /// A peer wanted to move to a room that was full.
    MovedNowhere,
    /// News of a room reached a peer that had moved on, or did not know yet that it was there.
    NewsOfAnotherRoom,
    /// A host let a guest in.
    Admitted,
    /// A host wanted to let a guest in, and the room was full.
    AdmittedNobody,
    /// A host turned a guest away.
    Denied,
    /// A host sent a peer back to the lobby.
    SentBack,
    /// A host removed a peer.
    Removed,
    /// A guest in the lobby lost its connection, came back, and had waited all the while.
    PlaceKept,
    /// A guest in the lobby spoke to the room.
    SpokeFromTheLobby,
    /// A visit token ended, and a seat with it.
    Expired,
    /// A join came with a token that was not good, or no longer.
    Unauthorized,
    /// A guest heard that it waits after it was admitted, or the other way round.
    NewsOvertaken,
    /// A client lost its seat to a connection that it had given up.
    OutdoneByItself,
    /// A newer token was shown for a seat.
    Renewed,
    /// The token of another peer was shown for a seat.
    RenewedByAnother,
}

impl Fault {
    /// Those that only an outbox which counts can meet.
    pub const OF_COUNTING: [Self; 14] = [
        Self::NewsOfAnotherRoom,
        Self::GoneNotTold,
        Self::ResumedWithTokenBefore,
        Self::InboxOverflow,
        Self::DetachedWhileHandling,
        Self::NotWritten,
        Self::SentAgain,
        Self::MissedTooMuch,
        Self::ProofForgotten,
        Self::OvertookJoined,
        Self::ToldOfGone,
        Self::NotReceived,
        Self::NotTaken,
        Self::ResumedBeforeLossNoticed,
    ];
    /// Those that any outbox can meet.
    pub const OF_ALL: [Self; 28] = [
        Self::OutdoneByItself,
        Self::NewsOvertaken,
        Self::MovedNowhere,
        Self::Stolen,
        Self::Moved,
        Self::Admitted,
        Self::AdmittedNobody,
        Self::Denied,
        Self::SentBack,
        Self::Removed,
        Self::PlaceKept,
        Self::SpokeFromTheLobby,
        Self::Expired,
        Self::Unauthorized,
        Self::Renewed,
        Self::RenewedByAnother,
        Self::SwapRaced,
        Self::AnswerLost,
        Self::LossNoticedLate,
        Self::LossNoticedTwice,
        Self::LossNeverNoticed,
        Self::TokenUsedAgain,
        Self::PastGrace,
        Self::CameTooLate,
        Self::PageReplaced,
        Self::RefusedWhileAway,
        Self::RoomFull,
        Self::Forged,
    ];
}

/// How often each of them happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    pub fn note(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }

    pub fn times(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or_default()
    }
}
