//! API Gateway WebSocket, the Lambda Runtime API and DynamoDB in one process, with a bill.
//!
//! [`Gateway::start`] runs the very binaries that are deployed, as Lambda would run them, behind
//! what their clients would see of API Gateway, in front of a table. It imitates what the
//! documentation and published traces of AWS say, refusals included. Two things real ones lack: its
//! [`Clock`] can be moved, and its [`Faults`] can be chosen.
//!
//! The way of a message:
//!
//! ```text
//!  client --> front --> dispatch --> function --> a process, which talks to
//!             socket,   route,       pool of          table  (DynamoDB, metered)
//!             limits    event        environments     front  (@connections) --> outbox --> client
//! ```
//!
//! As it starts, a process may also ask for its secrets, which are those of the options.
//!
//! All of it is counted by one [`Bill`]. [`visit`] plays a visit and says what it costs.
//!
//! Not here: authorizers, models, API keys, throttling by rate, custom domains, TLS, IAM. A signature is
//! looked at, not verified.

mod base64;
mod bill;
mod clock;
mod event;
mod faults;
mod front;
mod function;
mod gateway;
mod ids;
mod listen;
mod options;
pub mod page;
mod route;
mod secrets;
mod site;
mod table;
mod tasks;
pub mod visit;

pub use bill::Bill;
pub use clock::Clock;
pub use faults::Faults;
pub use gateway::{Gateway, StartError};
pub use options::{Integration, Options};
