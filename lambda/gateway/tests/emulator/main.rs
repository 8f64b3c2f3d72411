//! The emulator compared with what is known about AWS: one test for each fact.
//!
//! The function behind it is `examples/echo_function.rs`, which does what messages tell it to. A
//! test waits for what it expects. To prove that nothing came, it sends an `echo` and checks that
//! the answer comes next.
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
