//! A Lambda function: its environments and its invocations.
//!
//! As on Lambda, an environment handles one invocation at a time and stays warm between them.
//! Unlike on Lambda, an invocation that finds no free environment waits for one and is not refused.
//! A test limits the number of environments to control which invocations share memory.

mod environment;
mod freezer;
mod pool;
mod process;
mod runtime_api;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;

use crate::faults::Chance;
use crate::site::Site;

use pool::{Lease, Pool};

/// One function.
pub(crate) struct Function {
    settings: Arc<Settings>,
    site: Arc<Site>,
    pool: Arc<Pool>,
}

/// The settings of a function.
pub(crate) struct Settings {
    pub(crate) name: &'static str,
    pub(crate) bootstrap: PathBuf,
    /// Environment variables besides those that Lambda sets.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) max_environments: usize,
    pub(crate) memory_mb: u32,
    pub(crate) timeout: Duration,
    pub(crate) recycle_after: Duration,
    pub(crate) freezes: bool,
}

/// Why an invocation has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The function was not invoked.
    Throttled,
    /// The function reported an error.
    Error,
    /// The environment ended.
    Crashed,
    /// It took too long.
    TimedOut,
}

impl Function {
    pub(crate) fn new(settings: Settings, site: Arc<Site>) -> Self {
        let pool = Arc::new(Pool::new(settings.max_environments));
        Self { settings: Arc::new(settings), site, pool }
    }

    /// Invokes the function. The future must run to its end, or else its environment is lost.
    pub(crate) async fn invoke(&self, route: &str, event: String) -> Result<Bytes, Failure> {
        if self.site.dice.takes(Chance::ThrottledFunction) {
            return Err(Failure::Throttled);
        }
        self.site.meter.invocation(route);
        let mut lease = self.pool.lease(&self.site.dice).await;
        let outcome = self.run(&mut lease, event).await;
        self.pool.give_back(lease, self.site.clock.now(), &self.site.dice);
        outcome
    }

    async fn run(&self, lease: &mut Lease, event: String) -> Result<Bytes, Failure> {
        let environment = match &lease.environment {
            Some(environment) => Arc::clone(environment),
            None => {
                let started = process::start(lease.index, &self.settings, &self.site).await;
                let started = started.map_err(|error| {
                    let name = self.settings.name;
                    self.site.logs.write(format!("could not start {name}: {error}"));
                    Failure::Crashed
                })?;
                Arc::clone(lease.environment.insert(started))
            }
        };
        let (outcome, worked) = environment.run(event, self.settings.timeout, &self.site.ids).await;
        self.site.meter.worked(worked, self.settings.memory_mb);
        outcome
    }

    /// Sends new invocations to the environment with this index; `None` means to any.
    pub(crate) fn route_to(&self, index: Option<usize>) {
        self.pool.route_to(index);
    }

    /// Stops every environment. Busy ones stop once they are done. Waits until the idle ones have
    /// ended and all their output is in the log.
    pub(crate) async fn retire(&self) {
        for environment in self.pool.retire() {
            environment.stop();
            environment.ended().await;
        }
    }

    /// Stops environments that were unused for too long.
    pub(crate) async fn recycle(&self, now: u64) {
        for environment in self.pool.unused_since(now, self.settings.recycle_after) {
            environment.stop();
            environment.ended().await;
        }
    }
}
