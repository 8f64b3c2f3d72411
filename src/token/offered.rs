//! Where a handshake may carry its token.

use super::Refused;
use crate::wire::Token;

/// The token of a handshake: `token` in the query, `Authorization: Bearer`, or the subprotocol
/// `bearer.TOKEN` together with `visio`, because a page cannot set headers on a WebSocket. The same
/// token may come in several of these ways. Two different tokens are refused, because nobody can
/// say which of them was meant.
///
/// `authorization` and `protocols` are the values of the headers `Authorization` and
/// `Sec-WebSocket-Protocol`.
pub fn offered(
    query: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    authorization: impl Iterator<Item = impl AsRef<str>>,
    protocols: impl Iterator<Item = impl AsRef<str>>,
) -> Result<Option<Token>, Refused> {
    let mut tokens: Vec<Token> = Vec::new();
    let of_query = query.filter(|(field, _)| field.as_ref() == "token");
    tokens.extend(of_query.map(|(_, value)| Token::new(value.as_ref())));
    tokens.extend(authorization.filter_map(|value| bearer(value.as_ref())));
    for list in protocols {
        let names = list.as_ref().split(',').map(str::trim);
        tokens.extend(names.filter_map(|name| name.strip_prefix("bearer.")).map(Token::new));
    }
    tokens.dedup();
    if tokens.len() > 1 { Err(Refused::Several) } else { Ok(tokens.pop()) }
}

/// The token in an `Authorization: Bearer` header. The scheme's name is case-insensitive (RFC 9110,
/// section 11.1). Other schemes are ignored, because they are meant for a proxy.
fn bearer(value: &str) -> Option<Token> {
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| Token::new(token.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        query: &str,
        authorization: &[&str],
        protocols: &[&str],
    ) -> Result<Option<Token>, Refused> {
        let query = form_urlencoded::parse(query.as_bytes());
        offered(query, authorization.iter(), protocols.iter())
    }

    #[test]
    fn a_token_is_found_wherever_it_may_be() {
        for (query, authorization, protocols) in [
            ("roomId=r&token=a.b.c", &[][..], &[][..]),
            ("token=a%2Eb.c", &[], &[]),
            ("", &["Bearer a.b.c"], &[]),
            ("", &["bearer   a.b.c "], &["visio"]),
            ("", &[], &["visio, bearer.a.b.c"]),
            ("", &["Basic dXNlcg=="], &["visio", "bearer.a.b.c,other"]),
            ("token=a.b.c", &["Bearer a.b.c"], &["visio,bearer.a.b.c"]),
        ] {
            let token = of(query, authorization, protocols);
            assert_eq!(token, Ok(Some(Token::new("a.b.c"))), "{query} {authorization:?}");
        }
    }

    #[test]
    fn a_handshake_may_have_no_token() {
        for (query, authorization, protocols) in [
            ("", &[][..], &[][..]),
            ("roomId=token&Token=a", &["Basic a.b.c"], &["visio, bearer, Bearer.a"]),
            ("", &["BearerX a"], &["visio"]),
        ] {
            assert_eq!(of(query, authorization, protocols), Ok(None), "{query}");
        }
    }

    #[test]
    fn an_empty_token_counts_as_a_token() {
        for (query, authorization, protocols) in
            [("token", &[][..], &[][..]), ("", &["Bearer"], &[]), ("", &[], &["bearer."])]
        {
            let token = of(query, authorization, protocols);
            assert_eq!(token, Ok(Some(Token::new(""))), "{query} {authorization:?}");
        }
    }

    #[test]
    fn two_different_tokens_are_refused() {
        for (query, authorization, protocols) in [
            ("token=a&token=b", &[][..], &[][..]),
            ("token=a&token=b&token=a", &[], &[]),
            ("token=a", &["Bearer b"], &[]),
            ("token=a", &[], &["visio, bearer.b"]),
            ("", &["Bearer a", "Bearer b"], &[]),
            ("", &[], &["bearer.a, bearer.b"]),
            ("token=", &["Bearer a"], &[]),
        ] {
            let token = of(query, authorization, protocols);
            assert_eq!(token, Err(Refused::Several), "{query} {authorization:?}");
        }
    }
}
