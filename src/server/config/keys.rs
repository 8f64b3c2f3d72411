//! The keys of visit tokens: a secret, or a file that can be reloaded while the server runs.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use tracing::warn;

use crate::redact::Redacted;
use crate::server::regular_file;
use crate::token::{BadKey, Gatekeeper, Keys, Skipped};

/// The flags that name the key of visit tokens. Without a key the server is in open mode.
#[derive(Debug, Clone, Default, Args)]
pub struct KeyFlags {
    /// Secret that visit tokens are signed with (HS256), at least 32 bytes. Prefer the environment
    /// variable: anybody who can list processes can read a flag
    #[arg(long, env = "VISIO_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[arg(value_parser = redacted, conflicts_with_all = ["jwt_public_key", "jwks"])]
    jwt_secret: Option<Redacted<String>>,

    /// Public key that verifies visit tokens, a PEM file: RSA for RS256, P-256 for ES256, Ed25519
    /// for EdDSA. Reloaded on SIGHUP
    #[arg(long, env = "VISIO_JWT_PUBLIC_KEY", value_name = "FILE", conflicts_with = "jwks")]
    jwt_public_key: Option<PathBuf>,

    /// JWK Set that verifies visit tokens, for keys that are rotated. Reloaded on SIGHUP
    #[arg(long, env = "VISIO_JWKS", value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// Audience (`aud`) that visit tokens must name [default: they must not name one]
    #[arg(long, env = "VISIO_JWT_AUDIENCE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,
}

/// An invalid setting for the key of visit tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An invalid secret.
    #[error("{SECRET} (VISIO_JWT_SECRET): {0}")]
    Secret(BadKey),
    /// A file that cannot be read.
    #[error("{flag} {file}: could not read the file: {reason}")]
    Unreadable {
        /// The flag that named it.
        flag: &'static str,
        /// Its path.
        file: String,
        /// What the operating system said.
        reason: String,
    },
    /// A file without a valid key.
    #[error("{flag} {file}: {bad}")]
    File {
        /// The flag that named it.
        flag: &'static str,
        /// Its path.
        file: String,
        /// What is wrong with it.
        bad: BadKey,
    },
    /// An audience without a key, so no token would ever be checked against it.
    #[error("--jwt-audience: expected together with a key: {SECRET}, {PUBLIC_KEY} or {JWKS}")]
    AudienceAlone,
}

const SECRET: &str = "--jwt-secret";
const PUBLIC_KEY: &str = "--jwt-public-key";
const JWKS: &str = "--jwks";

impl KeyFlags {
    /// The gatekeeper, and the file with its keys, if there is one.
    pub(super) fn resolve(self) -> Result<(Gatekeeper, Option<Arc<KeyFile>>), KeyError> {
        let Self { jwt_secret, jwt_public_key, jwks, jwt_audience: audience } = self;
        let file = match (jwt_public_key, jwks) {
            (Some(path), _) => KeyFile::load(PUBLIC_KEY, path, Keys::from_pem)?,
            (None, Some(path)) => KeyFile::load(JWKS, path, Keys::from_jwks)?,
            (None, None) => {
                return match jwt_secret {
                    Some(secret) => {
                        let keys = Keys::from_secret(secret.expose()).map_err(KeyError::Secret)?;
                        Ok((keys.gatekeeper(audience), None))
                    }
                    None if audience.is_some() => Err(KeyError::AudienceAlone),
                    None => Ok((Gatekeeper::default(), None)),
                };
            }
        };
        let file = Arc::new(file);
        Ok((Arc::clone(&file).gatekeeper(audience), Some(file)))
    }
}

/// Parses a flag that clap must never print.
pub(crate) fn redacted(text: &str) -> Result<Redacted<String>, Infallible> {
    Ok(Redacted::new(text.to_owned()))
}

/// Keys that were read from a file.
pub struct KeyFile {
    flag: &'static str,
    path: PathBuf,
    read: fn(&str) -> Result<Keys, BadKey>,
    current: RwLock<Keys>,
}

impl KeyFile {
    fn load(
        flag: &'static str,
        path: PathBuf,
        read: fn(&str) -> Result<Keys, BadKey>,
    ) -> Result<Self, KeyError> {
        let current = RwLock::new(keys(flag, &path, read)?);
        Ok(Self { flag, path, read, current })
    }

    /// Reloads the file, for tokens verified from now on. If the file is invalid, nothing changes.
    pub fn reload(&self) -> Result<(), KeyError> {
        let keys = keys(self.flag, &self.path, self.read)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn gatekeeper(self: Arc<Self>, audience: Option<String>) -> Gatekeeper {
        Gatekeeper::new(move |token, now| {
            let keys = self.current.read().unwrap_or_else(PoisonError::into_inner);
            keys.verify(token, audience.as_deref(), now)
        })
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.path).finish_non_exhaustive()
    }
}

