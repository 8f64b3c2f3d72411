//! What a gateway is told when it starts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::Faults;

/// Settings of a [`Gateway`](crate::Gateway). [`Options::new`] has what AWS has, on free ports of
/// the loopback interface.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bootstrap binary of the function behind the routes.
    pub signaling: PathBuf,
    /// The bootstrap binary behind the Function URL. Without one there is no such URL.
    pub health: Option<PathBuf>,
    /// Added to the environment of both functions, stronger than what is there.
    pub variables: Vec<(String, String)>,
    /// What Secrets Manager keeps for them, by ARN.
    pub secrets: Vec<(String, String)>,
    /// It refuses so many requests first, as it does while a new policy is on its way.
    pub denied_secrets: usize,
    /// Where WebSockets and `@connections` are. Port 0 is any free one.
    pub listen: SocketAddr,
    /// Where the Function URL is.
    pub health_listen: SocketAddr,
    /// The route selection expression.
    pub route_selection: String,
    /// What serves a route. `$connect` and `$disconnect` may be missing, and `$default` too.
    pub routes: BTreeMap<String, Integration>,
    /// So many environments of a function live side by side; more invocations wait.
    pub max_environments: usize,
    /// The memory of a function, in MB: it is told so, and billed.
    pub memory_mb: u32,
    /// A connection without messages in either direction is closed after this.
    pub idle_timeout: Duration,
    /// A connection is closed at this age.
    pub max_age: Duration,
    /// An invocation is given up after this, in real time, and its environment killed. A cold start's
    /// initialisation is not in it; that has 10 seconds.
    pub invocation_timeout: Duration,
    /// An environment unused for this long on the moved clock is stopped.
    pub recycle_after: Duration,
    /// Whether an idle environment is frozen, and its monotonic clock with it. Lambda does freeze
    /// it, and promises nothing about the clock.
    pub freezes: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether what the functions print is passed through to standard error.
    pub pass_logs: bool,
}

/// What serves a route.
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

/// A keepalive costs no invocation. One that wants an answer of its own carries a `requestId`, hence
/// is not called just `ping`, and goes to the function.
fn default_routes() -> BTreeMap<String, Integration> {
    let lambda = |key: &str| (key.to_owned(), Integration::Lambda);
    let mut routes = BTreeMap::from(["$connect", "$disconnect", "$default"].map(lambda));
    routes.insert("ping".to_owned(), Integration::Pong);
    routes
}
