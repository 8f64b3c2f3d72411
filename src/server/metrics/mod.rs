//! Numbers for operators, as Prometheus reads them at `/metrics`.
//!
//! What happens is counted where it happens. What is so right now (connections, rooms, queues) is
//! looked up when somebody asks. Labels come from lists in this program: no id is ever one, and no
//! client can make a new one. The names follow Prometheus's conventions, with the prefix `visio_`.

mod by_name;
mod counted;
pub(super) mod listener;

use std::sync::Arc;
use std::time::Duration;

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::core::audit::AuditEvent;
use crate::health::{Check, Report};
use crate::ports::{Census, Journal};

pub(super) use by_name::ByName;
pub(super) use counted::Counted;

/// The bounds of the histogram of relay times, in seconds.
const RELAY_SECONDS: [f64; 8] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1];

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    pub(super) opened: IntCounter,
    pub(super) closed: ByName,
    pub(super) refused_handshakes: ByName,
    pub(super) failed_tokens: ByName,
    pub(super) received: ByName,
    pub(super) received_bytes: IntCounter,
    pub(super) sent: ByName,
    pub(super) sent_bytes: IntCounter,
    pub(super) replayed: IntCounter,
    pub(super) errors: ByName,
    pub(super) relay_seconds: Histogram,
    pub(super) probes: ByName,
    events: ByName,
    races: IntCounter,
    health: IntGaugeVec,
    now: Now,
}

/// What is looked up when somebody asks.
#[derive(Debug)]
struct Now {
    connections: IntGauge,
    draining: IntGauge,
    rooms: IntGauge,
    seats: IntGaugeVec,
    waiting: IntGauge,
    queued_messages: IntGauge,
    queued_bytes: IntGauge,
    longest_queue: IntGauge,
}

/// What waits for clients that have not read it yet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) connections: usize,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// The most messages that wait for one client.
    pub(super) most: usize,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self::register().expect("each name is registered once")
    }

    fn register() -> Result<Self, prometheus::Error> {
        let all = Registry::new();
        all.register(Box::new(ProcessCollector::for_self()))?;
        note_build(&all)?;
        let counter = |name, help| -> Result<_, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            all.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let by = |name, help, label| ByName::register(&all, name, help, label);
        Ok(Self {
            opened: counter("visio_connections_opened_total", "WebSockets that were opened")?,
            closed: by("visio_connections_closed_total", "WebSockets that ended", "reason")?,
            refused_handshakes: by(
                "visio_handshakes_refused_total",
                "Handshakes that were refused",
                "reason",
            )?,
            failed_tokens: by(
                "visio_token_failures_total",
                "Visit tokens that were refused, by what was wrong with them",
                "reason",
            )?,
            received: by("visio_messages_received_total", "Messages from clients", "type")?,
            received_bytes: counter("visio_received_bytes_total", "Bytes of those messages")?,
            sent: by(
                "visio_messages_sent_total",
                "Messages that one client was to be sent because of another",
                "result",
            )?,
            sent_bytes: counter("visio_sent_bytes_total", "Bytes of those that were taken")?,
            replayed: counter(
                "visio_messages_replayed_total",
                "Messages that clients got because they resumed their seat",
            )?,
            errors: by("visio_errors_total", "Errors that clients were told", "code")?,
            probes: by(
                "visio_probes_total",
                "Connections that were asked for a sign of life",
                "result",
            )?,
            events: by("visio_visit_events_total", "What happened in visits", "event")?,
            races: counter(
                "visio_room_races_total",
                "Decisions that were made again because the room had changed meanwhile",
            )?,
            relay_seconds: relay_seconds(&all)?,
            health: health(&all)?,
            now: Now::register(&all)?,
            registry: all,
        })
    }

    /// Everything, in the text format of Prometheus.
    pub(super) fn text(&self, census: Option<Census>, queued: Queued, draining: bool) -> String {
        self.now.set(census, queued, draining);
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    /// Notes what a check of the health has found. What is not configured has no number.
    pub(super) fn note_health(&self, report: &Report) {
        for (name, check) in [
            ("api", report.api),
            ("signaling_server", report.signaling_server),
            ("video_streaming", report.video_streaming),
            ("audio_streaming", report.audio_streaming),
            ("turn_servers", report.turn_servers),
        ] {
            if check != Check::NotConfigured {
                let up = i64::from(check == Check::Operational);
                self.health.with_label_values(&[name]).set(up);
            }
        }
    }

    /// Notes how long a batch took, from reading to handing over.
    pub(super) fn note_relay(&self, took: Duration) {
        self.relay_seconds.observe(took.as_secs_f64());
    }
}

