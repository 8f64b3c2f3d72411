//! What one peer says to another, or to all.

use crate::core::{Decision, Room, Seat, Session, Standing, Waiting};
use crate::redact::Redacted;
use crate::wire::{
    Code, Recipient, Rejection, RequestId, Role, ServerMessage, Signal, Stamp, Timestamp,
};

use super::{send, stay};

const TO_ONESELF: &str = "`to`: expected another peer of this room, not the sender";

impl Room {
    pub(super) fn signal(
        &self,
        who: &Session,
        signal: &Signal<'_>,
        request_id: Option<&RequestId>,
        now: Timestamp,
    ) -> Decision {
        match self.held_by(who) {
            Some(seat) if seat.role == Role::Observer => self.refuse_signal(
                who,
                signal,
                request_id,
                Code::Forbidden,
                "an observer is silent",
            ),
            Some(seat) => self.relay(who, seat, signal, request_id, now),
            None if signal.chat && self.waits(who).is_some_and(|it| it.role != Role::Observer) => {
                self.chat_with_host(who, signal, request_id, now)
            }
            None => self.no_seat(who, signal.to.peer(), request_id),
        }
    }

    /// Passes a message on, untouched but for the stamp. Nothing is stored.
    fn relay(
        &self,
        who: &Session,
        speaker: &Seat,
        signal: &Signal<'_>,
        request_id: Option<&RequestId>,
        now: Timestamp,
    ) -> Decision {
        let to = match &signal.to {
            Recipient::Room => {
                let text = stamped(who, signal, Some(now));
                let copies = self.others(&who.peer);
                let effects =
                    copies.map(|seat| send(&seat.conn, ServerMessage::Relayed(text.clone())));
                return stay(Standing::Seated, effects.collect());
            }
            Recipient::Peer(to) => to,
        };
        let waiting = |waiting: &&Waiting| signal.chat && speaker.hosts() && waiting.peer == *to;
        let conn = match self.seat(to) {
            Some(seat) if seat.peer == who.peer => {
                let code = Code::InvalidMessage;
                return self.refuse_signal(who, signal, request_id, code, TO_ONESELF);
            }
            Some(seat) => &seat.conn,
            None => match self.waiting().iter().find(waiting) {
                Some(waiting) => &waiting.conn,
                None => {
                    let text = "no such peer in this room";
                    return self.refuse_signal(who, signal, request_id, Code::PeerNotFound, text);
                }
            },
        };
        let message = ServerMessage::Relayed(stamped(who, signal, None));
        stay(Standing::Seated, vec![send(conn, message)])
    }

    /// Who waits may talk with the hosts, and is heard by nobody else.
    fn chat_with_host(
        &self,
        who: &Session,
        signal: &Signal<'_>,
        request_id: Option<&RequestId>,
        now: Timestamp,
    ) -> Decision {
        let wanted = signal.to.peer();
        let hosts: Vec<_> =
            self.hosts().filter(|seat| wanted.is_none_or(|to| seat.peer == *to)).collect();
        if wanted.is_some() && hosts.is_empty() {
            let text = "no such host in this room";
            return self.refuse_signal(who, signal, request_id, Code::PeerNotFound, text);
        }
        let text = stamped(who, signal, wanted.is_none().then_some(now));
        let copies = hosts.iter().map(|s| send(&s.conn, ServerMessage::Relayed(text.clone())));
        stay(Standing::Seated, copies.collect())
    }

    fn refuse_signal(
        &self,
        who: &Session,
        signal: &Signal<'_>,
        request_id: Option<&RequestId>,
        code: Code,
        text: &'static str,
    ) -> Decision {
        let rejection = Rejection::new(code, text).to(signal.to.peer().cloned());
        stay(Standing::Seated, vec![send(&who.conn, rejection.answering(request_id.cloned()))])
    }
}

fn stamped(who: &Session, signal: &Signal<'_>, sent_at: Option<Timestamp>) -> Redacted<String> {
    Redacted::new(signal.envelope.stamped(Stamp { from: &who.peer, sent_at }))
}
