//! A WebRTC signaling server for video visits: one core, two runtimes.
//!
//! The story of one message, from a browser to another:
//!
//! 1. A socket gives a frame of text to its session: `server`.
//! 2. The session parses it into a message, once: [`wire`].
//! 3. [`drive`] loads the room that the sender sits in, through a port: [`ports`].
//! 4. The room decides what the message means, and changes nothing itself: [`core`].
//! 5. If the decision holds a new room, [`drive`] stores it, unless somebody was faster; then the
//!    room is loaded, and decides, again.
//! 6. The effects go out through another port, into the mailboxes of those concerned.
//! 7. Their sessions write what waits to their sockets, in one flush.
//!
//! ```text
//!  socket --> frame --> message --> event --> DECIDE --> effects --> sockets
//!  server     wire      wire        core      core       drive       server
//!
//!  main -> server -> { drive, health_check } -> { ports, token, health } -> core -> wire -> redact
//!  (everything depends only on what is to its right; `origin` stands alone)
//! ```
//!
//! The modules in the picture to the right of `drive` know no tokio, clock, randomness or socket,
//! and neither does [`drive`], so that they can run where there is none of these. The feature
//! `server`, on by default, adds `server`. For a runtime that is not this server, the feature
//! `token` adds the keys of visit tokens to [`token`], and `visit` adds [`health_check`].

pub mod core;
pub mod drive;
pub mod health;
#[cfg(any(feature = "token", feature = "visit"))]
pub mod health_check;
pub mod origin;
pub mod ports;
pub mod redact;
#[cfg(feature = "server")]
pub mod server;
pub mod token;
pub mod wire;
