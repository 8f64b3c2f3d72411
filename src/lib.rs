//! A WebRTC signaling server for video visits: one core, two runtimes.
//!
//! The path of one message, from one browser to another:
//!
//! 1. A session reads a text frame from its socket: `server`.
//! 2. The session parses the frame into a message, once: [`wire`].
//! 3. [`drive`] loads the room in which the sender has its seat, through a port: [`ports`].
//! 4. The room decides what the message means, and changes nothing itself: [`core`].
//! 5. If the decision holds a new room, [`drive`] stores it. If another write came first, the room
//!    is loaded again and decides again.
//! 6. The effects go through another port, into the mailboxes of the receivers.
//! 7. The same task writes each mailbox to its socket, in one call. What a socket does not take is
//!    left to the session of the receiver.
//!
//! ```text
//!  socket --> frame --> message --> event --> DECIDE --> effects --> sockets
//!  server     wire      wire        core      core       drive       server
//!
//!  main -> { doctor, load } -> reach -> server -> { drive, health_check }
//!       -> { ports, token, ice, health } -> core -> wire -> redact
//!  (everything depends only on what is to its right; `origin` stands alone; of the server, doctor,
//!  load and reach use only how flags and certificates are read)
//! ```
//!
//! [`drive`], and the modules to the right of it in the picture, use no tokio, clock, randomness or
//! sockets. So they can run where there are none. The feature `server`, on by default, adds
//! `server`; `doctor`, which finds out from outside why a visit does not work; and `load`, which
//! finds out how many visits a server can hold. For other runtimes, the feature `token` adds the
//! keys of visit tokens to [`token`], and `visit` adds [`health_check`].

pub mod core;
#[cfg(feature = "server")]
pub mod doctor;
pub mod drive;
pub mod health;
#[cfg(any(feature = "token", feature = "visit"))]
pub mod health_check;
pub mod ice;
#[cfg(feature = "server")]
pub mod load;
pub mod origin;
pub mod ports;
#[cfg(feature = "server")]
mod reach;
pub mod redact;
#[cfg(feature = "server")]
pub mod server;
pub mod token;
pub mod wire;
