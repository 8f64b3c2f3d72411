//! Checks the real service.
//!
//! A visit through the public endpoint uses everything that visits need: the gateway, the function
//! and the table. If the visit fails, a read of the table narrows down the cause. AWS provides HTTP
//! itself, so the check `api` reports this instead. It is down if neither visits nor the table
//! work. If visits work and only this function cannot read the table, the problem is in this
//! function, for example in its permissions. No visit suffers, so `api` is degraded and the
//! service is not down.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use visio_signaling::health::{Check, Report, Took};
use visio_signaling::health_check::cached::Cached;
use visio_signaling::health_check::timed;
use visio_signaling::health_check::turn::{Trouble, TurnServers};
use visio_signaling::health_check::visit::{Arrived, Entrance, Failure};
use visio_signaling::wire::{IceUrl, Timestamp};

use super::Checks;
use crate::aws;
use crate::log::{self, Level};
use crate::tls::Tls;

/// The table's partition key.
const KEY: &str = "pk";
/// How long a visit may take: a dozen round trips, some of which start an instance of the function.
/// The function's own timeout must be longer, or a failure is never reported.
const PATIENCE: Duration = Duration::from_secs(4);
/// The attempts to read the table. Each takes at most a second, so with the pause between them a
/// check takes little more than two seconds.
const ATTEMPTS: u32 = 2;

/// Holds visits and reads the table. Each check runs one at a time, and at most once in ten
/// seconds.
pub struct RealChecks {
    table: Table,
    entrance: Entrance<Tls>,
    turn_servers: Option<TurnServers>,
    table_kept: Cached<Check>,
    report_kept: Cached<Report>,
}

impl RealChecks {
    /// Checks the rooms in `table`, the visits at `entrance`, and the STUN and TURN servers.
    pub fn new(
        aws: &SdkConfig,
        table: String,
        entrance: Entrance<Tls>,
        turn_servers: Option<TurnServers>,
    ) -> Self {
        Self {
            table: Table::new(aws, table),
            entrance,
            turn_servers,
            table_kept: Cached::new(now),
            report_kept: Cached::new(now),
        }
    }

    async fn find(&self) -> Report {
        let visit = timed(self.entrance.visit(PATIENCE));
        let ((visit, visit_took), table, (turn_servers, turn_took)) =
            tokio::join!(visit, self.table(), timed(self.turn_servers()));
        if let Err(failure) = &visit {
            complain("visit", failure);
        }
        let took = Took { visit: visit_took, turn_servers: turn_took };
        Report { turn_servers, took, ..report(visit, table, now()) }
    }

    async fn turn_servers(&self) -> Check {
        let Some(servers) = &self.turn_servers else { return Check::NotConfigured };
        let failed = |url: &IceUrl, trouble: &Trouble| complain(url.as_str(), trouble);
        servers.check(now(), failed).await
    }
}

impl Checks for RealChecks {
    async fn report(&self) -> Report {
        self.report_kept.or_find(self.find()).await
    }

    async fn table(&self) -> Check {
        self.table_kept.or_find(self.table.check()).await
    }
}

struct Table {
    client: Client,
    name: String,
}

impl Table {
    fn new(aws: &SdkConfig, name: String) -> Self {
        let config = Builder::from(aws).retry_config(aws::retries(ATTEMPTS)).build();
        Self { client: Client::from_conf(config), name }
    }

    /// Reads an item that is never written, which is the cheapest real request: half a read unit.
    async fn check(&self) -> Check {
        let key = AttributeValue::S("health-check".into());
        let read = self.client.get_item().table_name(&self.name).key(KEY, key).send().await;
        let Err(error) = read else { return Check::Operational };
        match error.code() {
            Some(code) => complain("table", &code),
            None => complain("table", &error),
        }
        Check::Down
    }
}

fn report(visit: Result<Arrived, Failure>, table: Check, checked_at: Timestamp) -> Report {
    let api = match (table, &visit) {
        (Check::Down, Err(Failure::Broken(_))) => Check::Down,
        (Check::Down, _) => Check::Degraded,
        _ => Check::Operational,
    };
    Report::of_visit(visit, api, checked_at)
}

fn complain(check: &str, reason: &dyn Display) {
    log::line(Level::Warn, "a health check failed", check, reason);
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const MET: Result<Arrived, Failure> = Ok(Arrived { audio: true, video: true });
    const BROKEN: Result<Arrived, Failure> = Err(Failure::Broken("the handshake failed"));

    const FOUND: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";

    const REFUSED: &str = "HTTP/1.1 400 No\r\nconnection: close\r\ncontent-length: 59\r\n\r\n\
        {\"__type\":\"com.amazon.coral.service#AccessDeniedException\"}";

    /// Checks of the table at `endpoint`, and of an entrance that nothing listens on.
    fn checks(endpoint: &str) -> RealChecks {
        let aws = aws::config(|name| {
            let here = name == "AWS_ENDPOINT_URL_DYNAMODB";
            Some(if here { endpoint } else { "test" }.to_owned())
        });
        let entrance = Entrance::new("ws://127.0.0.1:1/prod", Tls::new(None).unwrap()).unwrap();
        RealChecks::new(&aws.unwrap(), "rooms".into(), entrance, None)
    }

    /// Gives these answers, one for each request, and no more.
    async fn table(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        format!("http://{address}")
    }

    #[test]
    fn the_api_check_depends_on_the_visit_and_the_table() {
        let api = |visit, table| report(visit, table, Timestamp(0)).api;
        assert_eq!(api(MET, Check::Operational), Check::Operational);
        assert_eq!(api(BROKEN, Check::Operational), Check::Operational);
        assert_eq!(api(BROKEN, Check::Down), Check::Down);
        assert_eq!(api(MET, Check::Down), Check::Degraded);
        assert_eq!(api(Err(Failure::Crowded), Check::Down), Check::Degraded);
    }

    #[tokio::test]
    async fn a_table_that_answers_is_asked_once() {
        let checks = checks(&table(&[FOUND]).await);
        assert_eq!(checks.table().await, Check::Operational);
        let report = checks.report().await;
        assert_eq!((report.api, report.signaling_server), (Check::Operational, Check::Down));
    }

    #[tokio::test]
    async fn a_table_that_fails_once_is_asked_again() {
        let checks = checks(
            &table(&["HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", FOUND])
                .await,
        );
        assert_eq!(checks.table().await, Check::Operational);
    }

    #[tokio::test]
    async fn everything_is_down_if_nothing_listens() {
        let report = checks("http://127.0.0.1:1").report().await;
        assert_eq!((report.api, report.signaling_server), (Check::Down, Check::Down));
    }

    #[tokio::test]
    async fn a_table_that_refuses_access_is_down() {
        let checks = checks(&table(&[REFUSED]).await);
        assert_eq!(checks.table().await, Check::Down);
    }
}
