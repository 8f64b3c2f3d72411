//! The signaling core on AWS: API Gateway WebSocket, Lambda and DynamoDB.
//!
//! The path of one message, from one browser to another:
//!
//! 1. API Gateway picks a route and invokes the function `signaling`: [`event`], [`handler`].
//! 2. The function looks up the sender's seat, in what this instance has [seen] or in the table
//!    ([`table::connections`]). The room confirms the seat: [`speaker`].
//! 3. The driver of `visio-signaling` loads the sender's room: [`table::rooms`].
//! 4. The room decides. A changed room is stored, unless another write came first.
//! 5. The effects go out through `@connections`: [`management_api`].
//!
//! ```text
//!  API Gateway --> event --> handler --> speaker --> drive (load, DECIDE, swap, deliver)
//!                                           |               |                     |
//!                               seen, table::connections   table::rooms         posts
//! ```
//!
//! Messages of one connection may be handled concurrently, by instances that know nothing of each
//! other. So every message reads its room with a consistent read, and no instance caches rooms.
//!
//! The function [`health`] reports whether all this works. The settings of the two functions are in
//! [`settings`] and [`health::Settings`]. Secrets come from Secrets Manager: [`secrets`].

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
