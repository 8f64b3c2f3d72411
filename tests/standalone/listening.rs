//! `--listen`: addresses, and names for them.

use super::{Program, run};
use crate::conformance::client::Client;

#[tokio::test]
async fn a_name_is_resolved() {
    let program = Program::start(&["--listen", "localhost:0"], &[]).await;
    let (_ada, joined) = Client::join(&program, "visit", "ada").await;
    assert_eq!(joined["peerId"], "ada");
}

#[tokio::test]
async fn a_name_of_a_public_address_is_refused_in_open_mode() {
    // An old way to write 0.0.0.0, which we treat as a name.
    let (code, said) = run(&["--listen", "0:0"], &[]).await;
    assert_eq!(code, Some(1), "{said}");
    for part in ["0.0.0.0:0", "--listen 0:0", "--open"] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn an_invalid_address_is_refused_with_flag_value_and_what_was_expected() {
    let label = "x".repeat(64);
    let unknown = format!("{label}:80");
    for (listen, expected) in [
        ("nowhere", "a port"),
        ("localhost:http", "a port"),
        ("localhost:65536", "a port"),
        (":80", "a port"),
        ("::1:80", "[::1]:8080"),
        ("http://localhost:80", "a port"),
        (&unknown, "a name that resolves to an address"),
    ] {
        let (code, said) = run(&["--listen", listen], &[]).await;
        assert!(code.is_some_and(|code| code != 0), "{said}");
        for part in ["--listen", listen, expected] {
            assert!(said.contains(part), "{said}");
        }
    }
}
