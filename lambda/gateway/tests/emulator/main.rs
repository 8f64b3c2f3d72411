//! The emulator against what is known of AWS: one test a fact.
//!
//! The function behind it is `examples/echo_function.rs`, which does what messages tell it to. A test
//! waits for what it expects; that nothing comes, it proves with an `echo` that comes next.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod environments;
mod faults;
mod handshake;
mod management;
mod messages;
mod meter;
mod support;
mod table;
mod time;
mod url;
