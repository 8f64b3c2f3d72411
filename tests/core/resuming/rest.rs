//! What must hold once the dust has settled.

use visio_signaling::core::Seat;
use visio_signaling::wire::Role;

use super::client::{Client, Place};
use super::net::{Runtime, Up, place};
use super::page::Said;
use super::world::World;

impl World {
    /// Everybody who sits says something to all, which finds those who died without a word.
    pub fn last_words(&self) {
        for client in &self.clients {
            let mut client = client.lock().unwrap();
            let Some(conn) = client.conn.filter(|_| client.is_seated()) else { continue };
            let text = client.page.say(None, true);
            client.page.sent.push(text.clone());
            self.wires.net().conns[conn].up.push_back(Up::Text(text));
        }
    }

    pub fn check(&self) {
        let clients: Vec<_> = self.clients.iter().map(|it| it.lock().unwrap()).collect();
        let seated: Vec<&Client> =
            clients.iter().filter(|it| it.is_seated()).map(|it| &**it).collect();
        for client in &clients {
            self.check_lobby(client);
        }
        self.check_removals();
        for client in &seated {
            self.check_roster(client);
            let others =
                seated.iter().filter(|it| it.room == client.room && it.name != client.name);
            for other in others {
                self.check_heard(client, other);
                let offers =
                    [(client, other), (other, client)].map(|(one, other)| self.offers(one, other));
                assert_eq!(
                    offers.iter().filter(|it| **it).count(),
                    1,
                    "of {} and {}",
                    client.name,
                    other.name
                );
            }
        }
    }

    /// Who waits does not sit, and each host knows who waits.
    fn check_lobby(&self, client: &Client) {
        let room = self.driver.registry.read(&client.room_id());
        let own = |seat: &&Seat| seat.peer.as_str() == client.name;
        let waits = room.waiting().iter().find(own).and_then(Seat::here).map(place);
        let expected = client.conn.filter(|_| matches!(client.place, Place::Waiting(_)));
        assert_eq!(waits, expected, "where {} waits", client.name);
        if client.is_seated() && client.role == Role::Host {
            let waiting = room.waiting().iter().map(|seat| seat.peer.as_str().to_owned());
            assert_eq!(
                client.lobby.waiting(),
                waiting.collect(),
                "who waits as {} knows it",
                client.name
            );
        }
    }

    /// Nobody whom a host has removed is there.
    fn check_removals(&self) {
        for entry in self.log.entries().iter().filter(|entry| entry.event == "removed") {
            let (room, removed) = (&entry.room_id, entry.peer_id.as_ref().unwrap());
            let room = self.driver.registry.read(room);
            let mut there = room.seats().iter().chain(room.waiting());
            assert!(there.all(|seat| seat.peer != *removed), "{removed:?} was removed");
        }
    }

    /// Every living client knows the room as it is.
    fn check_roster(&self, client: &Client) {
        let room = self.driver.registry.read(&client.room_id());
        let others = room.seats().iter().filter(|seat| seat.peer.as_str() != client.name);
        let others = others
            .map(|seat| (seat.peer.as_str().to_owned(), (seat.since.0, seat.here().is_none())));
        assert_eq!(client.page.known, others.collect(), "as {} knows it", client.name);
        let own = room.seats().iter().find(|seat| seat.peer.as_str() == client.name);
        let conn = client.conn.map(|conn| format!("c{conn}"));
        assert_eq!(own.and_then(|seat| seat.here()).map(ToString::to_string), conn);
    }

    /// Whether `one` was told to offer to the seat that `other` has.
    fn offers(&self, one: &Client, other: &Client) -> bool {
        let room = self.driver.registry.read(&other.room_id());
        let seat = room.seats().iter().find(|seat| seat.peer.as_str() == other.name).unwrap();
        one.page.offers.contains(&(other.name.clone(), seat.since.0))
    }

    /// `other` has heard all that `page` said to the seat that it has now.
    fn check_heard(&self, client: &Client, other: &Client) {
        let page = &client.page;
        let Some((since, _)) = page.known.get(&other.name) else { return };
        let seat = (other.name.clone(), *since);
        let heard = other.page.heard.get(&page.uid).map_or(&[][..], Vec::as_slice);
        let mut missing = Vec::new();
        for said in page.said.iter().filter(|said| said.to.contains(&seat)) {
            let arrived = heard.contains(&said.seq);
            let refused = said.was_refused(&other.name);
            assert!(
                !(arrived && refused),
                "page {}: {} was refused {}",
                page.uid,
                other.name,
                said.seq
            );
            let net = self.wires.net();
            let id = format!("{}.{}", page.uid, said.seq);
            // It or its refusal was posted, which is all that such a runtime knows.
            let mut conns = other.conns.iter().chain(&client.conns);
            let posted = conns.any(|conn| net.posted.contains(&(*conn, id.clone())));
            let excused =
                net.runtime == Runtime::Forgets && (posted || !net.handled.contains_key(&id));
            if !arrived && !refused && !excused {
                missing.push(said.seq);
            }
        }
        let told = page.gone.get(&seat).copied().unwrap_or_default();
        assert!(
            missing.len() as u64 <= told,
            "{} misses {missing:?} of page {}, which was told of {told}",
            other.name,
            page.uid,
        );
    }
}

impl Said {
    fn was_refused(&self, name: &str) -> bool {
        self.refused_to_all || self.refused.contains(name)
    }
}
