//! A world with a seed, in which connections die and clients come back. Every await is a place
//! where anybody else may go first. Each message must arrive once and in order, or its sender must
//! know that it did not.

mod client;
mod door;
mod faults;
mod knocks;
mod lobbies;
mod mailbox;
mod net;
mod page;
mod player;
mod rest;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::dice::{Dice, Task};

use faults::{Fault, Faults};
use net::Runtime;
use player::Player;
use world::{GRACE_MS, World};

/// How many seeds are played, unless `VISIO_SEEDS` says otherwise.
const SEEDS: u64 = 2_000;
/// One seed in so many is a crowd.
const CROWDS: u64 = 100;

/// How large a world is.
#[derive(Debug, Clone, Copy)]
struct Size {
    rooms: u64,
    clients: u64,
    /// What each client does, one after the other.
    acts: usize,
}

impl Size {
    const fn of(seed: u64) -> Self {
        if seed.is_multiple_of(CROWDS) {
            Self { rooms: 8, clients: 32, acts: 8 }
        } else {
            Self { rooms: 2, clients: 8, acts: 14 }
        }
    }

    /// Worlds that are a little smaller.
    fn smaller(self) -> impl Iterator<Item = Self> {
        let fewer_acts = Self { acts: self.acts - 1, ..self };
        let fewer_clients = Self { clients: self.clients - 1, ..self };
        let fewer_rooms = Self { rooms: self.rooms - 1, ..self };
        let all = [fewer_acts, fewer_clients, fewer_rooms].into_iter();
        all.filter(|it| it.acts > 0 && it.clients > 1 && it.rooms > 0)
    }
}

#[test]
fn a_message_arrives_once_and_in_order_or_its_sender_is_told() {
    let faults = play_all(Runtime::Counts);
    for fault in Fault::OF_ALL.into_iter().chain(Fault::OF_COUNTING) {
        assert!(faults.times(fault) > 0, "{fault:?} never happened");
    }
}

#[test]
fn a_server_that_remembers_nothing_repeats_nothing_and_tells_what_it_loses() {
    let faults = play_all(Runtime::Forgets);
    for fault in Fault::OF_ALL {
        assert!(faults.times(fault) > 0, "{fault:?} never happened");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for runtime in [Runtime::Counts, Runtime::Forgets] {
        let [one, other] = [(); 2].map(|()| play(runtime, 7, Size::of(7)));
        assert_eq!(one, other);
        assert_ne!(one.1, play(runtime, 8, Size::of(8)).1);
    }
}

fn play_all(runtime: Runtime) -> Faults {
    let mut faults = Faults::default();
    let seeds = std::env::var("VISIO_SEEDS").map_or(SEEDS, |text| text.parse().expect("a number"));
    for seed in kept_seeds(runtime).chain(0..seeds) {
        let Err(panic) = played(runtime, seed, Size::of(seed)).map(|it| faults.add(&it)) else {
            continue;
        };
        let mut size = Size::of(seed);
        while let Some(smaller) = size.smaller().find(|it| played(runtime, seed, *it).is_err()) {
            size = smaller;
        }
        eprintln!("seed {seed} of {runtime:?} fails, at least from {size:?} on");
        resume_unwind(panic);
    }
    faults
}

/// Seeds that once showed a bug, which are played first.
fn kept_seeds(runtime: Runtime) -> impl Iterator<Item = u64> {
    let lines = include_str!("seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let words = lines.filter_map(|line| line.split_once(' ')).filter(move |(_, rest)| {
        rest.split_once(' ').is_some_and(|(of, _)| of == format!("{runtime:?}"))
    });
    words.map(|(seed, _)| seed.parse().expect("a seed"))
}

fn played(runtime: Runtime, seed: u64, size: Size) -> std::thread::Result<Faults> {
    catch_unwind(AssertUnwindSafe(|| play(runtime, seed, size).0))
}

/// One life of a world. Returns what went wrong in it, and a digest of all that happened.
fn play(runtime: Runtime, seed: u64, size: Size) -> (Faults, u64) {
    let world = Arc::new(World::new(runtime, seed, size.clients, size.rooms));
    let players = (0..size.clients).map(|nth| Player {
        world: Arc::clone(&world),
        nth: usize::try_from(nth).unwrap(),
        dice: Dice::new(seed, 100 + nth),
    });
    let mut tasks: Vec<_> =
        players.map(|player| Box::pin(player.play(size.acts)) as Task).collect();
    let mut dice = Dice::new(seed, 2);
    world.run(&mut dice, &mut tasks, |world| {
        world.clients.iter().all(|client| client.lock().unwrap().resting)
    });
    world.rests.store(true, Ordering::Relaxed);
    for round in 0..3 {
        for conn in world.wires.net().conns.iter_mut().filter(|conn| conn.dropped) {
            conn.noticed = true;
        }
        world.run(&mut dice, &mut tasks, World::is_quiet);
        if round < 2 {
            world.last_words();
            world.run(&mut dice, &mut tasks, World::is_quiet);
            world.jumps.store(true, Ordering::Relaxed);
            tasks.push(Box::pin(jump(Arc::clone(&world))));
        }
    }
    world.check();
    let net = world.wires.net();
    (net.faults.clone(), net.trace)
}

async fn jump(world: Arc<World>) {
    world.jump(GRACE_MS).await;
    world.jumps.store(false, Ordering::Relaxed);
}
