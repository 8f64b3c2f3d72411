//! The health function on AWS Lambda: `GET /health` and the other health endpoints.

use std::process::ExitCode;

use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error, LambdaEvent, Service, service_fn};
use visio_lambda::health::{Checks, SECRETS, Settings, answer, tame};
use visio_lambda::{aws, log, secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::hide_panics();
    log::end(serve().await)
}

async fn serve() -> Result<(), Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let aws = aws::config(variable)?;
    let variable = secrets::resolve(variable, &SECRETS, &aws).await?;
    let app = Settings::read(variable)?.app(&aws)?;
    // A starting function has a whole CPU, which the TLS handshake with the table needs.
    app.checks.table().await;
    let answer = async |request| Ok::<_, Error>(answer(request, &app).await);
    let mut function = Adapter::from(service_fn(answer));
    let handle = |mut event: LambdaEvent<LambdaRequest>| {
        log::begin(&event.context.request_id);
        tame(&mut event.payload);
        function.call(event)
    };
    lambda_runtime::run(service_fn(handle)).await
}
