//! Why a token is refused.

/// Why a token is refused, in terms of what a developer must change. It names the claim and what
/// was expected of it, and never quotes the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no token.
    #[error(
        "expected a visit token: `token` in `join` or in the URL's query, `Authorization: Bearer`, \
         or the subprotocols `visio, bearer.TOKEN`"
    )]
    Missing,
    /// A handshake brought several tokens.
    #[error("expected one visit token: the handshake has two different ones")]
    Several,
    /// The token is longer than any we verify.
    #[error("expected a visit token of at most 8192 bytes")]
    TooLong,
    /// It does not have the form of a token.
    #[error(
        "expected a signed JSON Web Token: three parts of base64url without padding, joined by dots"
    )]
    Form,
    /// Its header or its claims are not one JSON object.
    #[error("the token's {0}: expected one JSON object that has each name once")]
    Part(&'static str),
    /// A field of its header is invalid.
    #[error("`{field}` in the token's header: expected {expected}")]
    Header {
        /// The name of the field.
        field: &'static str,
        /// What was expected of it.
        expected: &'static str,
    },
    /// It was signed with another key, or was changed after it was signed.
    #[error(
        "expected a signature by this server's key; the token was signed with another key, or was \
         changed"
    )]
    Signature,
    /// A claim is invalid.
    #[error("`{claim}` in the token: expected {expected}")]
    Claim {
        /// The name of the claim.
        claim: &'static str,
        /// What was expected of it.
        expected: &'static str,
    },
}

impl Refused {
    /// For counting: one word for each kind of fault. It is the name of the claim for a bad claim.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Several => "several",
            Self::TooLong => "too_long",
            Self::Form | Self::Part(_) => "form",
            Self::Header { .. } => "header",
            Self::Signature => "signature",
            Self::Claim { claim, .. } => claim,
        }
    }

    /// The refusal of an expired token.
    pub(super) const EXPIRED: Self =
        Self::Claim { claim: "exp", expected: "a time to come; this token has expired" };
}
