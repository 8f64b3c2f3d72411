//! API Gateway WebSocket, the Lambda Runtime API and DynamoDB in one process, with a bill.
//!
//! [`Gateway::start`] runs the same binaries that are deployed, as Lambda would run them. They run
//! behind an emulated API Gateway and in front of an emulated table. The emulation follows the
//! documentation and published traces of AWS, refusals included. It has two things that AWS lacks:
//! its [`Clock`] can be moved, and its [`Faults`] can be chosen.
//!
//! The path of a message:
//!
//! ```text
//!  client --> front --> dispatch --> function --> a process, which talks to
//!             socket,   route,       pool of          table  (DynamoDB, metered)
//!             limits    event        environments     front  (@connections) --> outbox --> client
//! ```
//!
//! When it starts, a process may also ask for its secrets, which are set in the options.
//!
//! One [`Bill`] counts all usage. [`visit`] plays a visit and says what it costs.
//!
//! Not emulated are authorizers, models, API keys, rate-based throttling, custom domains, TLS and
//! IAM. A signature must be present, but it is not verified.

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
