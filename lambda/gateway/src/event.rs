//! The events that API Gateway makes from a WebSocket, as a Lambda proxy integration sees them.
//!
//! Present and absent fields match published real events. Only CONNECT has the client's headers and
//! query. Only MESSAGE has a body. DISCONNECT has four headers, two of which are always empty. None
//! of them has an account, a path or a method.

use axum::http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use crate::ids::{Date, Ids};

/// The stage, the first segment of every path.
pub(crate) const STAGE: &str = "prod";
pub(crate) const API: &str = "visiolocal";
pub(crate) const REGION: &str = "eu-west-3";

/// The facts about a connection that all of its events carry.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) connection: String,
    pub(crate) connected_at: u64,
    pub(crate) source_ip: String,
    pub(crate) user_agent: Option<String>,
    pub(crate) host: String,
}

/// An event, and the request id that error frames name.
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) json: String,
}

/// Makes events for one point in time.
pub(crate) struct Maker<'a> {
    pub(crate) ids: &'a Ids,
    pub(crate) now: u64,
}

impl Maker<'_> {
    pub(crate) fn connect(&self, caller: &Caller, headers: &HeaderMap, uri: &Uri) -> Event {
        let mut named = title_cased(headers);
        named.push(("X-Forwarded-For".into(), caller.source_ip.clone()));
        named.push(("X-Forwarded-Proto".into(), "https".into()));
        let mut event = headed(&named);
        if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
            let pairs = form_urlencoded::parse(query.as_bytes());
            let pairs: Vec<_> = pairs.map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
            event.insert("queryStringParameters".into(), last_of(&pairs));
            event.insert("multiValueQueryStringParameters".into(), all_of(&pairs));
        }
        self.finish(event, self.context(caller, "$connect", "CONNECT"))
    }

    pub(crate) fn message(&self, caller: &Caller, route: &str, body: &str) -> Event {
        let mut context = self.context(caller, route, "MESSAGE");
        context.insert("messageId".into(), json!(self.ids.short()));
        self.finish(Map::from_iter([("body".to_owned(), json!(body))]), context)
    }

    pub(crate) fn disconnect(&self, caller: &Caller, code: u16, reason: &str) -> Event {
        let headers = [
            ("Host".to_owned(), caller.host.clone()),
            ("x-api-key".to_owned(), String::new()),
            ("X-Forwarded-For".to_owned(), caller.source_ip.clone()),
            ("x-restapi".to_owned(), String::new()),
        ];
        let mut context = self.context(caller, "$disconnect", "DISCONNECT");
        context.insert("disconnectStatusCode".into(), json!(code));
        context.insert("disconnectReason".into(), json!(reason));
        self.finish(headed(&headers), context)
    }

    fn context(&self, caller: &Caller, route: &str, kind: &str) -> Map<String, Value> {
        let request_id = self.ids.short();
        let mut identity = json!({"sourceIp": caller.source_ip});
        if let Some(agent) = &caller.user_agent {
            identity["userAgent"] = json!(agent);
        }
        let context = json!({
            "routeKey": route,
            "eventType": kind,
            "extendedRequestId": request_id,
            "requestId": request_id,
            "requestTime": Date::new(self.now).common_log(),
            "requestTimeEpoch": self.now,
            "messageDirection": "IN",
            "stage": STAGE,
            "connectedAt": caller.connected_at,
            "identity": identity,
            "domainName": format!("{API}.execute-api.{REGION}.amazonaws.com"),
            "connectionId": caller.connection,
            "apiId": API,
        });
        if let Value::Object(context) = context { context } else { Map::new() }
    }

    fn finish(&self, mut event: Map<String, Value>, context: Map<String, Value>) -> Event {
        let request_id = context["requestId"].as_str().unwrap_or_default().to_owned();
        event.insert("requestContext".into(), Value::Object(context));
        event.insert("isBase64Encoded".into(), json!(false));
        Event { request_id, json: Value::Object(event).to_string() }
    }
}

/// Converts header names to title case. API Gateway keeps the casing that the client used. hyper
/// does not, and most clients use title case. Hop-by-hop headers are left out.
fn title_cased(headers: &HeaderMap) -> Vec<(String, String)> {
    let hop = |name: &str| matches!(name, "connection" | "upgrade");
    let pairs = headers.iter().filter(|(name, _)| !hop(name.as_str()));
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    pairs.map(|(name, value)| (title_case(name.as_str()), text(value.as_bytes()))).collect()
}

/// For example, `sec-websocket-protocol` becomes `Sec-WebSocket-Protocol`.
fn title_case(name: &str) -> String {
    let word = |word: &str| match word {
        "websocket" => "WebSocket".to_owned(),
        _ => word[..1].to_ascii_uppercase() + &word[1..],
    };
    let words = name.split('-').map(|part| if part.is_empty() { part.into() } else { word(part) });
    words.collect::<Vec<String>>().join("-")
}

fn headed(headers: &[(String, String)]) -> Map<String, Value> {
    Map::from_iter([
        ("headers".to_owned(), last_of(headers)),
        ("multiValueHeaders".to_owned(), all_of(headers)),
    ])
}

fn last_of(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}

