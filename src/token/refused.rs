//! Why a token does not let its bearer in.

/// What a developer has to change. Names the claim and what was expected of it, and holds nothing
/// of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none.
    #[error(
        "expected a visit token: `token` in `join` or in the URL's query, `Authorization: Bearer`, \
         or the subprotocols `visio, bearer.TOKEN`"
    )]
    Missing,
    /// A handshake brought several.
    #[error("expected one visit token: the handshake has two that differ")]
    Several,
    /// It is too long to be looked at.
    #[error("expected a visit token of at most 8192 bytes")]
    TooLong,
    /// It is not in the form of a token.
    #[error(
        "expected a signed JSON Web Token: three parts of base64url without padding, joined by dots"
    )]
    Form,
    /// A part of it is not what it should be.
    #[error("the token's {0}: expected one JSON object that has each name once")]
    Part(&'static str),
    /// A field of its header.
    #[error("`{field}` in the token's header: expected {expected}")]
    Header {
        /// Which.
        field: &'static str,
        /// What it should say.
        expected: &'static str,
    },
    /// It was signed with another key, or changed since.
    #[error("expected a signature by this server's key; the token has another, or was changed")]
    Signature,
    /// A claim.
    #[error("`{claim}` in the token: expected {expected}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// What it should say.
        expected: &'static str,
    },
}

impl Refused {
    /// What is said of a token whose time is over.
    pub(super) const EXPIRED: Self =
        Self::Claim { claim: "exp", expected: "a time to come; this token has expired" };
}
