//! How much may wait for one client, and how much one client may send at once.

/// The smallest size of the queue for one client, in bytes.
pub(super) const QUEUE_BYTES: usize = 512 * 1024;

/// The bytes that may wait for one client of a room with so many seats, so that the updates of a
/// room that fills up at once fit. Each update carries the metadata of every peer.
pub(in crate::server) const fn queue_bytes(seats: usize) -> usize {
    seats * 32 * 1024
}

/// Half of the queue for one client. So a single burst from one peer cannot fill another's queue,
/// which would close the receiver as a slow consumer. The sender reaches its own limit first. The
/// burst allows 16 KiB for every seat, which is an offer with all its candidates.
pub(super) fn byte_burst(queue_bytes: usize) -> u32 {
    u32::try_from(queue_bytes / 2).unwrap_or(u32::MAX)
}
