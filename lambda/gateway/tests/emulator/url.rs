//! The Function URL.

use serde_json::{Value, json};
use visio_gateway::Gateway;

use crate::support::{Answer, http, options};

async fn gateway() -> Gateway {
    let mut options = options();
    options.health = Some(options.signaling.clone());
    Gateway::start(options).await.unwrap()
}

async fn get(gateway: &Gateway, path: &str) -> Answer {
    let address = gateway.health_address().unwrap();
    http(address, &format!("GET {path}"), "User-Agent: test/1\r\n", b"").await
}

/// The result of this answer of the function.
async fn answered(gateway: &Gateway, value: Value) -> Answer {
    let value: String = form_urlencoded::byte_serialize(value.to_string().as_bytes()).collect();
    get(gateway, &format!("/?value={value}")).await
}

#[tokio::test]
async fn a_request_becomes_an_event_of_format_2() {
    let gateway = gateway().await;
    let event = get(&gateway, "/health?format=x&format=y").await.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/health");
    assert_eq!(event["rawQueryString"], "format=x&format=y");
    assert_eq!(event["queryStringParameters"], json!({"format": "x,y"}));
    assert_eq!(event["headers"]["user-agent"], "test/1");
    assert_eq!(event["isBase64Encoded"], false);
    assert!(event.get("body").is_none() && event.get("cookies").is_none());
    let http = json!({
        "method": "GET",
        "path": "/health",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/1",
    });
    assert_eq!(event["requestContext"]["http"], http);
    assert!(event["requestContext"]["timeEpoch"].as_u64().unwrap() <= gateway.clock().now());
}

#[tokio::test]
async fn bodies_and_cookies_are_passed_on() {
    let gateway = gateway().await;
    let address = gateway.health_address().unwrap();
    let event = http(address, "POST /", "Cookie: a=1; b=2\r\n", b"text").await.json();
    assert_eq!((&event["body"], &event["cookies"]), (&json!("text"), &json!(["a=1", "b=2"])));
    assert!(event["headers"].get("cookie").is_none());
    let event = http(address, "POST /", "", &[0xff, 0x00]).await.json();
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
}

#[tokio::test]
async fn an_answer_with_a_status_is_an_answer() {
    let gateway = gateway().await;
    let value = json!({
        "statusCode": 503,
        "headers": {"Content-Type": "text/plain", "X-N": 7},
        "cookies": ["a=1", "b=2"],
        "body": "no",
    });
    let answer = answered(&gateway, value).await;
    assert_eq!((answer.status, answer.text()), (503, "no"));
    for header in ["content-type: text/plain", "x-n: 7", "set-cookie: a=1", "set-cookie: b=2"] {
        assert!(answer.has(header), "{header} in {}", answer.headers);
    }
    let value = json!({"statusCode": 200, "body": "/wA=", "isBase64Encoded": true});
    assert_eq!(answered(&gateway, value).await.body, [0xff, 0x00]);
}

#[tokio::test]
async fn any_other_json_is_a_body() {
    let gateway = gateway().await;
    for value in [json!({"a": 1}), json!("text"), json!([1]), Value::Null] {
        let answer = answered(&gateway, value.clone()).await;
        assert_eq!((answer.status, answer.json()), (200, value));
        assert!(answer.has("content-type: application/json"), "{}", answer.headers);
    }
}

#[tokio::test]
async fn a_malformed_answer_is_502() {
    let gateway = gateway().await;
    for value in [json!({"statusCode": "200"}), json!({"statusCode": 7})] {
        assert_eq!(answered(&gateway, value).await.status, 502);
    }
}

#[tokio::test]
async fn invocations_through_the_url_are_billed() {
    let gateway = gateway().await;
    get(&gateway, "/health").await;
    assert_eq!(gateway.bill().route("health"), 1);
    assert_eq!(gateway.bill().invocations, 1);
}
