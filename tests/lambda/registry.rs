//! The registry in DynamoDB keeps the contract of registries, also when writes land twice.

use std::sync::Arc;

use visio_gateway::Faults;
use visio_lambda::aws;
use visio_lambda::table::Table;
use visio_lambda::table::rooms::Rooms;
use visio_signaling::core::Room;
use visio_signaling::ports::{Loaded, Reading, Registry, Swap, Unavailable};
use visio_signaling::wire::{RoomId, RoomSummary, Version};

use super::Lambda;

mod as_it_is {
    use super::kept;

    crate::registry_contract!(crate::contract, kept(super::Faults::default()).await);
}

mod when_writes_land_twice {
    use super::{Faults, kept};

    const LOST: Faults = Faults { lost_answers: 0.05, ..super::NONE };
    crate::registry_contract!(crate::contract, kept(LOST).await);
}

#[tokio::test]
async fn a_copy_is_a_hint_for_two_seconds_and_the_latest_never_is() {
    let one = kept(Faults::default()).await;
    let other = Rooms::new(one.table.clone());
    let id = visio_signaling::wire::RoomId::fallback();
    let before = one.load(&id, Reading::Copy).await.unwrap();
    assert!(!before.latest);
    let next = crate::contract::with_one_more(&before.room);
    assert_eq!(other.swap(before.room.version(), next.clone()).await.unwrap(), Swap::Done);
    assert_eq!(one.load(&id, Reading::Copy).await.unwrap(), before);
    let latest = one.load(&id, Reading::Latest).await.unwrap();
    assert_eq!((&*latest.room, latest.latest), (&next, true));
    assert_eq!(*one.load(&id, Reading::Copy).await.unwrap().room, next);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_unavailable() {
    let throttled = kept(Faults { throttled_table: 1.0, ..Faults::default() }).await;
    let error = throttled.load(&RoomId::fallback(), Reading::Copy).await.unwrap_err();
    let text = visio_lambda::log::chain(&error);
    assert!(text.ends_with("DynamoDB: ProvisionedThroughputExceededException"), "{text}");
}
