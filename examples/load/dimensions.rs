//! What is measured on demand: TLS, larger rooms, more rooms, two cores, other servers.

use std::time::Duration;

use clap::ValueEnum;

use super::certificate::Certificate;
use super::report::{self, Row, Unit};
use super::saturation::{Load, Outcome, Pace, play};
use super::subject::{How, Subject, blind, other_subjects, subjects, visio};
use super::{Flags, idle, pattern};

/// Another dimension of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Dimension {
    /// Both servers with TLS
    Tls,
    /// Rooms of 2, 4, 8 and 16 peers, in which one writes to all others
    RoomSize,
    /// 10, 100, 1000 and 10,000 rooms (or as many as a process may open files for), with ten
    /// messages under way
    Rooms,
    /// Servers that may use both cores, one of which the load needs, too
    Cores,
    /// matchbox, GStreamer's and PeerJS's server, if they are on the PATH
    Others,
}

/// Peers in all, when rooms of several sizes are compared.
const PEERS: usize = 96;
const SIZES: [usize; 4] = [2, 4, 8, 16];
const ROOMS: [usize; 3] = [10, 100, 1000];
const MOST_ROOMS: usize = 10_000;
/// How many messages are under way when numbers of rooms are compared.
const UNDER_WAY: usize = 10;
/// Idle connections at each of the other servers. One of them takes 5,000 at most.
const IDLE: usize = 2000;

/// Measures all that was asked for.
pub(super) async fn measure(
    flags: &Flags,
    cores: Option<(usize, usize)>,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let (one, both) = cores.map(|(a, b)| (a.to_string(), format!("{a},{b}"))).unzip();
    let how = How { flags, cores: one.as_deref(), certificate: None };
    let on_both = How { cores: both.as_deref(), ..how };
    for dimension in &flags.also {
        if let Some(value) = dimension.to_possible_value() {
            report::note(value.get_name());
        }
        rows.extend(match dimension {
            Dimension::Tls => tls(how).await?,
            Dimension::RoomSize => {
                let load = |peers| Load { peers, rooms: PEERS / peers, ..saturating(flags) };
                let name = |peers| format!("CPU per receipt, saturated, rooms of {peers}");
                compared(how, &SIZES, name, load).await?
            }
            Dimension::Rooms => {
                let pace = Pace::Round(UNDER_WAY);
                let load = |rooms| Load { rooms, pace, ..saturating(flags) };
                let name = |rooms| format!("CPU per offer, {rooms} rooms");
                let most = MOST_ROOMS.min(idle::most_connections()? / 2);
                compared(how, &[&ROOMS[..], &[most]].concat(), name, load).await?
            }
            Dimension::Cores => two_cores(how, on_both).await?,
            Dimension::Others => others(how).await?,
        });
    }
    Ok(rows)
}

/// More than a server can take.
pub(super) fn saturating(flags: &Flags) -> Load {
    Load {
        rooms: flags.saturating_pairs,
        peers: 2,
        messages: flags.messages as usize * 2,
        bytes: flags.bytes,
        pace: Pace::Window(flags.window),
    }
}

/// The same load with each of these numbers.
async fn compared(
    how: How<'_>,
    numbers: &[usize],
    name: impl Fn(usize) -> String,
    load: impl Fn(usize) -> Load,
) -> anyhow::Result<Vec<Row>> {
    let subjects = subjects(how)?;
    let mut rows: Vec<_> =
        numbers.iter().map(|number| Row::new(name(*number), Unit::Micros)).collect();
    for round in 0..how.flags.dimension_rounds {
        for (row, number) in rows.iter_mut().zip(numbers) {
            row.add(in_turns(&subjects, round, load(*number), |it| it.cpu).await?);
        }
    }
    Ok(rows)
}

/// A figure of each server, which take turns at going first.
async fn in_turns(
    subjects: &[Subject],
    round: u32,
    load: Load,
    figure: fn(&Outcome) -> f64,
) -> anyhow::Result<Vec<f64>> {
    let mut used = vec![0.0; subjects.len()];
    for turn in 0..subjects.len() {
        let whose = (turn + round as usize) % subjects.len();
        let Subject { target, process, .. } = &subjects[whose];
        used[whose] = figure(&play(target, *process, load).await?);
    }
    Ok(used)
}

