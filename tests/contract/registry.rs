//! The contract of registries, as functions that take any registry. [`registry_contract!`] turns
//! each into a test of one registry, so no registry can skip one unnoticed.

use std::sync::Arc;

use visio_signaling::core::{Claim, ConnectionId, JoinRequest, Room, Rules, Said};
use visio_signaling::ports::{Registry, Swap};
use visio_signaling::wire::{FromText, PeerId, ResumeSecret, RoomId, Timestamp, Version};

/// A test of every clause, on a registry that the expression makes.
#[macro_export]
macro_rules! registry_contract {
    ($module:path, $registry:expr) => {
        $crate::registry_contract! { @each $module, $registry,
            an_unknown_room_is_empty,
            a_stored_room_is_loaded,
            a_stale_swap_loses_the_race,
            when_two_store_the_same_room_one_wins,
            versions_never_go_backwards,
            only_live_rooms_are_listed,
            of_64_writers_one_wins,
        }
    };
    (@each $module:path, $registry:expr, $($clause:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $clause() {
            use $module as contract;
            contract::$clause($registry).await;
        })+
    };
}

pub async fn an_unknown_room_is_empty(registry: impl Registry) {
    let room = latest(&registry, &room_id("nobody")).await;
    assert_eq!((room.id(), room.seats().len()), (&room_id("nobody"), 0));
}

pub async fn a_stored_room_is_loaded(registry: impl Registry) {
    let before = latest(&registry, &room_id("visit")).await;
    let next = with(&before, &claim("c1", "visit", "ada"));
    assert_eq!(registry.swap(before.version(), next.clone()).await.unwrap(), Swap::Done);
    assert_eq!(*latest(&registry, &room_id("visit")).await, next);
}

pub async fn a_stale_swap_loses_the_race(registry: impl Registry) {
    let empty = latest(&registry, &room_id("visit")).await;
    let ada = with(&empty, &claim("c1", "visit", "ada"));
    let bob = with(&empty, &claim("c2", "visit", "bob"));
    assert_eq!(registry.swap(empty.version(), ada.clone()).await.unwrap(), Swap::Done);
    assert_eq!(registry.swap(empty.version(), bob).await.unwrap(), Swap::Raced);
    let both = with(&ada, &claim("c2", "visit", "bob"));
    assert_eq!(
        registry.swap(Version(ada.version().0 + 7), both.clone()).await.unwrap(),
        Swap::Raced
    );
    assert_eq!(*latest(&registry, &room_id("visit")).await, ada);
    assert_eq!(registry.swap(ada.version(), both).await.unwrap(), Swap::Done);
}

/// The writer that stored the room announces the change to it, and no other may.
pub async fn when_two_store_the_same_room_one_wins(registry: impl Registry) {
    let empty = latest(&registry, &room_id("visit")).await;
    let ada = with(&empty, &claim("c1", "visit", "ada"));
    assert_eq!(registry.swap(empty.version(), ada.clone()).await.unwrap(), Swap::Done);
    assert_eq!(registry.swap(empty.version(), ada).await.unwrap(), Swap::Raced);
}

/// A room may be forgotten once it is empty, but its version may not.
pub async fn versions_never_go_backwards(registry: impl Registry) {
    let who = claim("c1", "visit", "ada");
    let first = latest(&registry, &who.room).await;
    let mut seen = first.version();
    for _ in 0..3 {
        for event in [Said::Join(JoinRequest::new(ResumeSecret::new("s"))), Said::Leave] {
            let room = latest(&registry, &who.room).await;
            assert!(room.version() >= seen);
            let next = decided(&room, &who, event);
            seen = next.version();
            assert_eq!(registry.swap(room.version(), next).await.unwrap(), Swap::Done);
        }
    }
    // A writer that read the room before all that is too late, though the room is empty again.
    let stale = with(&first, &claim("c2", "visit", "bob"));
    assert_eq!(registry.swap(first.version(), stale).await.unwrap(), Swap::Raced);
}

pub async fn only_live_rooms_are_listed(registry: impl Registry) {
    for name in ["a", "b", "c"] {
        let room = latest(&registry, &room_id(name)).await;
        let next = with(&room, &claim(name, name, "ada"));
        registry.swap(room.version(), next).await.unwrap();
    }
    let a = latest(&registry, &room_id("a")).await;
    let next = decided(&a, &claim("a", "a", "ada"), Said::Leave);
    registry.swap(a.version(), next).await.unwrap();
    let Some(rooms) = registry.rooms(10).await.unwrap() else { return };
    let mut listed: Vec<_> =
        rooms.iter().map(|room| (room.room_id.as_str(), room.peer_count)).collect();
    listed.sort_unstable();
    assert_eq!(listed, [("b", 1), ("c", 1)]);
    assert_eq!(registry.rooms(1).await.unwrap().map(|rooms| rooms.len()), Some(1));
}

pub async fn of_64_writers_one_wins(registry: impl Registry) {
    let registry = Arc::new(registry);
    for round in 0..20 {
        let room = latest(&*registry, &room_id("visit")).await;
        let writers = (0..64).map(|nth| {
            let (registry, room) = (Arc::clone(&registry), Arc::clone(&room));
            let who = claim(&format!("c{round}-{nth}"), "visit", &format!("p{round}-{nth}"));
            tokio::spawn(
                async move { registry.swap(room.version(), with(&room, &who)).await.unwrap() },
            )
        });
        let mut won = 0;
        for writer in writers.collect::<Vec<_>>() {
            won += usize::from(writer.await.unwrap() == Swap::Done);
        }
        assert_eq!(won, 1);
        let stored = latest(&*registry, &room_id("visit")).await;
        assert_eq!(stored.seats().len(), room.seats().len() + 1);
    }
}

/// The room after this peer joined.
#[allow(dead_code, reason = "not every registry has tests of its own")]
pub fn with_one_more(room: &Room) -> Room {
    let name = format!("p{}", room.version().0);
    with(room, &claim(&name, room.id().as_str(), &name))
}

fn with(room: &Room, who: &Claim) -> Room {
    decided(room, who, Said::Join(JoinRequest::new(ResumeSecret::new("s"))))
}

fn decided(room: &Room, who: &Claim, what: Said<'_>) -> Room {
    let rules = Rules { max_peers_per_room: 256, ..Rules::default() };
    room.decide(&who.says(what), Timestamp(1), &rules).next.expect("a change")
}

async fn latest(registry: &impl Registry, room: &RoomId) -> Arc<Room> {
    registry.load(room).await.expect("an answer")
}

fn room_id(name: &str) -> RoomId {
    RoomId::parse(name).expect("a room id")
}

fn claim(conn: &str, room: &str, name: &str) -> Claim {
    let peer = PeerId::parse(name).expect("a peer id");
    Claim { conn: ConnectionId::new(conn), room: room_id(room), peer }
}
