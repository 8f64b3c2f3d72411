//! The health function: event in, answer out, as AWS sends and expects them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;
use std::time::Duration;

use lambda_http::Body;
use lambda_http::http::Response;
use lambda_http::request::LambdaRequest;
use serde_json::{Value, json};
use visio_lambda::health::{App, Checks, answer, tame};
use visio_signaling::health::words::Service;
use visio_signaling::health::{Check, Report, Took};
use visio_signaling::wire::Timestamp;

const FUNCTION_URL: &str = include_str!("events/function_url.json");
const REST: &str = include_str!("events/apigw_rest_v1.json");
const ALB: &str = include_str!("events/alb.json");

const WEBSOCKET: &str = "wss://abc.execute-api.eu-west-3.amazonaws.com/prod";

const FINE: Report = Report {
    api: Check::Operational,
    signaling_server: Check::Operational,
    video_streaming: Check::Operational,
    audio_streaming: Check::Operational,
    turn_servers: Check::NotConfigured,
    took: Took { visit: Duration::from_millis(12), turn_servers: Duration::ZERO },
    checked_at: Timestamp(1_700_000_000_000),
};

/// Reports the findings that it is given.
struct Told(Report, Check);

impl Checks for Told {
    async fn report(&self) -> Report {
        self.0
    }

    async fn table(&self) -> Check {
        self.1
    }
}

fn app(checks: Told) -> App<Told> {
    App {
        service: Service {
            name: "visio-conference".into(),
            region: "eu-west-3".into(),
            version: "1.2.3",
        },
        websocket: WEBSOCKET.into(),
        allowed_origins: Vec::new(),
        checks,
    }
}

fn fine() -> App<Told> {
    app(Told(FINE, Check::Operational))
}

/// Each kind of event, with the request as it writes it.
fn events(method: &str, path: &str, query: &str) -> [Value; 3] {
    let mut events = [FUNCTION_URL, REST, ALB].map(|text| serde_json::from_str(text).unwrap());
    let [function_url, rest, alb]: &mut [Value; 3] = &mut events;
    function_url["rawPath"] = path.into();
    function_url["rawQueryString"] = query.into();
    function_url["requestContext"]["http"]["method"] = method.into();
    function_url["requestContext"]["http"]["path"] = path.into();
    let stage = rest["requestContext"]["stage"].as_str().unwrap().to_owned();
    rest["requestContext"]["path"] = format!("/{stage}{path}").into();
    rest["requestContext"]["httpMethod"] = method.into();
    for event in [rest, alb] {
        event["path"] = path.into();
        event["httpMethod"] = method.into();
        if let Some((key, value)) = query.split_once('=') {
            event["queryStringParameters"] = json!({key: value});
        }
    }
    events
}

async fn answer_to(event: &Value, app: &App<Told>) -> Response<Body> {
    let mut event: LambdaRequest = serde_json::from_str(&event.to_string()).unwrap();
    tame(&mut event);
    answer(event.into(), app).await
}