async fn tls(how: How<'_>) -> anyhow::Result<Vec<Row>> {
    let (certificate, flags) = (Certificate::new()?, how.flags);
    let how = How { certificate: Some(&certificate), ..how };
    let mut idle = Row::new("memory per idle joined connection, TLS", Unit::KiB);
    if flags.connections > 0 {
        idle.add(idle_costs(how, 5000.min(flags.connections)).await?);
    }
    let subjects = subjects(how)?;
    let mut visit = Row::new("CPU per visit, TLS", Unit::Micros);
    let mut saturated = Row::new("CPU per offer, saturated, TLS", Unit::Micros);
    for round in 0..flags.dimension_rounds {
        let mut used = vec![0.0; subjects.len()];
        for turn in 0..subjects.len() {
            let whose = (turn + round as usize) % subjects.len();
            let Subject { target, process, .. } = &subjects[whose];
            let visits = pattern::visits(target, *process, flags.visits, flags.bytes).await?;
            used[whose] = visits.as_secs_f64() * 1e6;
        }
        visit.add(used);
        saturated.add(in_turns(&subjects, round, saturating(flags), |it| it.cpu).await?);
    }
    Ok(vec![visit, saturated, idle])
}

async fn idle_costs(how: How<'_>, connections: usize) -> anyhow::Result<Vec<f64>> {
    let mut used = Vec::new();
    for subject in &subjects(how)? {
        let it = idle::measure(&[subject.crowded()], connections, Duration::ZERO).await?;
        used.push(it.memory / 1024.0);
    }
    Ok(used)
}

async fn two_cores(how: How<'_>, on_both: How<'_>) -> anyhow::Result<Vec<Row>> {
    let (one, both) = (subjects(how)?, subjects(on_both)?);
    let mut rows = [
        Row::new("CPU per offer, saturated, one core", Unit::Micros),
        Row::new("CPU per offer, saturated, two cores", Unit::Micros),
    ];
    for round in 0..how.flags.dimension_rounds {
        for (row, subjects) in rows.iter_mut().zip([&one, &both]) {
            row.add(in_turns(subjects, round, saturating(how.flags), |it| it.cpu).await?);
        }
    }
    Ok(rows.into())
}

async fn others(how: How<'_>) -> anyhow::Result<Vec<Row>> {
    let fresh = || {
        let mut all = subjects(how)?;
        all.extend(other_subjects(how.cores)?);
        anyhow::Ok(all)
    };
    let subjects = fresh()?;
    let names: Vec<_> = subjects.iter().map(|it| it.name).collect();
    let row = |name, unit| Row::new(name, unit).of(&names);
    let mut relay = row("CPU per offer, one by one, everybody", Unit::Micros);
    let mut visit = row("CPU per visit, everybody", Unit::Micros);
    let mut memory = row("memory per idle connection, everybody", Unit::KiB);
    let &Flags { pairs, messages, bytes, visits, .. } = how.flags;
    let offers = pattern::Relay { pairs, messages: messages / 4, bytes, burst: 1 };
    for _ in 0..how.flags.dimension_rounds {
        let (mut relayed, mut visited) = (Vec::new(), Vec::new());
        for Subject { target, process, .. } in &subjects {
            let used = pattern::relay(target, *process, offers).await?;
            relayed.push(used.as_secs_f64() * 1e6);
            let used = pattern::visits(target, *process, visits, bytes).await?;
            visited.push(used.as_secs_f64() * 1e6);
        }
        relay.add(relayed);
        visit.add(visited);
    }
    drop(subjects);
    let mut used = Vec::new();
    for subject in &fresh()? {
        let it = idle::measure(&[subject.crowded()], IDLE, Duration::ZERO).await?;
        used.push(it.memory / 1024.0);
    }
    memory.add(used);
    Ok(vec![relay, visit, memory])
}

/// What idle connections cost, on as many servers as they need.
pub(super) async fn idle(flags: &Flags, core: Option<&str>) -> anyhow::Result<[Row; 2]> {
    let most = idle::most_connections()?;
    let servers = if flags.url.is_some() { 1 } else { flags.connections.div_ceil(most) };
    let watch = Duration::from_secs(flags.idle_seconds);
    let mut memory = Row::new("memory per idle joined connection", Unit::KiB).at_most(7.0);
    let mut cpu = Row::new("CPU per idle connection and minute", Unit::Micros);
    let how = How { flags, cores: core, certificate: None };
    let (mut held, mut used) = (Vec::new(), Vec::new());
    let starts: &[fn(How<'_>) -> anyhow::Result<Subject>] =
        if flags.url.is_some() { &[visio] } else { &[visio, blind] };
    for start in starts {
        let fresh = (0..servers).map(|_| start(how)).collect::<anyhow::Result<Vec<_>>>()?;
        let crowded: Vec<_> = fresh.iter().map(Subject::crowded).collect();
        let it = idle::measure(&crowded, flags.connections, watch).await?;
        held.push(it.memory / 1024.0);
        used.push(it.cpu.as_secs_f64() * 1e6);
    }
    memory.add(held);
    if flags.idle_seconds > 0 {
        cpu.add(used);
    }
    if servers > 1 {
        report::note(&format!("{} connections on {servers} processes", flags.connections));
    }
    Ok([memory, cpu])
}
