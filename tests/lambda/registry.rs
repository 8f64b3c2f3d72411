//! The registry in DynamoDB keeps the contract of registries, even when writes land twice.

use std::sync::Arc;

use visio_gateway::Faults;
use visio_lambda::aws;
use visio_lambda::table::Table;
use visio_lambda::table::rooms::Rooms;
use visio_signaling::core::Room;
use visio_signaling::ports::{Registry, Swap, Unavailable};
use visio_signaling::wire::{FromText, RoomId, RoomSummary, Version};

use super::Lambda;

mod as_it_is {
    use super::{Faults, kept};

    crate::registry_contract!(crate::contract, kept(Faults::default()).await);
}

mod when_writes_land_twice {
    use super::{Faults, kept};

    crate::registry_contract!(crate::contract, {
        kept(Faults { lost_answers: 0.01, ..Faults::default() }).await
    });
}

/// The registry, and the gateway whose table it uses.
struct Kept {
    rooms: Rooms,
    table: Table,
    _lambda: Lambda,
}

async fn kept(faults: Faults) -> Kept {
    let lambda = Lambda::with(faults).await;
    let url = lambda.gateway.table_url();
    let variable = |name: &str| {
        Some(if name.starts_with("AWS_ENDPOINT") { url.clone() } else { "test".into() })
    };
    let client = aws_sdk_dynamodb::Client::new(&aws::config(variable).unwrap());
    let table = Table::new(client, lambda.gateway.table().to_owned());
    Kept { rooms: Rooms::new(table.clone()), table, _lambda: lambda }
}

impl Registry for Kept {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        self.rooms.load(room).await
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        self.rooms.swap(seen, next).await
    }

    async fn rooms(&self, limit: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        self.rooms.rooms(limit).await
    }
}

#[tokio::test]
async fn what_another_instance_stored_is_seen_at_once() {
    let one = kept(Faults { stale_reads: 1.0, ..Faults::default() }).await;
    let other = Rooms::new(one.table.clone());
    let id = RoomId::fallback();
    let before = one.load(&id).await.unwrap();
    let next = crate::contract::with_one_more(&before);
    assert_eq!(other.swap(before.version(), next.clone()).await.unwrap(), Swap::Done);
    assert_eq!(*one.load(&id).await.unwrap(), next);
}

/// The room that was read to find a message's sender serves for one load, and for no other room.
#[tokio::test]
async fn a_room_is_read_again_even_if_it_was_just_read() {
    let kept = kept(Faults::default()).await;
    let id = RoomId::fallback();
    let before = kept.load(&id).await.unwrap();
    let next = crate::contract::with_one_more(&before);
    kept.swap(before.version(), next.clone()).await.unwrap();
    let rooms = kept.rooms.beginning_with(Some(Arc::clone(&before)));
    assert_eq!(*rooms.load(&id).await.unwrap(), *before);
    assert_eq!(*rooms.load(&id).await.unwrap(), next);
    let rooms = kept.rooms.beginning_with(Some(before));
    let other = RoomId::parse("other").unwrap();
    assert_eq!(rooms.load(&other).await.unwrap().id(), &other);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_unavailable() {
    let throttled = kept(Faults { throttled_table: 1.0, ..Faults::default() }).await;
    let error = throttled.load(&RoomId::fallback()).await.unwrap_err();
    let text = visio_lambda::log::chain(&error);
    assert!(text.ends_with("DynamoDB: ProvisionedThroughputExceededException"), "{text}");
}
