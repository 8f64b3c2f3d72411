//! The contract of registries, as functions over any of them, and the one in memory.

use std::sync::Arc;

use visio_signaling::core::{Event, JoinRequest, Room, Rules, Session};
use visio_signaling::memory::MemoryRegistry;
use visio_signaling::ports::{Registry, Swap};
use visio_signaling::wire::{Timestamp, Version};

use super::{room_id, session};

#[tokio::test]
async fn in_memory_an_unknown_room_is_empty() {
    an_unknown_room_is_empty(&MemoryRegistry::default()).await;
}

#[tokio::test]
async fn in_memory_what_was_stored_is_loaded() {
    what_was_stored_is_loaded(&MemoryRegistry::default()).await;
}

#[tokio::test]
async fn in_memory_a_stale_swap_is_raced() {
    a_stale_swap_is_raced(&MemoryRegistry::default()).await;
}

#[tokio::test]
async fn in_memory_versions_never_run_backwards() {
    versions_never_run_backwards(&MemoryRegistry::default()).await;
}

#[tokio::test]
async fn in_memory_only_live_rooms_are_listed() {
    only_live_rooms_are_listed(&MemoryRegistry::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_of_64_writers_one_wins() {
    of_64_writers_one_wins(Arc::new(MemoryRegistry::default())).await;
}

async fn an_unknown_room_is_empty(registry: &impl Registry) {
    let room = registry.load(&room_id("nobody")).await.unwrap();
    assert_eq!((room.id(), room.seats().len()), (&room_id("nobody"), 0));
}

async fn what_was_stored_is_loaded(registry: &impl Registry) {
    let before = registry.load(&room_id("visit")).await.unwrap();
    let next = with(&before, &session("c1", "visit", "ada"));
    assert_eq!(registry.swap(before.version(), next.clone()).await.unwrap(), Swap::Done);
    assert_eq!(*registry.load(&room_id("visit")).await.unwrap(), next);
}

async fn a_stale_swap_is_raced(registry: &impl Registry) {
    let empty = registry.load(&room_id("visit")).await.unwrap();
    let ada = with(&empty, &session("c1", "visit", "ada"));
    let bob = with(&empty, &session("c2", "visit", "bob"));
    assert_eq!(registry.swap(empty.version(), ada.clone()).await.unwrap(), Swap::Done);
    assert_eq!(registry.swap(empty.version(), bob).await.unwrap(), Swap::Raced);
    let both = with(&ada, &session("c2", "visit", "bob"));
    assert_eq!(
        registry.swap(Version(ada.version().0 + 7), both.clone()).await.unwrap(),
        Swap::Raced
    );
    assert_eq!(*registry.load(&room_id("visit")).await.unwrap(), ada);
    assert_eq!(registry.swap(ada.version(), both).await.unwrap(), Swap::Done);
}

/// A room may be forgotten once it is empty, its version may not.
async fn versions_never_run_backwards(registry: &impl Registry) {
    let who = session("c1", "visit", "ada");
    let first = registry.load(&who.room).await.unwrap();
    let mut seen = first.version();
    for _ in 0..3 {
        for event in [Event::Join(JoinRequest::default()), Event::Leave] {
            let room = registry.load(&who.room).await.unwrap();
            assert!(room.version() >= seen);
            let next = decided(&room, &who, &event);
            seen = next.version();
            assert_eq!(registry.swap(room.version(), next).await.unwrap(), Swap::Done);
        }
    }
    // Whoever looked before all that is too late, though the room is empty again.
    let stale = with(&first, &session("c2", "visit", "bob"));
    assert_eq!(registry.swap(first.version(), stale).await.unwrap(), Swap::Raced);
}

async fn only_live_rooms_are_listed(registry: &impl Registry) {
    for name in ["a", "b", "c"] {
        let room = registry.load(&room_id(name)).await.unwrap();
        let next = with(&room, &session(name, name, "ada"));
        registry.swap(room.version(), next).await.unwrap();
    }
    let a = registry.load(&room_id("a")).await.unwrap();
    let next = decided(&a, &session("a", "a", "ada"), &Event::Leave);
    registry.swap(a.version(), next).await.unwrap();
    let Some(rooms) = registry.rooms(10).await.unwrap() else { return };
    let mut listed: Vec<_> =
        rooms.iter().map(|room| (room.room_id.as_str(), room.peer_count)).collect();
    listed.sort_unstable();
    assert_eq!(listed, [("b", 1), ("c", 1)]);
    assert_eq!(registry.rooms(1).await.unwrap().map(|rooms| rooms.len()), Some(1));
}

async fn of_64_writers_one_wins<R: Registry>(registry: Arc<R>) {
    for round in 0..20 {
        let room = registry.load(&room_id("visit")).await.unwrap();
        let writers = (0..64).map(|nth| {
            let (registry, room) = (Arc::clone(&registry), Arc::clone(&room));
            let who = session(&format!("c{round}-{nth}"), "visit", &format!("p{round}-{nth}"));
            tokio::spawn(
                async move { registry.swap(room.version(), with(&room, &who)).await.unwrap() },
            )
        });
        let mut won = 0;
        for writer in writers.collect::<Vec<_>>() {
            won += usize::from(writer.await.unwrap() == Swap::Done);
        }
        assert_eq!(won, 1);
        let stored = registry.load(&room_id("visit")).await.unwrap();
        assert_eq!(stored.seats().len(), room.seats().len() + 1);
    }
}

fn with(room: &Room, who: &Session) -> Room {
    decided(room, who, &Event::Join(JoinRequest::default()))
}

fn decided(room: &Room, who: &Session, event: &Event<'_>) -> Room {
    let rules = Rules { max_peers_per_room: 256, ..Rules::default() };
    room.decide(who, event, Timestamp(1), &rules).next.expect("a change")
}
