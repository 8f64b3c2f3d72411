//! Does a message reach another peer unchanged?

use std::net::SocketAddr;

use serde_json::json;

use super::Doctor;
use super::join;
use super::pass::Which;
use super::peer::{Peer, Unheard};
use crate::reach::{Answer, Good, Wrong};

/// The size of a browser's offer with video, so that a proxy's limit on messages shows.
const OFFER: usize = 8 * 1024;

/// Lets a second peer join, and sends an offer there and an answer back.
pub(super) async fn reaches(
    first: &mut Peer,
    doctor: &Doctor,
    addresses: &[SocketAddr],
) -> Answer<Peer> {
    let Some(message) = doctor.passes.join(Which::Second) else { return Err(one_token()) };
    let socket = doctor.way.open(addresses).await.map_err(|_| no_second())?;
    let mut second = Peer::new(socket, doctor.way.patience);
    match second.join(&message).await {
        Ok(kind) if kind == "waiting" => return Err(waiting()),
        Ok(_) => {}
        Err(unheard) => return Err(join::explained(&unheard, &doctor.passes)),
    }
    if second.id == first.id {
        return Err(same_peer());
    }
    first.hear(&["peer_joined"]).await.map_err(|unheard| not_told(&unheard))?;
    // Not SDP: the server must not look at it, so it may be anything.
    let filler = "v=0\r\n".repeat(OFFER / 5);
    exchange(&mut second, first, "offer", &filler).await?;
    exchange(first, &mut second, "answer", &filler).await?;
    Ok(Good::new(second, "An offer and an answer pass unchanged between two peers."))
}

/// Sends a message from one peer to the other, and compares what arrives.
async fn exchange(from: &mut Peer, to: &mut Peer, kind: &str, sdp: &str) -> Result<(), Wrong> {
    let message = json!({"type": kind, "to": to.id, "sdp": sdp});
    from.say(&message).await.map_err(|unheard| lost(kind, &unheard))?;
    let wanted = [kind];
    let arrived = tokio::select! {
        arrived = to.hear(&wanted) => arrived,
        Err(refused @ Unheard::Refused { .. }) = from.hear(&[]) => Err(refused),
    };
    let arrived = arrived.map_err(|unheard| lost(kind, &unheard))?;
    if arrived["sdp"] == sdp && arrived["from"] == from.id.as_str() {
        return Ok(());
    }
    Err(Wrong::new(
        format!("The {kind} arrived, but was changed on the way."),
        "Something between the peers rewrites messages. Take it out, or use wss.",
    ))
}

fn one_token() -> Wrong {
    Wrong::skipped(
        "There is a token for one peer only, so nothing was relayed.",
        "Give tokens of two peers in one room, in VISIO_TOKEN with a comma between them; or the \
         server's own secret, in VISIO_JWT_SECRET or --jwt-secret-file.",
    )
}

fn no_second() -> Wrong {
    Wrong::new(
        "A first connection works, but a second one fails.",
        "Check --max-connections-per-ip, and a proxy's limits for one address. If a name has \
         several servers behind it, one of them may be broken.",
    )
}

fn waiting() -> Wrong {
    Wrong::skipped(
        "The second peer waits in the lobby, as its token says.",
        "To test the relay, use a token with the role host, or without lobby.",
    )
}

fn same_peer() -> Wrong {
    Wrong::new(
        "Both tokens are for the same peer, so the second took the seat of the first.",
        "Make tokens for two peers (the claim sub) in one room.",
    )
}

fn not_told(unheard: &Unheard) -> Wrong {
    Wrong::new(
        format!("Two peers joined, but the first was not told of the second: {}.", why(unheard)),
        "If two tokens were given, check that they name the same room. If several servers stand \
         behind this address, they do not share their rooms: send all clients to one of them.",
    )
}

fn lost(kind: &str, unheard: &Unheard) -> Wrong {
    Wrong::new(
        format!("The {kind} did not arrive: {}.", why(unheard)),
        "Read the server's log. A proxy may limit the size of messages, or end connections.",
    )
}

/// Why a message did not come, as part of a sentence.
pub(super) fn why(unheard: &Unheard) -> String {
    match unheard {
        Unheard::Refused { code, message } => format!("the server said {code}, {message}"),
        Unheard::Untyped(message) => format!("a gateway said {message}"),
        Unheard::Ended(Some(code)) => format!("the connection was closed with {code}"),
        Unheard::Ended(None) => "the connection ended".to_owned(),
        Unheard::Silent => "nothing came in time".to_owned(),
    }
}
