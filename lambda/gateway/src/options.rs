//! The options of a gateway.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::Faults;

/// Settings of a [`Gateway`](crate::Gateway). [`Options::new`] has the limits of AWS, and free
/// ports of the loopback interface.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bootstrap binary of the function behind the routes.
    pub signaling: PathBuf,
    /// The bootstrap binary behind the Function URL. Without one there is no such URL.
    pub health: Option<PathBuf>,
    /// Variables for the environment of both functions. They override existing ones.
    pub variables: Vec<(String, String)>,
    /// The functions' secrets in Secrets Manager, by ARN.
    pub secrets: Vec<(String, String)>,
    /// How many requests Secrets Manager refuses first, as it does until a new policy applies.
    pub denied_secrets: usize,
    /// The address for WebSockets and `@connections`. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// The address of the Function URL.
    pub health_listen: SocketAddr,
    /// The route selection expression.
    pub route_selection: String,
    /// The integration of each route. `$connect`, `$disconnect` and `$default` may be missing.
    pub routes: BTreeMap<String, Integration>,
    /// The most environments of a function at a time. Further invocations wait.
    pub max_environments: usize,
    /// The memory of a function, in MB. The function sees it in its environment, and it is billed.
    pub memory_mb: u32,
    /// A connection without messages in either direction is closed after this.
    pub idle_timeout: Duration,
    /// A connection is closed at this age.
    pub max_age: Duration,
    /// The timeout of an invocation, in real time. After it the environment is killed. It does not
    /// include a cold start's initialisation, which has 10 seconds of its own.
    pub invocation_timeout: Duration,
    /// An environment that is unused for this long, by the gateway's clock, is stopped.
    pub recycle_after: Duration,
    /// Whether an idle environment is frozen, and its monotonic clock with it. Lambda freezes
    /// environments, and promises nothing about the clock.
    pub freezes: bool,
    /// The faults to inject.
    pub faults: Faults,
    /// Whether the output of the functions is also written to standard error.
    pub pass_logs: bool,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integration {
    /// An invocation of the function `signaling`. Its answer is ignored, except at `$connect`.
    Lambda,
    /// A mock integration with a route response: the gateway itself answers
    /// `{"type":"pong","serverTime":MILLISECONDS}`.
    Pong,
}

impl Options {
    /// The defaults, for this bootstrap binary.
    pub fn new(signaling: impl Into<PathBuf>) -> Self {
        Self {
            signaling: signaling.into(),
            health: None,
            variables: Vec::new(),
            secrets: Vec::new(),
            denied_secrets: 0,
            listen: any_port(),
            health_listen: any_port(),
            route_selection: "${request.body.type}${request.body.requestId}".to_owned(),
            routes: default_routes(),
            max_environments: 4,
            memory_mb: 256,
            idle_timeout: Duration::from_secs(10 * 60),
            max_age: Duration::from_secs(2 * 60 * 60),
            invocation_timeout: Duration::from_secs(29),
            recycle_after: Duration::from_secs(7 * 60),
            freezes: false,
            faults: Faults::default(),
            pass_logs: false,
        }
    }
}

/// A free port of the loopback interface.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The default routes. A keepalive `ping` costs no invocation. A `ping` with a `requestId` has a
/// different route key, because the route selection expression includes the id, so it goes to the
/// function.
fn default_routes() -> BTreeMap<String, Integration> {
    let lambda = |key: &str| (key.to_owned(), Integration::Lambda);
    let mut routes = BTreeMap::from(["$connect", "$disconnect", "$default"].map(lambda));
    routes.insert("ping".to_owned(), Integration::Pong);
    routes
}
