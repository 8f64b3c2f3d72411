//! x
#[cfg(feature = "server")]
pub mod config;
pub mod core;
pub mod drive;
pub mod health;
#[cfg(feature = "server")]
pub mod memory;
pub mod ports;
pub mod redact;
#[cfg(feature = "server")]
pub mod server;
pub mod wire;
