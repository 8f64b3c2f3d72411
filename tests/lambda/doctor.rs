//! `visio doctor` examines what runs behind API Gateway, too.

use clap::Parser;
use serde_json::Value;
use visio_signaling::doctor::DoctorFlags;

use super::super::Lambda;
use crate::conformance::{Runtime, Settings};

const SECRET: &str = "a secret of the tests, of 32 bytes or more";

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    flags: DoctorFlags,
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_the_functions() {
    let lambda = Lambda::start(Settings::default()).await;
    let report = examined(&[&lambda.websocket_url()]).await;
    for step in ["tcp", "upgrade", "join", "relay", "latency"] {
        assert_eq!(verdict(&report, step), "ok", "{report}");
    }
}

#[tokio::test]
async fn the_doctor_says_that_the_functions_want_a_token() {
    let settings = Settings { jwt_secret: Some(SECRET), ..Settings::default() };
    let lambda = Lambda::start(settings).await;
    let url = lambda.websocket_url();
    let report = examined(&[&url]).await;
    assert_eq!((verdict(&report, "upgrade"), verdict(&report, "join")), ("ok", "failed"));
    let report = examined(&[&url, "--jwt-secret", SECRET]).await;
    assert_eq!(verdict(&report, "relay"), "ok", "{report}");
}

#[tokio::test]
async fn the_doctor_notices_a_stage_that_is_not_there() {
    let lambda = Lambda::start(Settings::default()).await;
    let report = examined(&[&lambda.websocket_url().replace("/prod", "/elsewhere")]).await;
    assert_eq!(verdict(&report, "upgrade"), "failed", "{report}");
}

async fn examined(args: &[&str]) -> Value {
    let typed = Typed::parse_from([&["doctor"], args].concat());
    let report = typed.flags.resolve().expect("valid flags").examine().await;
    serde_json::to_value(report).expect("JSON")
}

fn verdict<'a>(report: &'a Value, step: &str) -> &'a str {
    let steps = report["steps"].as_array().expect("steps");
    let step = steps.iter().find(|it| it["step"] == step).expect("the step");
    step["verdict"].as_str().expect("a verdict")
}
