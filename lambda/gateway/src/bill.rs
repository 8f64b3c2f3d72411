//! The bill: a meter that everything reports to, and its readings.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Sub;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::millis;
use crate::tasks::locked;

/// List prices of us-east-1, in dollars, without the free tier. Those of other regions differ by
/// about ten per cent. Each is from the service's pricing page, unless noted otherwise.
mod price {
    /// A WebSocket message of up to 32 KB, in either direction, up to a billion a month.
    pub(super) const MESSAGE: f64 = 1.00 / 1e6;
    /// A minute of one connection.
    pub(super) const CONNECTION_MINUTE: f64 = 0.25 / 1e6;
    /// An invocation.
    pub(super) const INVOCATION: f64 = 0.20 / 1e6;
    /// A GB of memory for a second, on arm64. On x86 it is 0.0000166667.
    pub(super) const GB_SECOND: f64 = 0.000_013_333_4;
    /// A write request unit, on demand. It was halved on 1 November 2024, so older pages say 1.25.
    pub(super) const WRITE_UNIT: f64 = 0.625 / 1e6;
    /// A read request unit, on demand. It was halved on the same day.
    pub(super) const READ_UNIT: f64 = 0.125 / 1e6;
}

/// Messages are billed in steps of this size.
const MESSAGE_STEP: usize = 32 * 1024;
const MINUTE: u64 = 60_000;

/// The usage since the gateway started. The [difference](Bill::since) of two bills is the usage in
/// between.
///
/// It does not include logs, data transfer and keys. AWS does not document whether handshakes and
/// `$connect`/`$disconnect` count as messages. Here they do not, and neither do WebSocket pings,
/// pongs and closes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// Connections that were opened.
    pub connections: u64,
    /// Started minutes, counted for each connection separately.
    pub connection_minutes: u64,
    /// Messages from clients, in steps of 32 KB.
    pub messages_in: u64,
    /// Messages to clients, in steps of 32 KB: posts that were accepted, pongs and error frames.
    pub messages_out: u64,
    /// Bytes of the messages from clients.
    pub bytes_in: u64,
    /// Bytes of the messages to clients.
    pub bytes_out: u64,
    /// `POST`s to `@connections`, including refused ones. They cost nothing beyond their message.
    pub posts: u64,
    /// Invocations of both functions.
    pub invocations: u64,
    /// Invocations by route key. Those of the Function URL are under `health`.
    pub invocations_by_route: BTreeMap<String, u64>,
    /// Environments that were started.
    pub cold_starts: u64,
    /// Milliseconds of invocations, each rounded up, including the initialisation of cold starts.
    pub billed_ms: u64,
    /// The same, times the function's memory in MB.
    pub mb_ms: u64,
    /// Requests that reached the table.
    pub dynamodb_requests: u64,
    /// Write request units, including those of failed conditions.
    pub write_units: f64,
    /// Read request units.
    pub read_units: f64,
    /// Requests to the table by operation.
    pub dynamodb_operations: BTreeMap<String, u64>,
}

