//! Tests of what only this runtime has: instances that know nothing of each other, a table, a bill.

mod bill;
mod chaos;
mod doctor;
mod failures;
mod ghosts;
mod instances;
mod load;
mod privacy;
mod registry;
mod secrets;

use visio_gateway::Faults;

use super::Lambda;
use super::conformance::client::Client;
use super::conformance::{Runtime, Settings};

impl Lambda {
    /// A gateway with faults.
    async fn with(faults: Faults) -> Self {
        let lambda = Self::start(Settings::default()).await;
        lambda.gateway.set_faults(faults);
        lambda
    }

    /// A gateway with exactly one warm instance.
    async fn with_one_instance() -> Self {
        Self::start(Settings::default()).await.with_one_warm_instance().await
    }

    /// The same gateway, with exactly one warm instance.
    async fn with_one_warm_instance(self) -> Self {
        self.gateway.route_to(Some(0));
        Client::connect(&self).await.close().await;
        self.gateway.settle().await;
        self
    }

    /// A gateway with two warm instances.
    async fn with_two_instances() -> Self {
        Self::start(Settings::default()).await.warmed_up().await
    }

    /// The same, but idle instances are frozen, and their monotonic clocks with them.
    async fn with_frozen_instances() -> Self {
        let freezes = |options: &mut visio_gateway::Options| options.freezes = true;
        Self::start_with(Settings::default(), freezes).await.warmed_up().await
    }

    async fn warmed_up(self) -> Self {
        let lambda = self;
        for instance in [1, 0] {
            lambda.gateway.route_to(Some(instance));
            Client::connect(&lambda).await.close().await;
            lambda.gateway.settle().await;
        }
        lambda
    }
}
