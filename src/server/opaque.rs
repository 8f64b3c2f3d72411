//! Names for visits in the log, so that its lines can be put together and tell nothing else.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use crate::wire::RoomId;

/// Different in each process, so that a name cannot be traced back to a room id by trying.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A name of a visit that is the same for as long as this process runs, and means nothing
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opaque(u64);

impl Opaque {
    pub(super) fn of(room: &RoomId) -> Self {
        Self(KEY.hash_one(room))
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;

    #[test]
    fn a_visit_has_one_name_and_no_other_visit_has_it() {
        let name = |room| Opaque::of(&RoomId::parse(room).unwrap()).to_string();
        assert_eq!(name("visit-42"), name("visit-42"));
        assert_ne!(name("visit-42"), name("visit-43"));
    }
}
