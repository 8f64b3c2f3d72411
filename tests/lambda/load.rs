//! `visio load` holds visits with what runs behind API Gateway, too.

use clap::Parser;
use serde_json::Value;
use visio_gateway::Faults;
use visio_signaling::load::LoadFlags;

use super::super::{HELD_BACK, Lambda};
use crate::conformance::{Runtime, Settings};

const SECRET: &str = "a secret of the tests, of 32 bytes or more";

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    flags: LoadFlags,
}

#[tokio::test]
async fn visits_with_tokens_are_held_with_the_functions() {
    let settings = Settings { jwt_secret: Some(SECRET), ..Settings::default() };
    let lambda = Lambda::start(settings).await;
    let directory = std::env::temp_dir().join(format!("visio-load-{}", std::process::id()));
    std::fs::write(&directory, SECRET).expect("a file");
    let file = directory.to_str().expect("UTF-8");
    let (code, report) = held(&lambda, &["--users", "3", "--jwt-secret-file", file]).await;
    std::fs::remove_file(&directory).expect("the file");
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["successRate"], 100.0, "{report}");
}

#[tokio::test]
async fn frames_that_the_gateway_reorders_are_counted_and_do_not_fail_the_run() {
    let lambda = Lambda::start(Settings::default()).await;
    lambda.gateway.set_faults(Faults { seed: 1, reorder: HELD_BACK, ..Faults::default() });
    let (code, report) = held(&lambda, &["--users", "4"]).await;
    assert_eq!(code, 0, "{report}");
    assert!(report["faults"]["reordered"].as_u64() > Some(0), "{report}");
}

async fn held(lambda: &Lambda, args: &[&str]) -> (u8, Value) {
    let url = lambda.websocket_url();
    // Each group holds one visit: the next would begin after that second.
    let short = ["load", &url, "--duration", "1s", "--ramp-up", "0s", "--think", "300ms"];
    let typed = Typed::parse_from([&short[..], &["--any-order"], args].concat());
    let load = typed.flags.resolve().expect("valid flags");
    let report = load.run(std::future::pending()).await.expect("visits");
    (report.exit_code(), serde_json::to_value(&report).expect("JSON"))
}
