//! What one peer says to another, or to all.

use crate::core::{Claim, Decision, Room, Seat, Standing};
use crate::redact::Redacted;
use crate::wire::{
    Code, PeerId, Recipient, Rejection, Role, ServerMessage, Signal, Stamp, Timestamp,
};

use super::{Context, send, stay};

impl Room {
    pub(super) fn signal(&self, context: &Context<'_>, signal: &Signal<'_>) -> Decision {
        let who = context.who;
        match self.held_by(who) {
            Some(seat) if seat.role == Role::Observer => {
                context.refuse_signal(signal, Code::Forbidden, "an observer is silent")
            }
            Some(seat) => self.relay(context, seat, signal),
            None if signal.is_chat()
                && self.waits(who).is_some_and(|it| it.role != Role::Observer) =>
            {
                self.chat_with_host(context, signal)
            }
            None => self.no_seat(context, signal.to.peer()),
        }
    }

    /// Passes a message on, untouched but for the stamp.
    fn relay(&self, context: &Context<'_>, speaker: &Seat, signal: &Signal<'_>) -> Decision {
        let to = match &signal.to {
            Recipient::Room => {
                let message = stamped(context.who, signal, Some(context.now));
                return self.pass_on(context, self.others(&speaker.peer), &message);
            }
            Recipient::Peer(to) => to,
        };
        let waits = || self.waiting_peer(to).filter(|_| signal.is_chat() && speaker.hosts());
        let Some(receiver) = self.seat(to).or_else(waits) else {
            let text = "no such peer in this room";
            return context.refuse_signal(signal, Code::PeerNotFound, text);
        };
        if receiver.peer == speaker.peer {
            let text = "`to`: expected another peer of this room, not the sender";
            return context.refuse_signal(signal, Code::InvalidMessage, text);
        }
        let message = stamped(context.who, signal, None);
        match receiver.here() {
            Some(conn) => stay(Standing::Seated, vec![send(conn, message)]),
            None => self.pass_on(context, std::iter::once(receiver), &message),
        }
    }

    /// Passes a message to all on to those who have missed it. Its sender may be away meanwhile.
    pub(super) fn relay_again(
        &self,
        context: &Context<'_>,
        signal: &Signal<'_>,
        missed: &[PeerId],
    ) -> Decision {
        let message = stamped(context.who, signal, Some(context.now));
        let to = self.others(&context.who.peer).filter(|seat| missed.contains(&seat.peer));
        self.pass_on(context, to, &message)
    }

    /// A peer in the lobby may talk with the hosts, and is heard by nobody else.
    fn chat_with_host(&self, context: &Context<'_>, signal: &Signal<'_>) -> Decision {
        let wanted = signal.to.peer();
        let hosts = self.hosts().filter(|seat| wanted.is_none_or(|to| seat.peer == *to));
        let mut hosts = hosts.peekable();
        if wanted.is_some() && hosts.peek().is_none() {
            let text = "no such host in this room";
            return context.refuse_signal(signal, Code::PeerNotFound, text);
        }
        let message = stamped(context.who, signal, wanted.is_none().then_some(context.now));
        self.pass_on(context, hosts, &message)
    }
}

impl Context<'_> {
    fn refuse_signal(&self, signal: &Signal<'_>, code: Code, text: &'static str) -> Decision {
        let rejection = Rejection::new(code, text).to(signal.to.peer().cloned());
        stay(Standing::Seated, vec![self.refuse(rejection)])
    }
}

fn stamped(who: &Claim, signal: &Signal<'_>, sent_at: Option<Timestamp>) -> ServerMessage {
    let text = signal.frame.stamped(Stamp { from: &who.peer, sent_at });
    ServerMessage::Relayed(Redacted::new(text))
}
