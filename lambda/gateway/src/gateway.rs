//! The gateway as a whole: how it starts, what it can do, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::bill::{Bill, Meter};
use crate::clock::{Clock, Sweeps};
use crate::event::STAGE;
use crate::faults::{Dice, Faults};
use crate::front::{self, Connections, Front};
use crate::function::{Function, Settings};
use crate::ids::Ids;
use crate::listen;
use crate::options::{Options, any_port};
use crate::route::Selection;
use crate::secrets::Secrets;
use crate::site::{Logs, Site};
use crate::table::{self, Table};
use crate::tasks::{Pending, Tasks};

/// The ARN and the value of the secret that the two functions share.
const HEALTH_SECRET: (&str, &str) = (
    "arn:aws:secretsmanager:eu-west-3:000000000000:secret:health-AbCdEf",
    "what the two functions of this gateway share",
);

/// How often we do what is due, if the clock is not moved.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A running gateway. Dropping it ends it at once: its processes are killed and its sockets are
/// closed.
pub struct Gateway {
    front: Arc<Front>,
    health: Option<Arc<Function>>,
    address: SocketAddr,
    health_address: Option<SocketAddr>,
    table_address: SocketAddr,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A bootstrap binary does not exist.
    #[error("there is no function binary at {0}")]
    NoFunction(PathBuf),
    /// The gateway could not listen on an address.
    #[error("could not listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The table could not be created.
    #[error("could not create the table")]
    Table(#[from] dynoxide::DynoxideError),
}

impl Gateway {
    /// Starts a gateway. No environment starts before the first invocation.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        for bootstrap in [Some(&options.signaling), options.health.as_ref()].into_iter().flatten() {
            if !bootstrap.is_file() {
                return Err(StartError::NoFunction(bootstrap.clone()));
            }
        }
        let (listener, address) = listen(options.listen).await?;
        let (clock, sweeps) = Clock::new();
        let site = Arc::new(site(Arc::new(clock), &options)?);
        let front = Arc::new(front(&site, &options, address));
        let (table_listener, table_address) = listen(any_port()).await?;
        let mut gateway =
            Self { front, health: None, address, health_address: None, table_address };
        if let Some(bootstrap) = &options.health {
            let (listener, health_address) = listen(options.health_listen).await?;
            gateway.health_address = Some(health_address);
            gateway.health = Some(gateway.serve_health(listener, bootstrap, &options));
        }
        gateway.serve(listener, sweeps);
        gateway.serve_table(table_listener);
        Ok(gateway)
    }

    /// The URL that clients connect to.
    pub fn websocket_url(&self) -> String {
        websocket_url(self.address)
    }

    /// The address of the public listener, for WebSockets and `@connections`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the Function URL.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_address
    }

    /// The gateway's clock.
    pub fn clock(&self) -> &Clock {
        &self.front.site.clock
    }

    /// The usage so far, including the minutes of open connections.
    pub fn bill(&self) -> Bill {
        let now = self.front.site.clock.now();
        let open = self.front.connections.all();
        self.front.site.meter.read(open.iter().map(|connection| connection.age(now)))
    }

    /// The engine behind the table. Its use is not metered.
    pub fn database(&self) -> &dynoxide::Database {
        &self.front.site.table.database
    }

    /// The URL of the table for clients other than the functions. It is metered and has faults.
    pub fn table_url(&self) -> String {
        format!("http://{}", self.table_address)
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        table::NAME
    }

    /// Sets other faults from now on. Their choices start again.
    pub fn set_faults(&self, faults: Faults) {
        self.front.site.dice.load(faults);
    }

    /// Pins new invocations of `signaling` to the environment with this index. It is started if it
    /// does not exist. If it is busy, the invocations wait for it. `None` means any idle
    /// environment, or else a new one, or else the next that becomes idle.
    pub fn route_to(&self, environment: Option<usize>) {
        self.front.signaling.route_to(environment);
    }

    /// Makes the next invocations cold starts. Busy environments are stopped when they are done.
    /// This waits until the idle ones have ended and all their output is in the log.
    pub async fn retire_environments(&self) {
        self.front.signaling.retire().await;
        if let Some(health) = &self.health {
            health.retire().await;
        }
    }

    /// Resolves when no invocation is running, queued or held back. A message counts once the
    /// gateway has read it. The pong to a later `ping` shows that it has.
    pub async fn settle(&self) {
        self.front.site.pending.none().await;
    }

    /// The ids of the open connections, in order.
    pub fn connection_ids(&self) -> Vec<String> {
        self.front.connections.ids()
    }

    /// The output of the functions, line by line. It is complete for environments that were
    /// [retired](Self::retire_environments).
    pub fn logs(&self) -> Vec<String> {
        self.front.site.logs.lines()
    }

    fn serve(&self, listener: TcpListener, sweeps: Sweeps) {
        let front = Arc::clone(&self.front);
        let tasks = &self.front.site.tasks;
        tasks.spawn(listen::serve(listener, move |peer, request| {
            front::answer(Arc::clone(&front), peer, request)
        }));
        tasks.spawn(sweep(Arc::clone(&self.front), self.health.clone(), sweeps));
    }

    fn serve_table(&self, listener: TcpListener) {
        let site = Arc::clone(&self.front.site);
        self.front.site.tasks.spawn(listen::serve(listener, move |_, request| {
            let site = Arc::clone(&site);
            async move { table::serve(&site, request).await }
        }));
    }

    fn serve_health(
        &self,
        listener: TcpListener,
        bootstrap: &std::path::Path,
        options: &Options,
    ) -> Arc<Function> {
        let site = &self.front.site;
        let settings = settings("visio-health", bootstrap, options, self.address);
        let function = Arc::new(Function::new(settings, Arc::clone(site)));
        let (invoked, shared) = (Arc::clone(&function), Arc::clone(site));
        site.tasks.spawn(listen::serve(listener, move |peer, request| {
            front::answer_url(Arc::clone(&invoked), Arc::clone(&shared), peer, request)
        }));
        function
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.front.site.tasks.abort();
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn site(clock: Arc<Clock>, options: &Options) -> Result<Site, StartError> {
    Ok(Site {
        meter: Meter::default(),
        dice: Dice::new(options.faults),
        ids: Ids::default(),
        table: Table::new(Arc::clone(&clock))?,
        secrets: secrets(options),
        logs: Logs::new(options.pass_logs),
        tasks: Tasks::default(),
        pending: Pending::default(),
        clock,
    })
}

fn front(site: &Arc<Site>, options: &Options, address: SocketAddr) -> Front {
    let settings = settings("visio-signaling", &options.signaling, options, address);
    Front {
        site: Arc::clone(site),
        signaling: Function::new(settings, Arc::clone(site)),
        connections: Connections::default(),
        selection: Selection::parse(&options.route_selection),
        routes: options.routes.clone(),
        idle_timeout: options.idle_timeout,
        max_age: options.max_age,
    }
}

fn settings(
    name: &'static str,
    bootstrap: &std::path::Path,
    options: &Options,
    address: SocketAddr,
) -> Settings {
    let own = [
        ("VISIO_TABLE", table::NAME.to_owned()),
        ("VISIO_MANAGEMENT_ENDPOINT", format!("http://{address}/{STAGE}")),
        ("VISIO_WEBSOCKET_URL", websocket_url(address)),
        ("VISIO_HEALTH_SECRET_ARN", HEALTH_SECRET.0.to_owned()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    Settings {
        name,
        bootstrap: bootstrap.to_owned(),
        variables: own.chain(options.variables.iter().cloned()).collect(),
        max_environments: options.max_environments,
        memory_mb: options.memory_mb,
        timeout: options.invocation_timeout,
        recycle_after: options.recycle_after,
        freezes: options.freezes,
    }
}

/// The secrets of the options, and the one that the two functions share.
fn secrets(options: &Options) -> Secrets {
    let (arn, secret) = HEALTH_SECRET;
    let own = (arn.to_owned(), secret.to_owned());
    Secrets::new(options.secrets.iter().cloned().chain([own]).collect(), options.denied_secrets)
}

fn websocket_url(address: SocketAddr) -> String {
    format!("ws://{address}/{STAGE}")
}

/// Does what is due, every second and whenever the clock is moved.
async fn sweep(front: Arc<Front>, health: Option<Arc<Function>>, mut sweeps: Sweeps) {
    loop {
        let asked = tokio::select! {
            asked = sweeps.recv() => asked,
            () = sleep(SWEEP_EVERY) => None,
        };
        front.expire().await;
        let now = front.site.clock.now();
        front.signaling.recycle(now).await;
        if let Some(health) = &health {
            health.recycle(now).await;
        }
        drop(asked);
    }
}
