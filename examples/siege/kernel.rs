//! How much of a server's written data the kernel still keeps, according to `/proc/net/tcp`.

use std::fs;

use anyhow::Context;

/// How many bytes were written to sockets of this port and not yet taken by the other side, without
/// the kernel's own bookkeeping.
pub(super) fn unsent(port: u16) -> anyhow::Result<u64> {
    let table = fs::read_to_string("/proc/net/tcp").context("the kernel's table of sockets")?;
    Ok(table.lines().skip(1).filter_map(|line| of_port(line, port)).sum())
}

/// `sl local_address rem_address st tx_queue:rx_queue ...`, all in hexadecimal.
fn of_port(line: &str, port: u16) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(1);
    let (_, local) = fields.next()?.split_once(':')?;
    if u16::from_str_radix(local, 16).ok()? != port {
        return None;
    }
    let (unsent, _) = fields.nth(2)?.split_once(':')?;
    u64::from_str_radix(unsent, 16).ok()
}
