//! The conformance suite on the functions in `lambda/`: the real binaries, behind the gateway.
//!
//! It runs twice: at full speed, and with messages, goodbyes and posts delayed at random.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
#[path = "contract/registry.rs"]
mod contract;
mod lambda;

use std::sync::Arc;
use std::time::Duration;

use conformance::{Profile, Rest, Runtime, Settings};
use visio_gateway::{Faults, Gateway, Options};
use visio_signaling::ice::IceSettings;

/// The longest random delay: much longer than it takes to handle a message.
const HELD_BACK: Duration = Duration::from_millis(30);
/// Where the secret of visit tokens is.
const JWT_SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-3:000000000000:secret:visits-AbCdEf";
/// Where the secret of the TURN servers is.
const TURN_SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-3:000000000000:secret:turn-GhIjKl";

/// A gateway of its own, with an empty table.
struct Lambda {
    gateway: Arc<Gateway>,
}

impl Runtime for Lambda {
    const PROFILE: Profile = Profile {
        ordered: false,
        close_codes: false,
        explains_bad_frames: false,
        explains_refusals: false,
        hears_bare_pings: false,
        heartbeat_seconds: Some(9 * 60),
        idle_limit: Some(Duration::from_secs(10 * 60)),
        age_limit: Some(Duration::from_secs(2 * 60 * 60)),
        join_timeout: false,
        limits_rates: false,
        limits_connections: false,
        closes_slow_clients: false,
        keeps_unread: false,
        lists_rooms: false,
        ways_in: &["/prod"],
        one_address: false,
        ends_by_itself: false,
        serves_page: false,
    };

    async fn start(settings: Settings) -> Self {
        Self::start_with(settings, |_| ()).await
    }

    fn websocket_url(&self) -> String {
        self.gateway.websocket_url()
    }

    fn http_address(&self) -> String {
        self.gateway.health_address().expect("a Function URL").to_string()
    }

    fn rest(&self) -> Rest {
        let gateway = Arc::clone(&self.gateway);
        Rest::new(move || {
            let gateway = Arc::clone(&gateway);
            async move { gateway.settle().await }
        })
    }

    async fn pass(&self, time: Duration) {
        self.gateway.clock().advance(time).await;
    }
}

impl Lambda {
    /// Starts one with these settings, changed by `also`.
    async fn start_with(settings: Settings, also: impl FnOnce(&mut Options)) -> Self {
        let Settings {
            max_peers_per_room,
            max_message_bytes,
            allowed_origins,
            jwt_secret,
            grace,
            ice,
            // The profile says that this runtime does not have these.
            max_connections: _quota_of_the_account,
            max_connections_per_ip: _nobody_counts,
            message_rate: _throttle_of_the_stage,
            message_burst: _also_of_the_stage,
            byte_rate: _the_gateway_meters_in_32_kib,
            byte_burst: _and_frames_are_no_larger,
            heartbeat: _limit_of_the_gateway,
            join_timeout: _nobody_is_awake,
        } = settings;
        let mut options = Options::new(env!("CARGO_BIN_EXE_signaling"));
        options.health = Some(env!("CARGO_BIN_EXE_health").into());
        options.pass_logs = true;
        options.variables = vec![
            ("VISIO_MAX_PEERS_PER_ROOM".into(), max_peers_per_room.to_string()),
            ("VISIO_MAX_MESSAGE_BYTES".into(), max_message_bytes.to_string()),
            ("VISIO_ALLOWED_ORIGIN".into(), allowed_origins.join(",")),
            ("VISIO_GRACE_SECONDS".into(), grace.as_secs().to_string()),
        ];
        options.variables.extend(variables(&ice));
        if let Some(secret) = ice.secret {
            options.variables.push(("VISIO_TURN_SECRET_ARN".into(), TURN_SECRET_ARN.into()));
            options.secrets.push((TURN_SECRET_ARN.into(), secret.into_exposed()));
        }
        if let Some(secret) = jwt_secret {
            options.variables.push(("VISIO_JWT_SECRET_ARN".into(), JWT_SECRET_ARN.into()));
            options.secrets.push((JWT_SECRET_ARN.into(), secret.into()));
        }
        also(&mut options);
        Self { gateway: Arc::new(Gateway::start(options).await.expect("a gateway")) }
    }
}

/// STUN and TURN as the function reads them, without the secret.
fn variables(ice: &IceSettings) -> Vec<(String, String)> {
    let credential = ice.credential.as_ref().map(|it| it.expose().clone());
    let all = [
        ("VISIO_STUN_URL", ice.stun_urls.join(",")),
        ("VISIO_TURN_URL", ice.turn_urls.join(",")),
        ("VISIO_TURN_USERNAME", ice.username.clone().unwrap_or_default()),
        ("VISIO_TURN_CREDENTIAL", credential.unwrap_or_default()),
        ("VISIO_TURN_TTL_SECONDS", ice.ttl_seconds.to_string()),
        ("VISIO_RELAY_ONLY", ice.relay_only.to_string()),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The same, with everything out of order that API Gateway may reorder.
struct Reordered(Lambda);

impl Runtime for Reordered {
    const PROFILE: Profile = Lambda::PROFILE;

    async fn start(settings: Settings) -> Self {
        let lambda = Lambda::start(settings).await;
        let faults = Faults { seed: 1, reorder: HELD_BACK, ..Faults::default() };
        lambda.gateway.set_faults(faults);
        Self(lambda)
    }

    fn websocket_url(&self) -> String {
        self.0.websocket_url()
    }

    fn http_address(&self) -> String {
        self.0.http_address()
    }

    fn rest(&self) -> Rest {
        self.0.rest()
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }
}

every_scenario!(Lambda);

mod reordered {
    use super::Reordered;

    crate::every_scenario!(Reordered);
}
