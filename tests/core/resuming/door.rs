//! Who is let into a world. Every other one is open; in the rest nobody comes in without a visit
//! token, and some wait in the lobby.

use visio_signaling::core::{Grant, LEEWAY};
use visio_signaling::token::{Gatekeeper, Refused};
use visio_signaling::wire::{Role, Timestamp, Token};

use super::super::dice::Dice;
use super::world::SEATS;

/// How long a token lasts that is not about to end: longer than any world.
const LONG_MS: u64 = 10_000_000;
/// How long one is good that ends soon.
const SOON_MS: u64 = 400;

/// What the tokens of a world say.
#[derive(Debug)]
pub struct Door {
    /// Nobody needs a token.
    pub is_open: bool,
    /// The role of each client, and whether it must be admitted.
    clients: Vec<(Role, bool)>,
    /// The seats of each room, where tokens say so.
    rooms: Vec<Option<usize>>,
}

impl Door {
    pub fn new(seed: u64, clients: u64, rooms: u64) -> Self {
        let mut dice = Dice::new(seed, 3);
        let clients = (0..clients).map(|nth| {
            let role = match dice.below(6) {
                _ if nth < rooms => Role::Host,
                0 => Role::Host,
                1 => Role::Observer,
                _ => Role::Guest,
            };
            (role, dice.one_in(2))
        });
        let clients = clients.collect();
        let rooms = (0..rooms).map(|_| [None, Some(2), Some(4)][dice.below(3) as usize]).collect();
        Self { is_open: seed.is_multiple_of(2), clients, rooms }
    }

    pub fn keeper(&self) -> Gatekeeper {
        if self.is_open { Gatekeeper::default() } else { Gatekeeper::new(verified) }
    }

    /// How many seats a room has.
    pub fn seats(&self, room: usize) -> usize {
        self.rooms[room].filter(|_| !self.is_open).unwrap_or(SEATS.into())
    }

    pub fn role(&self, client: usize) -> Role {
        if self.is_open { Role::Guest } else { self.clients[client].0 }
    }

    /// A token for a client, in the words of `verified`. A host's never ends soon, because a visit
    /// is known for as long as the longest.
    pub fn token(&self, client: usize, room: usize, now: u64, soon: bool) -> String {
        let (role, lobby) = self.clients[client];
        let (role, lobby) = (name(role), lobby && role == Role::Guest);
        let seats = self.rooms[room].unwrap_or_default();
        let soon = soon && role != "host";
        let until = if soon { now + SOON_MS } else { now + LEEWAY + LONG_MS };
        format!("p{client}/r{room}/{role}/{lobby}/{seats}/{until}")
    }
}

const fn name(role: Role) -> &'static str {
    match role {
        Role::Host | Role::Admin => "host",
        Role::Observer => "observer",
        Role::Guest => "guest",
    }
}

/// What a token says. Whoever made it, nobody else can have: nothing here makes others.
fn verified(token: &Token, now: Timestamp) -> Result<Grant, Refused> {
    let parts: Vec<_> = token.expose().split('/').collect();
    let [subject, room, role, lobby, seats, until] = parts[..] else { return Err(Refused::Form) };
    let until: u64 = until.parse().unwrap();
    if until <= now.0 {
        return Err(Refused::Claim { claim: "exp", expected: "a time to come" });
    }
    Ok(Grant {
        subject: crate::peer(subject),
        room: crate::room_id(room),
        role: match role {
            "host" => Role::Host,
            "observer" => Role::Observer,
            _ => Role::Guest,
        },
        name: None,
        relay_only: false,
        lobby: lobby == "true",
        capacity: seats.parse().ok().filter(|seats| *seats > 0),
        expires_at: Timestamp(until.saturating_sub(LEEWAY)),
        visit_end: None,
        readmitted_at: None,
    })
}
