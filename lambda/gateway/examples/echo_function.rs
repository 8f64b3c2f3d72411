//! A function that does what its messages say, for the tests of the gateway.
//!
//! It runs on the real runtime and speaks plain HTTP to everything else, so that it sees exactly
//! what the gateway does, without an SDK in between. A message is `{"do": COMMAND, ..}`:
//!
//! | command | what it does |
//! |---|---|
//! | `echo` | posts the event back |
//! | `who` | posts which environment this is, and how many invocations it has seen |
//! | `clocks` | posts by how many milliseconds its wall and monotonic clocks have advanced |
//! | `post` (`to`, `text`) | posts a text, to itself without `to`; then the status, to itself |
//! | `manage` (`method`, `path`, `headers`, `body`) | any request to the management endpoint |
//! | `table` (`operation`, `request`) | a request to the table, and posts the answer |
//! | `wait` (`key`) | waits until the table has the item, then posts `waited` |
//! | `print` (`text`) | prints |
//! | `answer` (`value`) | answers the invocation with this |
//! | `fail`, `panic`, `exit`, `hang` | as they say |
//!
//! At `$connect` the query is the command: `?do=answer&value={"statusCode":401}`. Every
//! `$disconnect` is printed. It answers an event of a Function URL with the event itself, or with
//! `?value=..`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

static SEEN: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("ECHO_REFUSES_TO_START").is_ok() {
        return Err("refused to start".into());
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    SEEN.fetch_add(1, Ordering::Relaxed);
    let event = event.payload;
    let query = &event["queryStringParameters"];
    if event["version"] == "2.0" {
        return Ok(text(query, "value").map_or(event.clone(), parsed));
    }
    let command = match event["requestContext"]["eventType"].as_str() {
        Some("CONNECT") if query["do"].is_null() => return Ok(json!({"statusCode": 200})),
        Some("CONNECT") => query.clone(),
        Some("MESSAGE") => event["body"].as_str().map_or(Value::Null, parsed),
        _ => {
            eprintln!("{event}");
            return Ok(json!({"statusCode": 200}));
        }
    };
    run(&command, &event).await
}

async fn run(command: &Value, event: &Value) -> Result<Value, Error> {
    let own = text(&event["requestContext"], "connectionId").unwrap_or_default();
    match text(command, "do").unwrap_or("echo") {
        "echo" => drop(post(own, &event.to_string()).await?),
        "who" => {
            let stream = std::env::var("AWS_LAMBDA_LOG_STREAM_NAME")?;
            let seen = SEEN.load(Ordering::Relaxed);
            post(own, &json!({"stream": stream, "seen": seen}).to_string()).await?;
        }
        "clocks" => {
            static START: LazyLock<(SystemTime, Instant)> =
                LazyLock::new(|| (SystemTime::now(), Instant::now()));
            let wall = START.0.elapsed()?.as_millis();
            let monotonic = START.1.elapsed().as_millis();
            post(own, &json!({"wall": wall, "monotonic": monotonic}).to_string()).await?;
        }
        "post" => {
            let to = text(command, "to").unwrap_or(own);
            let answer = post(to, text(command, "text").unwrap_or_default()).await?;
            post(own, &answer.to_string()).await?;
        }
        "manage" => {
            let answer = manage(command).await?;
            post(own, &answer.to_string()).await?;
        }
        "table" => {
            let operation = text(command, "operation").unwrap_or_default();
            let answer = table(operation, &command["request"]).await?;
            post(own, &answer.to_string()).await?;
        }
        "wait" => {
            let key = json!({"pk": {"S": command["key"]}});
            let request = json!({"TableName": "visio-signaling", "Key": key});
            while table("GetItem", &request).await?["body"]["Item"].is_null() {}
            post(own, "waited").await?;
        }
        "print" => eprintln!("{}", text(command, "text").unwrap_or_default()),
        "answer" => {
            let value = &command["value"];
            return Ok(value.as_str().map_or(value.clone(), parsed));
        }
        "fail" => return Err("told to fail".into()),
        "panic" => panic!("told to panic"),
        "exit" => std::process::exit(1),
        "hang" => std::future::pending().await,
        _ => {}
    }
    Ok(json!({"statusCode": 200, "body": "nobody reads this"}))
}

/// Posts to a connection and returns the answer.
async fn post(to: &str, text: &str) -> Result<Value, Error> {
    let path = format!("/@connections/{}", to.replace('=', "%3D"));
    manage(&json!({"method": "POST", "path": path, "body": text})).await
}

async fn manage(request: &Value) -> Result<Value, Error> {
    const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 \
        Credential=x/20250309/eu-west-3/execute-api/aws4_request, SignedHeaders=host, \
        Signature=0\r\n";
    let endpoint = std::env::var("VISIO_MANAGEMENT_ENDPOINT")?;
    let path = text(request, "path").unwrap_or_default();
    let headers = text(request, "headers").unwrap_or(SIGNED);
    let method = text(request, "method").unwrap_or("GET");
    http(&endpoint, path, method, headers, text(request, "body").unwrap_or_default()).await
}

async fn table(operation: &str, request: &Value) -> Result<Value, Error> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_DYNAMODB")?;
    let target = format!("X-Amz-Target: DynamoDB_20120810.{operation}\r\n");
    http(&endpoint, "/", "POST", &target, &request.to_string()).await
}

/// Sends one request over its own connection.
async fn http(
    endpoint: &str,
    path: &str,
    method: &str,
    headers: &str,
    body: &str,
) -> Result<Value, Error> {
    let endpoint = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    let (host, prefix) = endpoint.split_once('/').unwrap_or((endpoint, ""));
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no head")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("no status")?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Value = headers.collect();
    let status: u16 = status.parse()?;
    Ok(json!({"status": status, "headers": headers, "body": parsed(body)}))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
