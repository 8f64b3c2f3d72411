//! What becomes of a join by a connection that claims a seat already.

use crate::core::{Claim, Room};
use crate::wire::{Code, Join, Rejection};

impl Room {
    /// What `who`, which claims a seat in this room, asks for with another `join`. It may move to
    /// another room if it says so, and is then who it was here unless it says otherwise. Where
    /// nobody holds the seat (it was refused, or the process that took it died), nothing keeps the
    /// connection from joining.
    pub fn join_again(&self, who: &Claim, join: Join) -> Result<Join, Rejection> {
        let own = self.held_by(who);
        if moves(&join, who) {
            return Ok(Join {
                peer: join.peer.or_else(|| Some(who.peer.clone())),
                name: join.name.or_else(|| own?.name.clone()),
                metadata: join.metadata.or_else(|| own?.metadata.clone()),
                ..join
            });
        }
        match self.seat(&who.peer) {
            None => Ok(join),
            Some(_) if own.is_some() => Err(Rejection::new(Code::AlreadyJoined, "`leave` first")),
            Some(_) => Err(Rejection::replaced()),
        }
    }
}

/// `join_room` from a seated client moves it to another room, as clients of chat servers expect;
/// any other second join is a mistake.
fn moves(join: &Join, seated: &Claim) -> bool {
    join.moves && join.room.as_ref().is_some_and(|room| *room != seated.room)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{claim, room};
    use super::*;
    use crate::core::Seat;
    use crate::wire::{DisplayName, FromText, Metadata, PeerId, RoomId};
    use serde_json::value::RawValue;

    /// What `c1 ada` gets for a join of this type that names this room.
    fn asks(seats: &[&str], moves: bool, to: Option<&str>) -> Result<Join, Rejection> {
        let join = Join { moves, room: to.and_then(RoomId::parse), ..Join::default() };
        room(seats).join_again(&claim("c1 ada"), join)
    }

    #[test]
    fn a_seated_peer_moves_if_it_says_so_and_stays_who_it_was() {
        let asked = asks(&["c1 ada"], true, Some("other")).unwrap();
        assert_eq!((asked.room, asked.peer), (RoomId::parse("other"), PeerId::parse("ada")));
    }

    #[test]
    fn a_peer_that_moves_takes_its_name_and_metadata_along_unless_it_gives_new_ones() {
        let (ada, grace) = (DisplayName::parse("Ada"), DisplayName::parse("Grace"));
        let phone = RawValue::from_string(r#"{"device":"phone"}"#.into()).unwrap();
        let phone = Metadata::from_json(&phone);
        let seat = room(&["c1 ada"]).seats()[0].clone();
        let room = room(&[]).with(Seat { name: ada.clone(), metadata: phone.clone(), ..seat });
        let moves = |name| {
            let join = Join { moves: true, room: RoomId::parse("other"), name, ..Join::default() };
            room.join_again(&claim("c1 ada"), join).unwrap()
        };
        assert_eq!((moves(None).name, moves(None).metadata), (ada, phone));
        assert_eq!(moves(grace.clone()).name, grace);
    }

    #[test]
    fn any_other_second_join_of_a_seated_peer_is_refused() {
        let fallback = RoomId::fallback();
        for (moves, to) in
            [(false, None), (false, Some("other")), (true, None), (true, Some(fallback.as_str()))]
        {
            let refusal = asks(&["c1 ada"], moves, to).unwrap_err();
            assert_eq!(refusal.code, Code::AlreadyJoined);
        }
    }

    #[test]
    fn a_peer_whose_seat_was_taken_over_is_told_so() {
        let refusal = asks(&["c2 ada"], false, None).unwrap_err();
        assert_eq!(refusal.code, Code::Replaced);
        assert!(asks(&["c2 ada"], true, Some("other")).is_ok(), "it may go elsewhere");
    }

    #[test]
    fn a_claim_that_no_room_confirms_keeps_nobody_from_joining() {
        assert!(asks(&["c2 bob"], false, None).is_ok());
    }
}
