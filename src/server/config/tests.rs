//! Flags, and the configuration they resolve to.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    flags: Flags,
}

fn flags(args: &[&str]) -> Result<Flags, String> {
    let args = ["visio"].iter().chain(args);
    Typed::try_parse_from(args).map(|typed| typed.flags).map_err(|error| error.to_string())
}

/// The first address to listen on, and the configuration.
fn resolved(args: &[&str]) -> Result<(SocketAddr, Config), ConfigError> {
    flags(args).unwrap().resolve().map(|(listen, config)| (listen.all[0], config))
}

#[test]
fn the_server_listens_on_loopback_by_default() {
    let (listen, config) = resolved(&[]).unwrap();
    assert_eq!(listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.rules, Rules::default());
    assert_eq!(config.max_message_bytes, Config::default().max_message_bytes);
}

#[test]
fn open_mode_refuses_a_public_address_and_says_what_to_do() {
    for listen in ["0.0.0.0:80", "192.0.2.1:8080", "[::]:8080", "[2001:db8::1]:8080"] {
        let error = resolved(&["--listen", listen]).unwrap_err().to_string();
        assert!(error.contains(listen) && error.contains("--open"), "{error}");
        assert!(resolved(&["--listen", listen, "--open"]).is_ok());
    }
    for listen in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:8080", "[::ffff:127.0.0.1]:1"] {
        assert!(resolved(&["--listen", listen]).is_ok(), "{listen}");
    }
}

#[test]
fn a_server_with_a_token_key_may_listen_on_any_address() {
    let secret = "a secret of tests that has 32 bytes or more";
    let args = ["--listen", "0.0.0.0:80", "--jwt-secret", secret];
    let (listen, config) = resolved(&args).unwrap();
    assert!(!config.gatekeeper.is_open());
    assert_eq!(listen, "0.0.0.0:80".parse().unwrap());
    assert!(!format!("{config:?}").contains(secret));
}

#[test]
fn port_alone_means_every_address_and_listen_overrides_it() {
    let (listen, _) = resolved(&["--port", "5000", "--open"]).unwrap();
    assert_eq!(listen, "0.0.0.0:5000".parse().unwrap());
    let (listen, _) = resolved(&["--port", "5000", "--listen", "127.0.0.1:1"]).unwrap();
    assert_eq!(listen, "127.0.0.1:1".parse().unwrap());
}

#[test]
fn a_value_out_of_range_is_refused_with_flag_value_and_range() {
    for (flag, value, range) in [
        ("--max-peers-per-room", "0", "1..=256"),
        ("--max-peers-per-room", "257", "1..=256"),
        ("--max-message-bytes", "1023", "1024..=1048576"),
        ("--heartbeat-seconds", "0", "1..=3600"),
        ("--drain-seconds", "3601", "0..=3600"),
    ] {
        let error = flags(&[flag, value]).unwrap_err();
        for part in [flag, value, range] {
            assert!(error.contains(part), "{error}");
        }
    }
    assert!(flags(&["--message-rate", "-1"]).is_err());
    assert!(flags(&["--listen", "localhost"]).unwrap_err().contains("--listen"));
}

#[test]
fn origins_are_repeatable_and_compared_as_browsers_send_them() {
    let args = ["--allowed-origin", "https://A.example,http://localhost:3000"];
    let (_, config) = resolved(&args).unwrap();
    assert_eq!(config.allowed_origins, ["https://a.example", "http://localhost:3000"]);
    for bad in ["a.example", "https://a.example/", "*", "https://", "https://*.a.example"] {
        assert!(resolved(&["--allowed-origin", bad]).is_err(), "{bad}");
    }
}

#[test]
fn an_empty_list_of_origins_does_not_mean_any_origin() {
    for empty in ["", " ", ",", " , "] {
        assert_eq!(resolved(&["--allowed-origin", empty]).unwrap_err(), ConfigError::NoOrigin);
    }
    assert!(resolved(&[]).unwrap().1.allowed_origins.is_empty());
}

#[test]
fn proxies_are_repeatable_networks() {
    let args = ["--trusted-proxy", "10.0.0.0/8,fd00::/8", "--trusted-proxy", "192.0.2.1"];
    let expected = ["10.0.0.0/8", "fd00::/8", "192.0.2.1"].map(|text| text.parse().unwrap());
    assert_eq!(resolved(&args).unwrap().1.trusted_proxies, expected);
}

#[test]
fn one_burst_is_half_a_queue_unless_it_is_set() {
    let of = |args: &[&str]| {
        let config = resolved(args).unwrap().1;
        (config.byte_burst as usize, config.queue_bytes)
    };
    assert_eq!(of(&[]), (256 * 1024, 512 * 1024));
    assert_eq!(of(&[]).0, Config::default().byte_burst as usize);
    assert_eq!(of(&["--max-peers-per-room", "256"]), (4 << 20, 8 << 20));
    assert_eq!(of(&["--max-message-bytes", "1048576"]), (2 << 20, 4 << 20));
    assert_eq!(of(&["--byte-burst", "7"]).0, 7);
}
