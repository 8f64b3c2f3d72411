//! Is a peer let in?

use super::pass::{Passes, Which};
use super::peer::{Peer, Unheard};
use crate::reach::{Answer, Good, Wrong};

/// Joins a room as the first of the doctor's two peers.
pub(super) async fn is_let_in(mut peer: Peer, passes: &Passes) -> Answer<Peer> {
    let join = passes.join(Which::First).expect("there is a token for the first, if for anybody");
    match peer.join(&join).await {
        Ok(kind) if kind == "waiting" => Err(waiting()),
        Ok(_) => Ok(joined(peer, passes)),
        Err(unheard) => Err(explained(&unheard, passes)),
    }
}

fn joined(peer: Peer, passes: &Passes) -> Good<Peer> {
    let met_others = peer.met_others;
    let how = if passes.has_token() { "with a visit token" } else { "without a token" };
    let good = Good::new(peer, format!("A peer joins {how}."));
    if !met_others {
        return good;
    }
    good.but(
        "But somebody else is in the room of this token.",
        "Use tokens for a room of the doctor's own, so that it disturbs no visit.",
    )
}

fn waiting() -> Wrong {
    Wrong::skipped(
        "The peer waits in the lobby, as its token says.",
        "To test further, use a token with the role host, or without lobby.",
    )
}

/// What an answer to a `join` means, if it is not `joined`.
pub(super) fn explained(unheard: &Unheard, passes: &Passes) -> Wrong {
    match unheard {
        Unheard::Refused { code, message } => Wrong::new(
            format!("The server refused the join ({code}): {message}."),
            advice(code, passes),
        )
        .with("code", code.as_str()),
        Unheard::Untyped(message) => Wrong::new(
            format!("The gateway answered, not the server: {message}."),
            "The function behind it failed or is missing. Read its log; on AWS: \
             aws logs tail /aws/lambda/NAME.",
        ),
        Unheard::Ended(code) => {
            let code = code.map(|code| format!(" with {code}")).unwrap_or_default();
            Wrong::new(
                format!("The connection was closed{code} before the join was answered."),
                "What listens there may not be a visio server. If it is, read its log, and that of \
                 each proxy.",
            )
        }
        Unheard::Silent => Wrong::new(
            "The WebSocket is open, but the join was not answered.",
            "What listens there may not be a visio server, or a proxy holds messages back: switch \
             its buffering off.",
        ),
    }
}

fn advice(code: &str, passes: &Passes) -> &'static str {
    match (code, passes.has_token()) {
        ("unauthorized", false) => {
            "The server wants visit tokens. Give one in VISIO_TOKEN, or the server's own secret in \
             VISIO_JWT_SECRET or --jwt-secret-file."
        }
        ("unauthorized", true) => {
            "Check that the token was made with the server's key and audience (--jwt-audience), \
             that it has not expired, and the clocks of both machines."
        }
        ("forbidden", _) => "The token does not allow this. Check its claims.",
        ("room_full", _) => "Use a token for a room of the doctor's own.",
        ("rate_limited", _) => "Wait a minute, and try again.",
        ("visit_ended", _) => "The visit of this token is over. Use a token for another room.",
        ("removed", _) => "A host removed this peer. Use a token for another peer.",
        ("internal", _) => "Read the server's log.",
        _ => "Compare the versions of this command and of the server.",
    }
}