fn body(answer: &Response<Body>) -> Value {
    assert_eq!(header(answer, "content-type"), Some("application/json"));
    serde_json::from_slice(answer.body()).unwrap()
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Seed 000's shipped handler read `httpMethod` and `path`, which the payload of a Function URL
/// does not have: every path was answered with the root document, which has no `status`, and
/// navbars stayed grey. Here the same request through each kind of event gets the same answer.
#[tokio::test]
async fn every_kind_of_event_gets_the_page_that_it_asks_for() {
    for path in ["/health", "/api/health"] {
        for event in events("GET", path, "") {
            let answer = answer_to(&event, &fine()).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(header(&answer, "cache-control"), Some("no-store"));
            let expected = json!({
                    "status": "OK",
                    "service": "visio-conference",
                    "timestamp": "2023-11-14T22:13:20.000Z",
                    "version": "1.2.3",
                    "region": "eu-west-3",
                    "uptime": "healthy",
                    "checks": {
                        "api": "operational",
                        "video_streaming": "operational",
                        "audio_streaming": "operational",
                        "signaling_server": "operational",
                        "turn_servers": "not_configured",
                    },
            "took_ms": {"signaling_server": 12, "turn_servers": 0},
                });
            assert_eq!(body(&answer), expected, "{event}");
        }
    }
    for path in ["/status", "/api/status"] {
        for event in events("GET", path, "") {
            let answer = body(&answer_to(&event, &fine()).await);
            assert_eq!(answer["message"], "Video conference service is operational", "{event}");
            assert_eq!(answer["status"], "OK");
        }
    }
}

#[tokio::test]
async fn the_query_selects_the_other_vocabulary() {
    for event in events("GET", "/health", "format=healthy") {
        let answer = answer_to(&event, &fine()).await;
        let expected = json!({
            "status": "healthy",
            "service": "visio-conference",
            "timestamp": "2023-11-14T22:13:20.000Z",
            "checks": {"api": "ok", "websocket": "ok", "streaming": "ok"},
        });
        assert_eq!(body(&answer), expected, "{event}");
    }
}

#[tokio::test]
async fn the_root_lists_the_paths() {
    for event in events("GET", "/", "") {
        let answer = body(&answer_to(&event, &fine()).await);
        let expected = json!({
            "websocket": WEBSOCKET,
            "health": "/health",
            "status": "/status",
            "live": "/livez",
            "ready": "/readyz",
        });
        assert_eq!(answer["endpoints"], expected, "{event}");
        for path in expected.as_object().unwrap().values().filter(|path| **path != WEBSOCKET) {
            for event in events("GET", path.as_str().unwrap(), "") {
                assert_eq!(answer_to(&event, &fine()).await.status(), 200, "{event}");
            }
        }
    }
}

#[tokio::test]
async fn any_other_path_is_not_found_and_gets_the_list_of_paths() {
    for path in ["/nowhere", "/health/", "//", "/metrics", "/demo/", "/ws", "/prodigy/health"] {
        for method in ["GET", "POST"] {
            for event in events(method, path, "") {
                let answer = answer_to(&event, &fine()).await;
                assert_eq!(answer.status(), 404, "{event}");
                let expected = ["/", WEBSOCKET, "/health", "/status", "/livez", "/readyz"];
                assert_eq!(body(&answer)["available_endpoints"], json!(expected));
            }
        }
    }
}

#[tokio::test]
async fn the_stage_may_be_in_the_path() {
    let [_, rest, _] = events("GET", "/prod/health", "");
    let [mut http, ..] = events("GET", "/prod/health", "");
    http["requestContext"]["stage"] = "prod".into();
    for event in [rest, http] {
        assert_eq!(body(&answer_to(&event, &fine()).await)["status"], "OK", "{event}");
    }
    let [mut http, ..] = events("GET", "/prod", "");
    http["requestContext"]["stage"] = "prod".into();
    assert!(body(&answer_to(&http, &fine()).await)["endpoints"].is_object());
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    for (path, status) in [("/", 200), ("/health", 200), ("/livez", 200), ("/nowhere", 404)] {
        for event in events("HEAD", path, "") {
            let answer = answer_to(&event, &fine()).await;
            assert_eq!((answer.status().as_u16(), answer.body().len()), (status, 0), "{event}");
            assert!(header(&answer, "content-type").is_some());
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_are_allowed() {
    for method in ["POST", "PUT", "DELETE"] {
        for event in events(method, "/health", "") {
            let answer = answer_to(&event, &fine()).await;
            assert_eq!((answer.status().as_u16(), answer.body().len()), (405, 0), "{event}");
            assert_eq!(header(&answer, "allow"), Some("GET,HEAD"));
        }
    }
}

#[tokio::test]
async fn a_preflight_is_answered_with_get() {
    for path in ["/health", "/nowhere"] {
        for event in events("OPTIONS", path, "") {
            let answer = answer_to(&event, &fine()).await;
            assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0), "{event}");
            assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
            assert_eq!(header(&answer, "access-control-allow-methods"), Some("GET"));
        }
    }
}

#[tokio::test]
async fn with_a_list_of_origins_only_listed_pages_may_read() {
    let listed = "https://clinic.example";
    let app = App { allowed_origins: vec![listed.to_owned()], ..fine() };
    for (origin, allowed) in
        [(listed, Some(listed)), ("https://evil.example", None), ("null", None)]
    {
        for (method, path) in [("GET", "/health"), ("OPTIONS", "/health"), ("GET", "/nowhere")] {
            for mut event in events(method, path, "") {
                event["headers"]["origin"] = origin.into();
                let answer = answer_to(&event, &app).await;
                assert_eq!(header(&answer, "access-control-allow-origin"), allowed, "{event}");
                assert_eq!(header(&answer, "vary"), Some("origin"));
            }
        }
    }
}

#[tokio::test]
async fn a_service_that_is_down_has_its_own_status() {
    let dead = Report {
        signaling_server: Check::Down,
        video_streaming: Check::Down,
        audio_streaming: Check::Down,
        ..FINE
    };
    let crowded = Report { signaling_server: Check::Degraded, ..FINE };
    for (report, status, word) in [(dead, 503, "DOWN"), (crowded, 200, "DEGRADED")] {
        let app = app(Told(report, Check::Operational));
        for event in events("GET", "/health", "") {
            let answer = answer_to(&event, &app).await;
            assert_eq!(answer.status(), status);
            assert_eq!(body(&answer)["status"], word);
        }
        for event in events("GET", "/status", "") {
            let answer = answer_to(&event, &app).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(body(&answer)["status"], word);
        }
    }
}

#[tokio::test]
async fn it_is_always_live_and_is_ready_when_the_table_answers() {
    for (table, ready) in [(Check::Operational, 200), (Check::Down, 503)] {
        for (path, status) in [("/livez", 200), ("/readyz", ready)] {
            for event in events("GET", path, "") {
                let answer = answer_to(&event, &app(Told(FINE, table))).await;
                assert_eq!(answer.status(), status, "{event}");
                assert_eq!(header(&answer, "content-type"), Some("text/plain; charset=utf-8"));
            }
        }
    }
}

/// `lambda_http` alone panics on these, and if a panic aborts, the next client waits for a cold
/// start.
#[tokio::test]
async fn no_request_ends_the_process() {
    for query in ["a=<b>", "a=b c", "a=\"", "a=\u{7f}é", &"a".repeat(70_000)] {
        for event in events("GET", "/health", query) {
            assert_eq!(answer_to(&event, &fine()).await.status(), 200);
        }
    }
    for host in ["[", "a b", "a:99999", ""] {
        for mut event in events("GET", "/health", "") {
            event["headers"]["host"] = host.into();
            event["headers"]["x-forwarded-proto"] = "javascript:".into();
            assert_eq!(answer_to(&event, &fine()).await.status(), 200);
        }
    }
    for path in ["", "/a b<>|é?%zz#", "///", "/\u{7f}"] {
        for event in events("GET", path, "") {
            answer_to(&event, &fine()).await;
        }
    }
}

#[test]
fn a_missing_variable_is_named_before_the_first_event() {
    let lambdas =
        ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|it| (it, "test"));
    let mut health = Command::new(env!("CARGO_BIN_EXE_health"));
    let health = health.env_clear().envs(lambdas).output().unwrap();
    assert!(!health.status.success());
    let said = String::from_utf8(health.stderr).unwrap();
    assert!(said.contains("VISIO_TABLE"), "{said}");
}
