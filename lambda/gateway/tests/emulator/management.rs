//! `@connections`.

use serde_json::json;

use crate::support::{Client, SIGNED, disconnects, gateway, http, manage};

#[tokio::test]
async fn a_post_reaches_the_client() {
    let gateway = gateway().await;
    let (mut one, mut other) = (Client::connect(&gateway).await, Client::connect(&gateway).await);
    let command = json!({"do": "post", "to": other.id().await, "text": "hello"});
    assert_eq!(one.ask(command).await["status"], 200);
    assert_eq!(other.text().await, "hello");
}

#[tokio::test]
async fn ids_end_in_an_equals_sign_which_may_come_encoded() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    assert!(id.ends_with('=') && id.len() == 16, "{id}");
    let encoded = id.replace('=', "%3D");
    for path in [
        format!("/prod/@connections/{id}"),
        format!("/prod/@connections/{encoded}"),
        format!("/prod/%40connections/{encoded}"),
    ] {
        let answer = http(gateway.address(), &format!("POST {path}"), SIGNED, b"x").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(client.text().await, "x");
    }
}

#[tokio::test]
async fn a_request_has_to_be_signed_for_the_service() {
    let gateway = gateway().await;
    let client = Client::connect(&gateway).await;
    let id = gateway.connection_ids()[0].clone();
    let elsewhere = SIGNED.replace("execute-api", "dynamodb");
    for headers in ["", "Authorization: Bearer x\r\n", &elsewhere] {
        for request in ["POST", "GET", "DELETE"] {
            let request = format!("{request} /prod/@connections/{id}");
            let answer = http(gateway.address(), &request, headers, b"x").await;
            assert_eq!(answer.status, 403, "{request} {headers}");
            assert!(answer.has("x-amzn-errortype: ForbiddenException"), "{}", answer.headers);
        }
    }
    client.close().await;
}

#[tokio::test]
async fn a_connection_that_is_gone_is_410() {
    let gateway = gateway().await;
    let client = Client::connect(&gateway).await;
    let id = gateway.connection_ids()[0].clone();
    client.close().await;
    gateway.settle().await;
    for (method, id) in
        [("POST", &*id), ("GET", &*id), ("DELETE", &*id), ("POST", "L0SM9cOFvHcCIhw=")]
    {
        let answer = manage(&gateway, method, id, "x").await;
        assert_eq!(answer.status, 410, "{method}");
        assert!(answer.has("x-amzn-errortype: GoneException"), "{}", answer.headers);
        assert_eq!(answer.json(), json!({"message": "Gone"}));
    }
}

#[tokio::test]
async fn a_connection_describes_itself() {
    let gateway = gateway().await;
    let agent = [("user-agent", "test/1")];
    let (mut client, _) = Client::handshake(&gateway, "", &agent).await.unwrap();
    let id = client.id().await;
    let answer = manage(&gateway, "GET", &id, "").await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!(answer["identity"], json!({"sourceIp": "127.0.0.1", "userAgent": "test/1"}));
    let (connected, active) = (&answer["connectedAt"], &answer["lastActiveAt"]);
    assert!(connected.as_str().unwrap().ends_with('Z'));
    assert!(connected.as_str() <= active.as_str(), "{answer}");
}

#[tokio::test]
async fn a_post_of_more_than_128_kb_is_413() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    let largest = "x".repeat(128 * 1024);
    assert_eq!(manage(&gateway, "POST", &id, &largest).await.status, 200);
    assert_eq!(client.text().await.len(), 128 * 1024);
    let answer = manage(&gateway, "POST", &id, &(largest + "x")).await;
    assert_eq!(answer.status, 413);
    assert!(answer.has("x-amzn-errortype: PayloadTooLargeException"), "{}", answer.headers);
}

#[tokio::test]
async fn a_client_that_does_not_read_makes_posts_429() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    let large = "x".repeat(128 * 1024);
    let mut accepted = 0;
    let refused = loop {
        let answer = manage(&gateway, "POST", &id, &large).await;
        match answer.status {
            200 if accepted < 1000 => accepted += 1,
            _ => break answer,
        }
    };
    assert_eq!(refused.status, 429, "after {accepted}");
    assert!(refused.has("x-amzn-errortype: LimitExceededException"), "{}", refused.headers);
    for _ in 0..accepted {
        assert_eq!(client.text().await.len(), large.len(), "what was accepted arrives");
    }
    assert_eq!(manage(&gateway, "POST", &id, "x").await.status, 200);
}

#[tokio::test]
async fn posts_arrive_as_text() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let request = format!("POST /prod/@connections/{}", client.id().await);
    let answer = http(gateway.address(), &request, SIGNED, &[0xff]).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_delete_delivers_earlier_posts_and_closes() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let id = client.id().await;
    for text in ["one", "two"] {
        assert_eq!(manage(&gateway, "POST", &id, text).await.status, 200);
    }
    assert_eq!(manage(&gateway, "DELETE", &id, "").await.status, 204);
    assert_eq!(manage(&gateway, "POST", &id, "late").await.status, 410);
    assert_eq!((client.text().await, client.text().await), ("one".into(), "two".into()));
    assert_eq!(u16::from(client.closed().await.code), 1000);
    let events = disconnects(&gateway).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["requestContext"]["disconnectStatusCode"], 1000);
    assert_eq!(events[0]["requestContext"]["connectionId"], id.as_str());
}
