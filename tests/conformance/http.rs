//! The HTTP side of the port: what the service is, whether it works, and the page.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{PATIENCE, meet};
use super::request::{get, request};
use super::{Runtime, Settings};

pub async fn the_root_names_the_service_and_the_other_paths<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let answer = get(&server, "/").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["service"], "visio-conference");
    assert!(body["version"].as_str().is_some_and(|version| !version.is_empty()), "{body}");
    assert_rfc3339(&body["timestamp"]);
    let endpoints = body["endpoints"].as_object().expect("endpoints");
    assert!(!endpoints.is_empty());
    for (name, place) in endpoints {
        let place = place.as_str().expect("a path or an address");
        if name == "websocket" && !R::PROFILE.one_address {
            assert_eq!(place, server.websocket_url());
            continue;
        }
        let expected = if name == "websocket" { 426 } else { 200 };
        assert_eq!(get(&server, place).await.status, expected, "{name}: {place}");
    }
}

pub async fn health_tells_the_truth_in_the_navbars_vocabulary<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in ["/health", "/api/health"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200);
        let mut body = answer.json();
        assert_rfc3339(&body["timestamp"].take());
        assert!(body["version"].take().is_string() && body["region"].take().is_string());
        let expected = json!({
            "status": "OK",
            "service": "visio-conference",
            "timestamp": null,
            "version": null,
            "region": null,
            "uptime": "healthy",
            "checks": {
                "api": "operational",
                "video_streaming": "operational",
                "audio_streaming": "operational",
                "signaling_server": "operational",
                "turn_servers": "not_configured",
            },
        });
        let took = body.as_object_mut().unwrap().remove("took_ms").expect("durations");
        assert!(took["signaling_server"].is_u64() && took["turn_servers"] == 0, "{took}");
        assert_eq!(body, expected);
    }
}

pub async fn health_tells_the_truth_in_the_other_vocabulary<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in ["/health?format=healthy", "/api/health?a=b&format=healthy"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200);
        let mut body = answer.json();
        assert_rfc3339(&body["timestamp"].take());
        let expected = json!({
            "status": "healthy",
            "service": "visio-conference",
            "timestamp": null,
            "checks": {"api": "ok", "websocket": "ok", "streaming": "ok"},
        });
        assert_eq!(body, expected);
    }
}

pub async fn the_health_check_leaves_nothing_behind<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    assert_eq!(get(&server, "/health").await.status, 200);
    // Its last goodbye may still be on the way.
    let only_ours = async {
        loop {
            ada.send(json!({"type": "room_list"})).await;
            let rooms = ada.expect("room_list").await;
            if rooms["rooms"] == json!([{"roomId": "visit", "peerCount": 1}]) {
                return;
            }
        }
    };
    timeout(PATIENCE, only_ours).await.expect("the room of the check to vanish");
}

pub async fn a_full_server_is_degraded_and_not_down<R: Runtime>() {
    let server = R::start(Settings { max_connections: 2, ..Settings::default() }).await;
    let [mut ada, _bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let answer = get(&server, "/health").await;
    let expected = if R::PROFILE.limits_connections { "DEGRADED" } else { "OK" };
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(expected)));
    ada.expect_nothing().await;
}

pub async fn polling_costs_one_check<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let first = get(&server, "/health").await.json();
    for path in ["/health", "/api/health", "/health?format=healthy", "/status"] {
        assert_eq!(get(&server, path).await.json()["timestamp"], first["timestamp"], "{path}");
    }
}

pub async fn status_is_one_sentence<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in ["/status", "/api/status"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200);
        let body = answer.json();
        assert_eq!((&body["status"], &body["service"]), (&json!("OK"), &json!("visio-conference")));
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert_rfc3339(&body["timestamp"]);
    }
}

pub async fn a_load_balancer_learns_that_the_server_is_live_and_ready<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in ["/livez", "/readyz"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200, "{path}");
        let kind = answer.header("content-type").expect("a type");
        assert!(kind.starts_with("text/plain"), "{kind}");
    }
}

