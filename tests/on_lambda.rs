//! The conformance suite over the functions in `lambda/`: the real binaries, behind the gateway.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod lambda;

use conformance::{Runtime, Settings};
use visio_gateway::{Gateway, Options};

/// A gateway of its own, with an empty table.
struct Lambda {
    gateway: Gateway,
}

impl Runtime for Lambda {
    async fn start(settings: Settings) -> Self {
        let mut options = Options::new(env!("CARGO_BIN_EXE_signaling"));
        options.health = Some(env!("CARGO_BIN_EXE_health").into());
        options.pass_logs = true;
        options.variables = vec![
            ("VISIO_MAX_PEERS_PER_ROOM".into(), settings.max_peers_per_room.to_string()),
            ("VISIO_MAX_MESSAGE_BYTES".into(), settings.max_message_bytes.to_string()),
            ("VISIO_ALLOWED_ORIGIN".into(), settings.allowed_origins.join(",")),
        ];
        Self { gateway: Gateway::start(options).await.expect("a gateway") }
    }

    fn websocket_url(&self) -> String {
        self.gateway.websocket_url()
    }

    fn http_address(&self) -> String {
        self.gateway.health_address().expect("a Function URL").to_string()
    }
}

every_scenario!(Lambda);
