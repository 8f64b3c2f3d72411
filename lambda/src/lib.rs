//! The signaling core on AWS: API Gateway WebSocket, Lambda and DynamoDB.
//!
//! The story of one message, from a browser to another:
//!
//! 1. API Gateway picks a route and invokes the function `signaling`: [`event`], [`handler`].
//! 2. Who speaks is looked up: where this instance has [seen] it, or in the table
//!    ([`table::connections`]). The room says whether that is true: [`speaker`].
//! 3. The driver of `visio-signaling` loads the speaker's room: [`table::rooms`].
//! 4. The room decides; what has changed is stored if nobody was faster.
//! 5. The effects go out through `@connections`: [`management_api`].
//!
//! ```text
//!  API Gateway --> event --> handler --> speaker --> drive (load, DECIDE, swap, deliver)
//!                                           |               |                     |
//!                               seen, table::connections   table::rooms         posts
//! ```
//!
//! Messages of one connection may be handled side by side, by instances that know nothing of each
//! other. So every room is read consistently, for every message, and no instance remembers one.
//!
//! The function `health` tells the truth about all this: [`health`]. What the two are told when they
//! start is in [`settings`] and [`health::Settings`]; secrets come from elsewhere: [`secrets`].

pub mod aws;
pub mod event;
pub mod handler;
pub mod health;
pub mod log;
pub mod management_api;
pub mod secrets;
pub mod seen;
pub mod settings;
pub mod speaker;
pub mod table;
pub mod tls;
