//! Certificates that a browser refuses, and those that it will soon refuse.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::super::Program;
use super::super::certificate::{Certificate, Directory};
use super::{doctor, servers};
use crate::conformance::Runtime;

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_good_certificate_is_good_and_its_end_is_told() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let flags = directory.flags(&certificate);
    let mut args = vec!["--listen", "127.0.0.1:0"];
    args.extend(flags.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    let (url, ca) = (format!("https://{}", program.http_address()), directory.path("cert.pem"));
    let found = doctor(&[&url, "--ca", &ca]).await;
    assert_eq!((found.code, found.verdict("tls")), (0, "ok"), "{}", found.text);
    assert_eq!(found.step("tls")["details"]["certificateEnds"], "4096-01-01T00:00:00Z");
    assert_eq!(found.verdict("relay"), "ok");

    let found = doctor(&[&url]).await;
    found.fails("tls", 12, &["self-signed", "--ca"]);
    let plain = format!("ws://{}", program.http_address());
    doctor(&[&plain]).await.fails("upgrade", 13, &["serves TLS", "wss"]);
    let found = doctor(&[&url.replace("127.0.0.1", "127.0.0.2"), "--ca", &ca]).await;
    assert_eq!((found.code, found.verdict("tcp")), (11, "failed"), "{}", found.text);
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_not_valid_yet_is_found() {
    for (from, until, parts) in [
        ((2020, 1, 1), (2021, 2, 3), ["expired at 2021-02-03", "Renew it"]),
        ((4000, 1, 1), (4001, 1, 1), ["not valid before 4000-01-01", "clocks"]),
    ] {
        let (certificate, directory) = (Certificate::valid(from, until), Directory::new());
        let ca = directory.write("ca.pem", &certificate.pem);
        let server = servers::secure(&certificate.pem, &certificate.key).await;
        let found = doctor(&[&format!("wss://{server}"), "--ca", &ca]).await;
        found.fails("tls", 12, &parts);
    }
}

#[tokio::test]
async fn a_certificate_that_expires_soon_is_a_warning() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let (pem, key) = made(|params| {
        params.not_after = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(5 * DAY);
    });
    let directory = Directory::new();
    let ca = directory.write("ca.pem", &pem);
    let server = servers::secure(&pem, &key).await;
    let found = doctor(&[&format!("wss://{server}"), "--ca", &ca, "--until", "tls"]).await;
    found.warns("tls", &["in 4 days", "Renew it"]);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_found() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let ca = directory.write("ca.pem", &certificate.pem);
    let (pem, key) = made(|params| {
        params.subject_alt_names.clear();
        params.subject_alt_names.push(rcgen::SanType::DnsName("other.example".try_into().unwrap()));
    });
    let both = directory.write("both.pem", &format!("{pem}{}", certificate.pem));
    let server = servers::secure(&pem, &key).await;
    let found = doctor(&[&format!("wss://{server}"), "--ca", &both]).await;
    found.fails("tls", 12, &["other.example", "127.0.0.1"]);
    let found = doctor(&[&format!("wss://{server}"), "--ca", &ca]).await;
    found.fails("tls", 12, &["--ca"]);
}

#[tokio::test]
async fn a_missing_intermediate_certificate_is_found() {
    let (chain, directory) = (servers::Chain::new(), Directory::new());
    let ca = directory.write("ca.pem", &chain.root);
    let whole = format!("{}{}", chain.own, chain.intermediate);
    let server = servers::secure(&whole, &chain.key).await;
    let found = doctor(&[&format!("wss://{server}"), "--ca", &ca, "--until", "tls"]).await;
    assert_eq!((found.code, found.verdict("tls")), (0, "ok"), "{}", found.text);
    let server = servers::secure(&chain.own, &chain.key).await;
    let found = doctor(&[&format!("wss://{server}"), "--ca", &ca]).await;
    found.fails("tls", 12, &["its own certificate alone", "fullchain.pem"]);
}

#[tokio::test]
async fn an_authoritys_certificate_is_not_a_servers() {
    let (pem, key) = made(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let directory = Directory::new();
    let ca = directory.write("ca.pem", &pem);
    let server = servers::secure(&pem, &key).await;
    let found = doctor(&[&format!("wss://{server}"), "--ca", &ca]).await;
    found.fails("tls", 12, &["CA:TRUE", "CA:FALSE"]);
}

/// A self-signed certificate, and its key, for this machine.
fn made(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}
