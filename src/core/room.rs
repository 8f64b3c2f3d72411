//! A room and its seats.
//!
//! Both can be written as JSON and read again, for a registry that is another machine. The names
//! in it are short, because such registries bill by size; a field that is added needs a default,
//! for rooms that were stored before it.

use serde::{Deserialize, Serialize};

use super::grant::WARNING_MS;
use super::known::Known;
use super::presence::Away;
use super::{Claim, ConnectionId, Grant, Rules, Seat};
use crate::wire::{PeerId, PeerInfo, RoomId, RoomSummary, Timestamp, Version};

/// The unit of consistency: who sits in one visit. What else must hold for a visit (who waits in
/// its lobby, what waits for an absent peer, whether it has ended) belongs in here as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    #[serde(rename = "i")]
    id: RoomId,
    #[serde(rename = "v")]
    version: Version,
    /// In the order they were taken.
    #[serde(rename = "s")]
    pub(super) seats: Vec<Seat>,
    /// In the order they came.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waiting: Vec<Seat>,
    /// Of those who are in neither, the last one noted at the end.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) known: Vec<Known>,
    /// What tokens say of the visit itself.
    #[serde(flatten)]
    terms: Terms,
}

/// What tokens and hosts have said of a visit as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Terms {
    /// How many seats there are, in place of what the operator decided.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    capacity: Option<usize>,
    /// When the visit ends by itself.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
    /// Everybody was told that it will.
    #[serde(rename = "y", default, skip_serializing_if = "std::ops::Not::not")]
    warned: bool,
    /// When the last of all tokens that came here ends.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    last_expiry: Option<Timestamp>,
    /// The visit has ended: nobody is let in until then.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    closed_until: Option<Timestamp>,
}

impl Room {
    /// A room in which nobody sits, last changed at `version`.
    pub const fn empty(id: RoomId, version: Version) -> Self {
        let terms = Terms {
            capacity: None,
            ends_at: None,
            warned: false,
            last_expiry: None,
            closed_until: None,
        };
        Self { id, version, seats: Vec::new(), waiting: Vec::new(), known: Vec::new(), terms }
    }

