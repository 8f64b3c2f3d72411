//! The visit page: who may frame it, a clinic's own look, and the modules that it is built on.

use serde_json::{Value, json};

use super::certificate::Directory;
use super::{Program, run};
use crate::conformance::request::get;
use crate::conformance::tokens::SECRET;

const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[tokio::test]
async fn only_listed_sites_may_frame_the_page() {
    let flags = ["--frame-ancestor", "https://a.example", "--frame-ancestor", "https://b.example"];
    let program = Program::start(&[&LOOPBACK[..], &flags].concat(), &[]).await;
    let page = get(&program, "/demo/").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("frame-ancestors https://a.example https://b.example;"), "{policy}");
    let permissions = page.header("permissions-policy").expect("a policy");
    assert!(permissions.contains("display-capture=(self)"), "{permissions}");
}

#[tokio::test]
async fn the_page_reads_a_clinics_look_and_whether_it_needs_an_invitation() {
    let plain = Program::start(&LOOPBACK, &[]).await;
    let settings: Value = get(&plain, "/demo/settings.json").await.json();
    assert_eq!(settings, json!({"tokens": false}));
    assert_eq!(get(&plain, "/demo/logo").await.status, 404);

    let directory = Directory::new();
    let logo = directory.write("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let look = ["--page-name", "Clinic", "--page-color", "#0b6e72", "--page-logo", &logo];
    let flags = [&LOOPBACK[..], &look, &["--jwt-secret", SECRET]].concat();
    let program = Program::start(&flags, &[]).await;
    let settings: Value = get(&program, "/demo/settings.json").await.json();
    let expected = json!({"tokens": true, "name": "Clinic", "color": "#0b6e72", "logo": "logo"});
    assert_eq!(settings, expected);
    let logo = get(&program, "/demo/logo").await;
    assert_eq!((logo.status, logo.header("content-type")), (200, Some("image/svg+xml")));
    let policy = logo.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
}

#[tokio::test]
async fn a_look_that_cannot_be_shown_is_refused_at_the_start() {
    for (flag, value, expected) in [
        ("--page-color", "red", "expected six hex digits"),
        ("--page-logo", "/dev/zero.svg", "--page-logo /dev/zero.svg: expected an SVG, PNG or JPEG"),
        (
            "--frame-ancestor",
            "https://a.example/page",
            "--frame-ancestor \"https://a.example/page\"",
        ),
        ("--frame-ancestor", "'none'; script-src *", "expected a scheme and a host"),
    ] {
        let (code, said) = run(&[&LOOPBACK[..], &[flag, value]].concat(), &[]).await;
        assert!(code.is_some_and(|code| code != 0), "{flag} {value}: {said}");
        assert!(said.contains(expected), "{flag} {value}: {said}");
    }
}

#[tokio::test]
async fn the_client_package_is_served_with_the_page_and_to_other_sites() {
    let program = Program::start(&LOOPBACK, &[]).await;
    for module in ["index.js", "element.js", "visit.js"] {
        let answer = get(&program, &format!("/demo/client/{module}")).await;
        assert_eq!(answer.status, 200, "{module}");
        assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    for absent in ["package.json", "../package.json", "..%2fpackage.json", "nothing.js", ""] {
        assert_eq!(get(&program, &format!("/demo/client/{absent}")).await.status, 404, "{absent}");
    }
    assert_eq!(get(&program, "/demo/check").await.status, 200);
}