impl Bill {
    /// The usage between an earlier bill and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            connections: self.connections.saturating_sub(earlier.connections),
            connection_minutes: self.connection_minutes.saturating_sub(earlier.connection_minutes),
            messages_in: self.messages_in.saturating_sub(earlier.messages_in),
            messages_out: self.messages_out.saturating_sub(earlier.messages_out),
            bytes_in: self.bytes_in.saturating_sub(earlier.bytes_in),
            bytes_out: self.bytes_out.saturating_sub(earlier.bytes_out),
            posts: self.posts.saturating_sub(earlier.posts),
            invocations: self.invocations.saturating_sub(earlier.invocations),
            invocations_by_route: less(&self.invocations_by_route, &earlier.invocations_by_route),
            cold_starts: self.cold_starts.saturating_sub(earlier.cold_starts),
            billed_ms: self.billed_ms.saturating_sub(earlier.billed_ms),
            mb_ms: self.mb_ms.saturating_sub(earlier.mb_ms),
            dynamodb_requests: self.dynamodb_requests.saturating_sub(earlier.dynamodb_requests),
            write_units: self.write_units - earlier.write_units,
            read_units: self.read_units - earlier.read_units,
            dynamodb_operations: less(&self.dynamodb_operations, &earlier.dynamodb_operations),
        }
    }

    /// Memory multiplied by time, in GB-seconds.
    pub fn gb_seconds(&self) -> f64 {
        self.mb_ms as f64 / 1024.0 / 1000.0
    }

    /// The same bill with a fixed time for each invocation instead of the measured one, so that two
    /// machines agree on it.
    #[must_use]
    pub fn with_invocations_of(&self, time: Duration, memory_mb: u32) -> Self {
        let billed_ms = self.invocations * millis(time);
        Self { billed_ms, mb_ms: billed_ms * u64::from(memory_mb), ..self.clone() }
    }

    /// How often this operation was requested of the table.
    pub fn operation(&self, name: &str) -> u64 {
        self.dynamodb_operations.get(name).copied().unwrap_or_default()
    }

    /// How often the function was invoked for this route.
    pub fn route(&self, key: &str) -> u64 {
        self.invocations_by_route.get(key).copied().unwrap_or_default()
    }

    /// The total cost, in dollars.
    pub fn dollars(&self) -> f64 {
        self.rows().iter().map(Row::dollars).sum()
    }

    /// The cost of a million times this usage, in dollars.
    pub fn per_million(&self) -> f64 {
        self.dollars() * 1e6
    }

    /// The lines of the bill.
    pub(crate) fn rows(&self) -> [Row; 7] {
        let row = |name, count, price| Row { name, count, price };
        [
            row("messages in", self.messages_in as f64, price::MESSAGE),
            row("messages out", self.messages_out as f64, price::MESSAGE),
            row("connection minutes", self.connection_minutes as f64, price::CONNECTION_MINUTE),
            row("invocations", self.invocations as f64, price::INVOCATION),
            row("GB-seconds", self.gb_seconds(), price::GB_SECOND),
            row("write units", self.write_units, price::WRITE_UNIT),
            row("read units", self.read_units, price::READ_UNIT),
        ]
    }
}

/// A line of the bill.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) count: f64,
    price: f64,
}

impl Row {
    pub(crate) fn dollars(&self) -> f64 {
        self.count * self.price
    }

    /// The count as text. Whole numbers have no decimal point.
    pub(crate) fn amount(&self) -> String {
        if self.count.fract() == 0.0 {
            format!("{:.0}", self.count)
        } else {
            format!("{:.3}", self.count)
        }
    }
}

impl Sub for &Bill {
    type Output = Bill;

    fn sub(self, earlier: Self) -> Bill {
        self.since(earlier)
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20}{:>12}{:>14}{:>16}", "", "used", "$", "$ per million")?;
        for row in self.rows() {
            let (amount, dollars) = (row.amount(), row.dollars());
            writeln!(f, "{:<20}{amount:>12}{dollars:>14.8}{:>16.2}", row.name, dollars * 1e6)?;
        }
        let (dollars, million) = (self.dollars(), self.per_million());
        write!(f, "{:<20}{:>12}{dollars:>14.8}{million:>16.2}", "total", "")
    }
}

fn less(now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let left = |(name, count): (&String, &u64)| {
        let left = count.saturating_sub(then.get(name).copied().unwrap_or_default());
        (left > 0).then(|| (name.clone(), left))
    };
    now.iter().filter_map(left).collect()
}

/// Counts usage. Minutes of open connections are added when it is read.
#[derive(Default)]
pub(crate) struct Meter(Mutex<Bill>);

impl Meter {
    /// The bill so far. `open` holds the ages of the open connections.
    pub(crate) fn read(&self, open: impl Iterator<Item = Duration>) -> Bill {
        let mut bill = locked(&self.0).clone();
        bill.connection_minutes += open.map(minutes).sum::<u64>();
        bill
    }

    pub(crate) fn opened(&self) {
        locked(&self.0).connections += 1;
    }

    pub(crate) fn closed(&self, age: Duration) {
        locked(&self.0).connection_minutes += minutes(age);
    }

    pub(crate) fn message_in(&self, bytes: usize) {
        let mut bill = locked(&self.0);
        bill.messages_in += steps(bytes);
        bill.bytes_in += bytes as u64;
    }

    pub(crate) fn message_out(&self, bytes: usize) {
        let mut bill = locked(&self.0);
        bill.messages_out += steps(bytes);
        bill.bytes_out += bytes as u64;
    }

    pub(crate) fn post(&self) {
        locked(&self.0).posts += 1;
    }