    /// Its name.
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Which of its states this is.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The seats, in the order they were taken.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Everybody who sits or waits.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().chain(&self.waiting)
    }

    pub(super) fn everybody_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.seats.iter_mut().chain(&mut self.waiting)
    }

    /// The place that a connection holds, if it holds one.
    pub fn place_of(&self, conn: &ConnectionId) -> Option<&Seat> {
        self.everybody().find(|seat| seat.here() == Some(conn))
    }

    /// The seat of a peer.
    pub fn seat(&self, peer: &PeerId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.peer == *peer)
    }

    /// How it is listed.
    pub fn summary(&self) -> RoomSummary {
        RoomSummary { room_id: self.id.clone(), peer_count: self.seats.len() }
    }

    /// The claimed seat, if this connection holds it.
    pub(super) fn held_by(&self, who: &Claim) -> Option<&Seat> {
        self.seat(&who.peer).filter(|seat| seat.here() == Some(&who.conn))
    }

    /// Everybody but `except`, as they are shown to it.
    pub(super) fn peers_without(&self, except: &PeerId) -> Vec<PeerInfo> {
        self.others(except).map(Seat::info).collect()
    }

    /// Every seat but that of `except`.
    pub(super) fn others<'a>(&'a self, except: &'a PeerId) -> impl Iterator<Item = &'a Seat> {
        self.seats.iter().filter(move |seat| seat.peer != *except)
    }

    /// The room after `seat` was taken, in place of any that this peer had. The new seat is the
    /// last, because whoever came last offers.
    pub(super) fn with(&self, seat: Seat) -> Self {
        let mut next = self.changed();
        next.seats.retain(|known| known.peer != seat.peer);
        next.waiting.retain(|waiting| waiting.peer != seat.peer);
        next.forget(&seat.peer);
        next.seats.push(seat);
        next
    }

    /// The room after the place of `peer` ended, be it a seat or in the lobby.
    pub(super) fn without(&self, peer: &PeerId, now: Timestamp) -> Self {
        let mut next = self.changed();
        next.end_place(peer, now);
        next
    }

    /// The room after the places of all these ended.
    pub(super) fn without_all(&self, gone: &[&Seat], now: Timestamp) -> Self {
        let mut next = self.changed();
        gone.iter().for_each(|seat| next.end_place(&seat.peer, now));
        next
    }

    /// In open mode an id is nobody's, and nothing is remembered of it.
    fn end_place(&mut self, peer: &PeerId, now: Timestamp) {
        let by_token = self.everybody().any(|seat| seat.peer == *peer && !seat.is_open());
        self.seats.retain(|seat| seat.peer != *peer);
        self.waiting.retain(|waiting| waiting.peer != *peer);
        if by_token {
            self.note_seen(peer, now);
        }
    }

    /// The room after the visit has ended at `now`. Nobody is in it. Nobody is let in until all
    /// tokens that came here have ended, nor before `least`.
    pub(super) fn ended(&self, now: Timestamp, least: Timestamp) -> Self {
        let until = self.last_token_ends().map_or(least, |end| end.max(least));
        let terms = Terms { closed_until: Some(until), ends_at: None, ..self.terms.clone() };
        let mut next = self.changed();
        next.forget_what_is_over(now);
        next.keep_words();
        next.terms = terms;
        (next.seats, next.waiting) = (Vec::new(), Vec::new());
        next
    }

    /// When the last of all tokens that came here is no longer valid.
    pub(super) fn last_token_ends(&self) -> Option<Timestamp> {
        self.terms.last_expiry.map(Grant::over_after)
    }

    /// The same room, one version on.
    pub(super) fn changed(&self) -> Self {
        Self { version: self.version.next(), ..self.clone() }
    }

    /// Takes note of what a token says of the visit.
    pub(super) fn learn(&mut self, grant: Option<&Grant>, now: Timestamp) {
        let Some(grant) = grant else { return };
        self.forget_what_is_over(now);
        let terms = &mut self.terms;
        terms.capacity = grant.capacity.or(terms.capacity);
        terms.last_expiry = terms.last_expiry.max(Some(grant.expires_at));
        if grant.visit_end > terms.ends_at {
            (terms.ends_at, terms.warned) = (grant.visit_end, false);
        }
    }

    /// Notes that everybody was told of the end.
    pub(super) fn warn(&mut self) {
        self.terms.warned = true;
    }

    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.terms.ends_at
    }

    /// When a seat ends: with its token, or with the visit if that is sooner.
    pub(super) fn ends_for(&self, expires_at: Timestamp) -> Timestamp {
        self.terms.ends_at.map_or(expires_at, |end| end.min(expires_at))
    }

    pub(super) fn has_ended(&self, now: Timestamp) -> bool {
        self.terms.closed_until.is_some_and(|until| until > now)
    }

    /// How many seats there are.
    pub(super) fn capacity(&self, rules: &Rules) -> usize {
        self.terms.capacity.unwrap_or(rules.max_peers_per_room.into())
    }

    /// When something here is due next: the end of a token or of a grace time, or the warning
    /// before the end of the visit, or that end, or new ICE servers. A runtime should decide
    /// [`Event::Due`] then. If it does not, the next event of any kind does what was due.
    ///
    /// [`Event::Due`]: super::Event::Due
    pub fn next_due(&self) -> Option<Timestamp> {
        let end = self.terms.ends_at;
        let seats = self.everybody().filter_map(Seat::due).min();
        let ice = self.seats.iter().filter_map(Seat::ice_due).min();
        let times = [end, end.and_then(|end| self.warns_at(end)), seats, ice];
        times.into_iter().flatten().min()
    }

    /// When everybody is to be told that the visit ends at `end`, unless they were.
    pub(super) fn warns_at(&self, end: Timestamp) -> Option<Timestamp> {
        (!self.terms.warned).then_some(Timestamp(end.0.saturating_sub(WARNING_MS)))
    }

    /// The places whose tokens or grace times have ended.
    pub(super) fn expired(&self, now: Timestamp) -> Vec<&Seat> {
        self.everybody().filter(|seat| seat.due().is_some_and(|end| end <= now)).collect()
    }

    /// The room after a seat has changed where it stands, in the order of seats.
    pub(super) fn with_changed(&self, seat: Seat) -> Self {
        let mut next = self.changed();
        if let Some(known) = next.seats.iter_mut().find(|known| known.peer == seat.peer) {
            *known = seat;
        }
        next
    }

    /// How many bytes may still wait in this room for peers that are away.
    pub(super) fn free_bytes(&self, rules: &Rules) -> usize {
        let kept = self.seats.iter().filter_map(Seat::away).map(Away::waiting_bytes).sum();
        rules.unread.bytes_in_room.saturating_sub(kept)
    }

    /// Until when this is the visit that it is: while a token that was let in is good, or the end
    /// of the visit is to come or to be kept to.
    pub(super) fn known_until(&self) -> Option<Timestamp> {
        self.last_token_ends().max(self.terms.ends_at).max(self.terms.closed_until)
    }

    /// Until when it must be kept though nobody is in it; `None`: nothing is remembered.
    pub fn kept_until(&self) -> Option<Timestamp> {
        // An end that has been told to anybody holds for those who come later.
        let end = self.terms.ends_at.and(self.last_token_ends());
        self.remembers_until().max(self.terms.closed_until).max(end)
    }

    /// Whether nobody sits in it or waits.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Presence, Unread};
    use crate::wire::{DisplayName, FromText, Metadata, Role};

    #[test]
    fn a_room_is_the_same_after_it_was_written_and_read() {
        let metadata = serde_json::value::RawValue::from_string(r#"{"device": "phone"}"#.into());
        let seat = |peer: &str, name, metadata| Seat {
            peer: PeerId::parse(peer).unwrap(),
            presence: Presence::Here(ConnectionId::new("L0SM9cOFvHcCIhw=")),
            keys: None,
            name,
            role: Role::Guest,
            since: Timestamp(1_700_000_000_000),
            metadata,
            expires_at: None,
            relay_only: false,
            next_ice: None,
        };
        let ada =
            seat("ada", DisplayName::parse("Ada \"L\" é"), Metadata::from_json(&metadata.unwrap()));
        let empty = Room::empty(RoomId::parse("visit-42").unwrap(), Version(7));
        let room = empty.with(ada).with(seat("bob", None, None));
        let text = serde_json::to_string(&room).unwrap();
        assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room);
        assert!(text.contains(r#""m":{"device": "phone"}"#), "{text}");
    }

    #[test]
    fn what_nobody_counts_takes_no_place_where_a_room_is_stored() {
        let (unread, now) = (Unread::default(), Timestamp(1_000));
        let (away, _) = Away::new(unread, now, &Rules::DEFAULT, usize::MAX);
        let stored = serde_json::to_string(&Presence::Away(away)).unwrap();
        assert_eq!(stored, r#"{"s":1000,"u":21000}"#);
    }

    #[test]
    fn what_is_no_room_is_not_read() {
        for text in [r#"{"i":"a/b","v":1,"s":[]}"#, r#"{"i":"a","s":[]}"#, "{}"] {
            assert!(serde_json::from_str::<Room>(text).is_err(), "{text}");
        }
    }
}
