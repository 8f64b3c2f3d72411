//! The least that a function can do: what `cold_start` compares with.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let hello = async |_: LambdaEvent<Value>| Ok::<_, Error>(json!({"statusCode": 200}));
    lambda_runtime::run(service_fn(hello)).await
}
