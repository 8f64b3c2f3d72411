//! The signaling core on AWS: API Gateway WebSocket, Lambda and DynamoDB.
//!
//! The story of one message, from a browser to another:
//!
//! 1. API Gateway picks a route and invokes the function `signaling`: [`event`], [`handler`].
//! 2. Who speaks is looked up, in what this instance has seen lately or in the table: [`hints`],
//!    [`table::connections`].
//! 3. The driver of `visio-signaling` parses the message and loads the sender's room:
//!    [`table::rooms`].
//! 4. The room decides; what has changed is stored if nobody was faster.
//! 5. The effects go out through `@connections`: [`outbox`], [`posts`].
//!
//! ```text
//!  API Gateway --> event --> handler --> drive (load, DECIDE, swap, deliver) --> @connections
//!                               |           |                       |
//!                      table::connections  table::rooms     outbox, posts
//! ```
//!
//! Messages of one connection may be handled side by side, by instances that know nothing of each
//! other. What one of them remembers is therefore a hint: nobody is refused on the strength of it,
//! and it lives for two seconds.
//!
//! The function `health` tells the truth about all this: [`health`]. What the two are told when they
//! start is in [`settings`] and [`health::Settings`]; secrets come from elsewhere: [`secrets`].

pub mod aws;
pub mod event;
pub mod handler;
pub mod health;
pub mod hints;
pub mod log;
pub mod outbox;
pub mod posts;
pub mod secrets;
pub mod settings;
pub mod table;
pub mod tls;
