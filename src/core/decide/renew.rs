//! A seated peer shows a newer token, without a new connection.

use crate::core::{Decision, Grant, Room, Standing};
use crate::wire::{Code, Rejection, ServerMessage};

use super::{Context, send, stay};

impl Room {
    /// A seat lasts for as long as its latest token. A token that ends sooner changes nothing.
    pub(super) fn renew(&self, context: &Context<'_>, grant: &Grant) -> Decision {
        let who = context.who;
        let Some(place) = self.held_by(who).or_else(|| self.waits(who)) else {
            return self.no_seat(context, None);
        };
        if grant.subject != place.peer || grant.room != *self.id() {
            let text = "`token`: expected a token for the same peer and the same visit";
            let refusal = context.refuse(Rejection::new(Code::Forbidden, text));
            return stay(Standing::Seated, vec![refusal]);
        }
        let until = place.expires_at.map_or(grant.expires_at, |end| end.max(grant.expires_at));
        let mut next = self.clone();
        next.everybody_mut()
            .filter(|seat| seat.peer == place.peer)
            .for_each(|seat| seat.expires_at = Some(until));
        next.learn(Some(grant), context.now);
        let renewed = ServerMessage::Renewed {
            expires_at: next.ends_for(until),
            request_id: context.request_id.cloned(),
        };
        let next = (next != *self).then(|| next.changed());
        let effects = vec![send(&who.conn, renewed)];
        Decision { next, effects, standing: Standing::Seated }
    }
}