pub async fn the_page_is_served_and_fetches_nothing_from_outside<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    if !R::PROFILE.serves_page {
        return no_page(&server).await;
    }
    let redirect = get(&server, "/demo").await;
    assert!([301, 302, 307, 308].contains(&redirect.status), "{redirect:?}");
    assert_eq!(redirect.header("location"), Some("/demo/"));
    let page = get(&server, "/demo/").await;
    assert_eq!(page.status, 200);
    let kind = page.header("content-type").expect("a type");
    assert!(kind.starts_with("text/html"), "{kind}");
    assert!(page.body.to_ascii_lowercase().contains("<!doctype html>"));
    let policy = page.header("content-security-policy").expect("a policy");
    for part in ["default-src 'self'", "frame-ancestors 'none'", "media-src 'self' blob:"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

pub async fn files_that_the_page_loads_are_served_with_their_types<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    if !R::PROFILE.serves_page {
        return no_page(&server).await;
    }
    let page = get(&server, "/demo/").await.body;
    let quoted = page.split('"').filter(|text| text.ends_with(".js") || text.ends_with(".css"));
    let mut found = 0;
    for file in quoted {
        assert!(!file.contains("//"), "{file} comes from elsewhere");
        let answer = get(&server, &format!("/demo/{}", file.trim_start_matches("./"))).await;
        assert_eq!(answer.status, 200, "{file}");
        let expected = if file.ends_with(".js") { "javascript" } else { "text/css" };
        let kind = answer.header("content-type").expect("a type");
        assert!(kind.contains(expected), "{file} is {kind}");
        found += 1;
    }
    assert!(found > 0, "the page has a script");
}

/// Asserts that there is nothing at the page's path, and that no answer points there.
async fn no_page(server: &impl Runtime) {
    for path in ["/demo", "/demo/", "/demo/index.html"] {
        let answer = get(server, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("demo"), "{answer:?}");
    }
}

pub async fn any_other_path_is_not_found_and_gets_the_list_of_paths<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for path in [
        "/nowhere",
        "/health/",
        "/api",
        "/demo/nothing.js",
        "/demo/../Cargo.toml",
        "/demo/..%2f..%2fCargo.toml",
        "/demo/%2e%2e/%2e%2e/Cargo.toml",
        "/demo//etc/passwd",
        "//",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 404, "{path}");
        let body = answer.json();
        assert_eq!(body["error"], "Not Found");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        let endpoints = body["available_endpoints"].as_array().expect("endpoints");
        assert!(endpoints.contains(&json!("/health")), "{body}");
    }
}

pub async fn without_a_list_of_origins_any_page_may_read<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let origin = [("Origin", "https://anywhere.example")];
    for path in ["/", "/health", "/status", "/nowhere"] {
        let answer = request(&server, "GET", path, &origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}

pub async fn with_a_list_of_origins_only_listed_pages_may_read<R: Runtime>() {
    let listed = "https://clinic.example";
    let settings = Settings { allowed_origins: vec![listed.to_owned()], ..Settings::default() };
    let server = R::start(settings).await;
    let answer = request(&server, "GET", "/status", &[("Origin", listed)]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some(listed));
    let vary = answer.header("vary").expect("caches are told");
    assert!(vary.to_ascii_lowercase().contains("origin"), "{vary}");
    for origin in ["https://evil.example", "null"] {
        let answer = request(&server, "GET", "/status", &[("Origin", origin)]).await;
        // The browser is what keeps the page from reading.
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
}

pub async fn a_preflight_is_answered_with_get<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let headers =
        [("Origin", "https://anywhere.example"), ("Access-Control-Request-Method", "GET")];
    let answer = request(&server, "OPTIONS", "/health", &headers).await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET"));
}

/// Asserts that this is a time such as `2023-11-14T22:13:20.123Z`.
fn assert_rfc3339(value: &Value) {
    let text = value.as_str().expect("a time");
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (seconds, fraction) = shape.split_at(19.min(shape.len()));
    assert_eq!(seconds, "0000-00-00T00:00:00", "{text}");
    assert!(fraction.trim_start_matches(['.', '0']) == "Z", "{text}");
}