fn all_of(pairs: &[(String, String)]) -> Value {
    let mut all = Map::new();
    for (name, value) in pairs {
        if let Value::Array(values) = all.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller {
            connection: "L0SM9cOFvHcCIhw=".into(),
            connected_at: 1_741_526_470_000,
            source_ip: "192.0.2.7".into(),
            user_agent: Some("wscat".into()),
            host: "127.0.0.1:9080".into(),
        }
    }

    fn with(make: impl Fn(&Maker) -> Event) -> Value {
        let ids = Ids::default();
        let event = make(&Maker { ids: &ids, now: 1_741_526_479_042 });
        let json: Value = serde_json::from_str(&event.json).unwrap();
        assert_eq!(json["requestContext"]["requestId"], event.request_id.as_str());
        json
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    const CONTEXT: [&str; 13] = [
        "apiId",
        "connectedAt",
        "connectionId",
        "domainName",
        "eventType",
        "extendedRequestId",
        "identity",
        "messageDirection",
        "requestId",
        "requestTime",
        "requestTimeEpoch",
        "routeKey",
        "stage",
    ];

    #[test]
    fn connect_has_headers_and_a_query_but_no_body() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:9080".parse().unwrap());
        headers.insert("upgrade", "websocket".parse().unwrap());
        headers.append("sec-websocket-protocol", "visio".parse().unwrap());
        headers.append("sec-websocket-protocol", "other".parse().unwrap());
        let uri: Uri = "/prod?token=a%2Bb&room=1&room=2".parse().unwrap();
        let event = with(|maker| maker.connect(&caller(), &headers, &uri));
        assert_eq!(
            event["headers"],
            json!({
                "Host": "127.0.0.1:9080",
                "Sec-WebSocket-Protocol": "other",
                "X-Forwarded-For": "192.0.2.7",
                "X-Forwarded-Proto": "https",
            })
        );
        let both = json!(["visio", "other"]);
        assert_eq!(event["multiValueHeaders"]["Sec-WebSocket-Protocol"], both);
        assert_eq!(event["queryStringParameters"], json!({"token": "a+b", "room": "2"}));
        let all = json!({"token": ["a+b"], "room": ["1", "2"]});
        assert_eq!(event["multiValueQueryStringParameters"], all);
        assert_eq!(event["requestContext"]["routeKey"], "$connect");
        assert_eq!(event["requestContext"]["eventType"], "CONNECT");
        assert_eq!(event["isBase64Encoded"], false);
        assert!(event.get("body").is_none());
        assert_eq!(keys(&event["requestContext"]), CONTEXT);
    }

    #[test]
    fn both_query_fields_are_absent_without_a_query() {
        for path in ["/prod", "/prod?"] {
            let uri: Uri = path.parse().unwrap();
            let event = with(|maker| maker.connect(&caller(), &HeaderMap::new(), &uri));
            let expected = ["headers", "isBase64Encoded", "multiValueHeaders", "requestContext"];
            assert_eq!(keys(&event), expected);
        }
    }

    #[test]
    fn message_has_a_body_but_no_headers() {
        let event = with(|maker| maker.message(&caller(), "$default", "{\"type\":\"join\"}"));
        assert_eq!(keys(&event), ["body", "isBase64Encoded", "requestContext"]);
        assert_eq!(event["body"], "{\"type\":\"join\"}");
        let context = &event["requestContext"];
        assert_eq!(context["eventType"], "MESSAGE");
        assert_eq!(context["requestTime"], "09/Mar/2025:13:21:19 +0000");
        assert_eq!(context["requestTimeEpoch"], 1_741_526_479_042_u64);
        assert_eq!(context["connectedAt"], 1_741_526_470_000_u64);
        assert_eq!(context["extendedRequestId"], context["requestId"]);
        assert_eq!(context["identity"], json!({"sourceIp": "192.0.2.7", "userAgent": "wscat"}));
        assert!(context["messageId"].as_str().unwrap().ends_with('='));
        let mut expected = CONTEXT.to_vec();
        expected.push("messageId");
        expected.sort_unstable();
        assert_eq!(keys(context), expected);
    }

    #[test]
    fn disconnect_says_why() {
        let event = with(|maker| maker.disconnect(&caller(), 1001, "Going away"));
        let expected = ["headers", "isBase64Encoded", "multiValueHeaders", "requestContext"];
        assert_eq!(keys(&event), expected);
        assert_eq!(keys(&event["headers"]), ["Host", "X-Forwarded-For", "x-api-key", "x-restapi"]);
        assert_eq!(event["multiValueHeaders"]["x-restapi"], json!([""]));
        assert_eq!(event["requestContext"]["disconnectStatusCode"], 1001);
        assert_eq!(event["requestContext"]["disconnectReason"], "Going away");
        assert_eq!(event["requestContext"]["routeKey"], "$disconnect");
    }

    #[test]
    fn header_names_are_cased_as_clients_write_them() {
        for name in ["Sec-WebSocket-Protocol", "Origin", "X-Forwarded-For", "User-Agent"] {
            assert_eq!(title_case(&name.to_ascii_lowercase()), name);
        }
        assert_eq!(title_case("-x--y"), "-X--Y");
    }
}