fn keys(
    flag: &'static str,
    path: &std::path::Path,
    read: fn(&str) -> Result<Keys, BadKey>,
) -> Result<Keys, KeyError> {
    let file = path.display().to_string();
    let text = match regular_file::text(path) {
        Ok(text) => text,
        Err(error) => {
            return Err(KeyError::Unreadable { flag, file, reason: error.to_string() });
        }
    };
    let keys = read(&text).map_err(|bad| KeyError::File { flag, file: file.clone(), bad })?;
    if let Some(Skipped { count: skipped, nth, first }) = keys.skipped() {
        warn!(skipped, first = nth, why = %first, "{flag} {file}: skipped keys of the set");
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Grant;
    use crate::token::{Refused, mint};
    use crate::wire::{FromText, PeerId, Role, RoomId, Timestamp, Token};
    use clap::Parser;
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::json;

    const SECRETS: [&str; 2] =
        ["the secret of last month, 32 bytes", "the secret of this month, 32 bytes"];
    const NOW: Timestamp = Timestamp(1_000_000);

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        flags: KeyFlags,
    }

    fn resolved(args: &[&str]) -> Result<(Gatekeeper, Option<Arc<KeyFile>>), String> {
        let typed = Typed::try_parse_from(["visio"].iter().chain(args));
        let flags = typed.map_err(|error| error.to_string())?.flags;
        flags.resolve().map_err(|error| error.to_string())
    }

    fn refused(args: &[&str]) -> String {
        resolved(args).unwrap_err()
    }

    /// A temporary file, deleted when dropped.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("visio-{}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }

        fn path(&self) -> &str {
            self.0.to_str().unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn set_of(secret: &str) -> String {
        json!({"keys": [{"kty": "oct", "k": BASE64URL_NOPAD.encode(secret.as_bytes())}]})
            .to_string()
    }

    fn token(secret: &str, audience: Option<&str>) -> Token {
        let grant = Grant {
            subject: PeerId::parse("ada").unwrap(),
            room: RoomId::fallback(),
            role: Role::Guest,
            name: None,
            relay_only: false,
            lobby: false,
            capacity: None,
            expires_at: NOW,
            visit_end: None,
            readmitted_at: None,
        };
        mint(secret, &grant, audience).unwrap()
    }

    #[test]
    fn a_server_without_a_key_is_in_open_mode() {
        let (gatekeeper, file) = resolved(&[]).unwrap();
        assert!(gatekeeper.is_open() && file.is_none());
        assert!(refused(&["--jwt-audience", "visio"]).contains("--jwt-secret"));
        assert!(refused(&["--jwt-audience", ""]).contains("--jwt-audience"));
    }

    #[test]
    fn a_secret_accepts_only_tokens_signed_with_it() {
        let (gatekeeper, _) = resolved(&["--jwt-secret", SECRETS[0]]).unwrap();
        assert!(gatekeeper.check(&token(SECRETS[0], None), NOW).unwrap().is_some());
        assert_eq!(gatekeeper.check(&token(SECRETS[1], None), NOW), Err(Refused::Signature));
        let args = ["--jwt-secret", SECRETS[0], "--jwt-audience", "visio"];
        let (gatekeeper, _) = resolved(&args).unwrap();
        assert!(gatekeeper.check(&token(SECRETS[0], Some("visio")), NOW).is_ok());
        assert!(gatekeeper.check(&token(SECRETS[0], None), NOW).is_err());
    }

    #[test]
    fn two_kinds_of_key_are_refused() {
        let kinds = [["--jwt-secret", SECRETS[0]], ["--jwt-public-key", "a"], ["--jwks", "b"]];
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let error = refused(&[kinds[one], kinds[other]].concat());
            assert!(error.contains(kinds[one][0]) && error.contains(kinds[other][0]), "{error}");
            assert!(!error.contains(SECRETS[0]), "{error}");
        }
    }

    #[test]
    fn an_invalid_key_is_refused_by_its_flag_and_never_shown() {
        let file = File::new("bad", "a secret thing");
        for (args, parts) in [
            (["--jwt-secret", ""], ["--jwt-secret", "32 bytes"]),
            (["--jwt-secret", "a secret thing"], ["--jwt-secret", "32 bytes"]),
            (["--jwt-public-key", "/nowhere/a.pem"], ["--jwt-public-key /nowhere", "No such file"]),
            (["--jwks", "/"], ["--jwks /", "could not read the file"]),
            (["--jwt-public-key", file.path()], ["--jwt-public-key", "BEGIN PUBLIC KEY"]),
            (["--jwks", file.path()], ["--jwks", "JWK Set"]),
            (["--jwks", ""], ["--jwks", "value"]),
        ] {
            let error = refused(&args);
            assert!(parts.iter().all(|part| error.contains(part)), "{args:?}: {error}");
            assert!(!error.contains("secret thing"), "{error}");
        }
        let typed = Typed::try_parse_from(["visio", "--jwt-secret", SECRETS[0]]).unwrap();
        assert!(!format!("{typed:?}").contains(SECRETS[0]));
    }

    #[test]
    fn a_file_can_be_reloaded_and_an_invalid_one_changes_nothing() {
        let file = File::new("set", &set_of(SECRETS[0]));
        let (gatekeeper, kept) = resolved(&["--jwks", file.path()]).unwrap();
        let kept = kept.unwrap();
        let good = |secret| gatekeeper.check(&token(secret, None), NOW).is_ok();
        assert_eq!(SECRETS.map(good), [true, false]);
        std::fs::write(&file.0, "half a file").unwrap();
        assert!(matches!(kept.reload(), Err(KeyError::File { flag: JWKS, .. })));
        assert_eq!(SECRETS.map(good), [true, false]);
        std::fs::write(&file.0, set_of(SECRETS[1])).unwrap();
        assert_eq!(kept.reload(), Ok(()));
        assert_eq!(SECRETS.map(good), [false, true]);
    }
}
