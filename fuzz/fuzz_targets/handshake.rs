//! Arbitrary handshakes: nothing panics, the stored query means the same as the original, and a
//! token that is found was there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visio_signaling::token::{Refused, offered};
use visio_signaling::wire::{Join, JoinDefaults};

fuzz_target!(|input: (&str, Vec<&str>, Vec<&str>)| {
    let (query, authorization, protocols) = input;
    let defaults = JoinDefaults::parse(query);
    let kept = defaults.to_query();
    let again = JoinDefaults::parse(kept.expose());
    assert_eq!(again.to_query(), kept);
    assert_eq!(again.is_empty(), defaults.is_empty());
    assert_eq!(again.fill(Join::default()), defaults.fill(Join::default()));

    let pairs = form_urlencoded::parse(query.as_bytes());
    match offered(pairs, authorization.iter(), protocols.iter()) {
        Ok(None) => {
            assert!(form_urlencoded::parse(query.as_bytes()).all(|(key, _)| key != "token"))
        }
        Ok(Some(token)) => {
            let everything = [authorization, protocols].concat().join(" ");
            let mut values = form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value);
            let found =
                everything.contains(token.expose()) || values.any(|it| it == token.expose());
            assert!(found, "a token out of nothing");
        }
        Err(refused) => assert_eq!(refused, Refused::Several),
    }
});
