//! DECISIONS: what an event means for a room.
//!
//! ```text
//!   who speaks      what happened      one room, as last stored
//!   [`Claim`]  +  [`Event`]       +  [`Room`]  + now + [`Rules`]
//!                            |
//!                      Room::decide
//!                            |
//!            [`Decision`]: the next room, and effects in order
//! ```
//!
//! Everything that must hold under races is decided here, once, for both runtimes: who may speak,
//! who offers, capacity, takeover. The unit of consistency is one room. Whoever carries a decision
//! out stores the next room only if nobody else did meanwhile, and asks again if somebody did; so
//! every event must make sense a second time.
//!
//! Nothing in here sends, stores, reads a clock, rolls dice or logs. A client's mistake is an
//! effect, a message back to it; there is no `Err`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod audit;
mod claim;
mod decide;
mod effect;
mod event;
mod grant;
mod key;
mod known;
mod lobby;
mod presence;
mod room;
mod rules;
mod seat;

pub use crate::wire::LeaveReason;
pub use claim::{Claim, Connection, ConnectionId};
pub use effect::{Decision, Effect, Standing};
pub use event::{Event, JoinRequest, Resume, Said};
pub use grant::{Grant, LEEWAY};
pub use key::{Key, Keys};
pub use presence::{Away, Frame, Presence, Receipt, Unread, UnreadBounds};
pub use room::Room;
pub use rules::Rules;
pub use seat::Seat;
