//! Credentials of the TURN REST form, as coturn's `use-auth-secret` takes them ("A REST API For
//! Access To TURN Services", draft-uberti-behave-turn-rest-00, section 2.2).

use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::Mint;
use crate::redact::Redacted;
use crate::wire::{Timestamp, TurnCredentials};

/// Makes credentials that a TURN server with this secret accepts.
pub fn minted_with(secret: &str) -> Mint {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    Arc::new(move |until| signed(&key, until, &suffix()))
}

/// The user name is the end in seconds and a random suffix. It reaches the logs of the TURN server,
/// so it says nothing of whom it was made for. Two clients never share one, so a quota for each
/// user of the TURN server is one for each client.
fn signed(key: &hmac::Key, until: Timestamp, suffix: &str) -> TurnCredentials {
    let username = format!("{}:{suffix}", until.0 / 1000);
    let credential = BASE64.encode(hmac::sign(key, username.as_bytes()).as_ref());
    TurnCredentials { username: Redacted::new(username), credential: Redacted::new(credential) }
}

fn suffix() -> String {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 1700000600:alice | openssl dgst -sha1 -hmac north -binary | base64`
    #[test]
    fn the_password_is_the_hmac_of_the_user_name() {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"north");
        let made = signed(&key, Timestamp(1_700_000_600_999), "alice");
        assert_eq!(made.username.expose(), "1700000600:alice");
        assert_eq!(made.credential.expose(), "gthUwOpcRoLI0MMCziCEBOWYnpo=");
    }

    #[test]
    fn no_two_clients_get_the_same() {
        let mint = minted_with("north");
        let [one, other] = [(); 2].map(|()| mint(Timestamp(1_700_000_600_000)));
        assert_ne!(one.username, other.username);
        assert!(one.username.expose().starts_with("1700000600:"));
    }
}