    pub(crate) fn invocation(&self, route: &str) {
        let mut bill = locked(&self.0);
        bill.invocations += 1;
        *bill.invocations_by_route.entry(route.to_owned()).or_default() += 1;
    }

    pub(crate) fn cold_start(&self) {
        locked(&self.0).cold_starts += 1;
    }

    pub(crate) fn worked(&self, time: Duration, memory_mb: u32) {
        let billed = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let mut bill = locked(&self.0);
        bill.billed_ms += billed;
        bill.mb_ms += billed * u64::from(memory_mb);
    }

    pub(crate) fn table(&self, operation: &str, reads: f64, writes: f64) {
        let mut bill = locked(&self.0);
        bill.dynamodb_requests += 1;
        bill.read_units += reads;
        bill.write_units += writes;
        *bill.dynamodb_operations.entry(operation.to_owned()).or_default() += 1;
    }
}

/// The number of billed messages. Even an empty message counts as one.
fn steps(bytes: usize) -> u64 {
    bytes.div_ceil(MESSAGE_STEP).max(1) as u64
}

/// The number of started minutes.
fn minutes(age: Duration) -> u64 {
    millis(age).div_ceil(MINUTE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_billed_in_steps() {
        let meter = Meter::default();
        for bytes in [0, 1, 32 * 1024, 32 * 1024 + 1, 128 * 1024] {
            meter.message_in(bytes);
        }
        meter.message_out(100);
        let bill = meter.read(std::iter::empty());
        assert_eq!((bill.messages_in, bill.messages_out), (1 + 1 + 1 + 2 + 4, 1));
        assert_eq!((bill.bytes_in, bill.bytes_out), (1 + 6 * 32 * 1024 + 1, 100));
    }

    #[test]
    fn minutes_are_rounded_up_for_each_connection() {
        let meter = Meter::default();
        meter.closed(Duration::from_millis(1));
        meter.closed(Duration::from_secs(60));
        meter.closed(Duration::from_millis(60_001));
        let open = [Duration::ZERO, Duration::from_secs(61)];
        assert_eq!(meter.read(open.into_iter()).connection_minutes, 1 + 1 + 2 + 1 + 2);
        assert_eq!(meter.read(std::iter::empty()).connection_minutes, 4);
    }

    #[test]
    fn milliseconds_are_rounded_up_for_each_invocation() {
        let meter = Meter::default();
        meter.worked(Duration::from_micros(1), 256);
        meter.worked(Duration::from_micros(2_001), 256);
        let bill = meter.read(std::iter::empty());
        assert_eq!((bill.billed_ms, bill.mb_ms), (4, 1024));
        assert!((bill.gb_seconds() - 0.001).abs() < 1e-12);
    }

    #[test]
    fn a_difference_holds_the_usage_in_between() {
        let meter = Meter::default();
        meter.invocation("$default");
        meter.table("GetItem", 0.5, 0.0);
        let earlier = meter.read(std::iter::empty());
        meter.invocation("$connect");
        meter.table("PutItem", 0.0, 1.0);
        let between = &meter.read(std::iter::empty()) - &earlier;
        assert_eq!((between.route("$connect"), between.route("$default")), (1, 0));
        assert_eq!((between.operation("PutItem"), between.operation("GetItem")), (1, 0));
        assert_eq!((between.write_units, between.read_units), (1.0, 0.0));
        assert!(!between.dynamodb_operations.contains_key("GetItem"));
    }

    #[test]
    fn a_visit_costs_what_a_calculation_by_hand_says() {
        let bill = Bill {
            messages_in: 16,
            messages_out: 12,
            connection_minutes: 60,
            invocations: 14,
            mb_ms: 14 * 256 * 8,
            write_units: 4.0,
            ..Bill::default()
        };
        let by_hand = 28.0 + 60.0 * 0.25 + 14.0 * 0.2 + 14.0 * 0.25 * 8e-3 * 13.3334 + 4.0 * 0.625;
        assert!((bill.per_million() - by_hand).abs() < 1e-6, "{}", bill.per_million());
    }

    #[test]
    fn a_bill_is_printed_with_a_total() {
        let bill = Bill { messages_in: 2, read_units: 0.5, ..Bill::default() };
        let text = bill.to_string();
        assert!(text.contains("messages in                    2    0.00000200            2.00"));
        assert!(text.contains("0.500"), "{text}");
        assert!(text.lines().last().is_some_and(|line| line.starts_with("total")), "{text}");
    }
}
