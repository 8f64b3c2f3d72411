//! The signaling function on AWS Lambda: `$connect`, `$default` and `$disconnect`.

use std::process::ExitCode;

use aws_types::SdkConfig;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use visio_lambda::event::SocketEvent;
use visio_lambda::handler::Signaling;
use visio_lambda::management_api::ManagementApi;
use visio_lambda::seen::SeenSeats;
use visio_lambda::settings::{SECRETS, Settings};
use visio_lambda::table::Table;
use visio_lambda::table::connections::Connections;
use visio_lambda::table::rooms::Rooms;
use visio_lambda::{aws, log, secrets};

/// How often a post to a busy client is attempted. All attempts take less than a second.
const POST_ATTEMPTS: u32 = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::hide_panics();
    log::end(serve().await)
}

async fn serve() -> Result<(), Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let aws = aws::config(variable)?;
    let variable = secrets::resolve(variable, &SECRETS, &aws).await?;
    let signaling = signaling(Settings::read(variable)?, &aws).await;
    let handle = async |event: LambdaEvent<SocketEvent>| {
        log::begin(&event.context.request_id);
        signaling.handle(event.payload).await.map_err(Error::from)
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// Creates everything that outlives an event, with connections to AWS already open. A starting
/// function has a whole CPU, which the first TLS handshakes need.
async fn signaling(settings: Settings, aws: &SdkConfig) -> Signaling {
    let table = Table::new(aws_sdk_dynamodb::Client::new(aws), settings.table);
    let management = aws_sdk_apigatewaymanagement::config::Builder::from(aws)
        .endpoint_url(settings.management_endpoint)
        .retry_config(aws::retries(POST_ATTEMPTS))
        .build();
    let posts = ManagementApi::new(aws_sdk_apigatewaymanagement::Client::from_conf(management));
    // If the table does not answer, the first event will find out.
    let _ = tokio::join!(table.warm_up(), posts.warm_up());
    Signaling {
        rooms: Rooms::new(table.clone()),
        connections: Connections::new(table),
        seen: SeenSeats::default(),
        posts,
        rules: settings.rules,
        ice: settings.ice,
        gatekeeper: settings.gatekeeper,
        max_message_bytes: settings.max_message_bytes,
        allowed_origins: settings.allowed_origins,
    }
}