fn note_build(all: &Registry) -> Result<(), prometheus::Error> {
    let build = Opts::new("visio_build_info", "Always 1. The version is a label");
    let build = IntGauge::with_opts(build.const_label("version", env!("CARGO_PKG_VERSION")))?;
    build.set(1);
    all.register(Box::new(build))
}

fn relay_seconds(all: &Registry) -> Result<Histogram, prometheus::Error> {
    let help = "From reading what a client sent at once until it is handed to its receivers";
    let relay = HistogramOpts::new("visio_relay_seconds", help).buckets(RELAY_SECONDS.into());
    let relay = Histogram::with_opts(relay)?;
    all.register(Box::new(relay.clone()))?;
    Ok(relay)
}

fn health(all: &Registry) -> Result<IntGaugeVec, prometheus::Error> {
    let up = Opts::new("visio_check_up", "Whether the last check of /health found it well");
    let up = IntGaugeVec::new(up, &["check"])?;
    all.register(Box::new(up.clone()))?;
    Ok(up)
}

impl Now {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name, help| -> Result<_, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let seats = Opts::new("visio_seats", "Seats, by whether their peers are connected");
        let seats = IntGaugeVec::new(seats, &["presence"])?;
        registry.register(Box::new(seats.clone()))?;
        Ok(Self {
            seats,
            connections: gauge("visio_connections", "Open WebSockets")?,
            draining: gauge("visio_draining", "1 while the server shuts down")?,
            rooms: gauge("visio_rooms", "Rooms with somebody in them")?,
            waiting: gauge("visio_waiting", "Guests who wait to be admitted")?,
            queued_messages: gauge(
                "visio_queued_messages",
                "Messages that wait because clients do not read fast enough",
            )?,
            queued_bytes: gauge("visio_queued_bytes", "Bytes of those messages")?,
            longest_queue: gauge(
                "visio_longest_queue_messages",
                "The most messages that wait for one client",
            )?,
        })
    }

    fn set(&self, census: Option<Census>, queued: Queued, draining: bool) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(number(queued.connections));
        self.draining.set(i64::from(draining));
        self.queued_messages.set(number(queued.messages));
        self.queued_bytes.set(number(queued.bytes));
        self.longest_queue.set(number(queued.most));
        let Some(census) = census else { return };
        self.rooms.set(number(census.rooms));
        self.waiting.set(number(census.waiting));
        self.seats.with_label_values(&["here"]).set(number(census.here));
        self.seats.with_label_values(&["away"]).set(number(census.away));
    }
}

/// Counts what happens in visits, and passes it on.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) metrics: Arc<Metrics>,
    pub(super) next: Option<Arc<dyn Journal>>,
}

impl Journal for Counting {
    fn record(&self, entry: AuditEvent) {
        self.metrics.events.count(entry.event);
        if let Some(next) = &self.next {
            next.record(entry);
        }
    }

    fn note_race(&self) {
        self.metrics.races.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_text_format_with_names_of_their_own() {
        let metrics = Metrics::new();
        metrics.received.count("offer");
        metrics.received.count("offer");
        metrics.sent.count("gone");
        metrics.note_relay(Duration::from_micros(80));
        let census = Census { rooms: 2, here: 3, away: 1, waiting: 4 };
        let queued = Queued { connections: 7, messages: 5, bytes: 6, most: 4 };
        let text = metrics.text(Some(census), queued, true);
        for line in [
            "# TYPE visio_messages_received_total counter",
            r#"visio_messages_received_total{type="offer"} 2"#,
            r#"visio_messages_sent_total{result="gone"} 1"#,
            r#"visio_relay_seconds_bucket{le="0.0001"} 1"#,
            "visio_connections 7",
            "visio_draining 1",
            "visio_rooms 2",
            r#"visio_seats{presence="away"} 1"#,
            "visio_waiting 4",
            "visio_queued_bytes 6",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
        assert!(text.contains("process_open_fds"), "{text}");
    }
}
