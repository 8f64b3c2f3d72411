//! The command line: `visio serve`, which is the default, `visio token`, `visio doctor` and
//! `visio load`.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::builder::{NonEmptyStringValueParser, Resettable};
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use visio_signaling::doctor::DoctorFlags;
use visio_signaling::load::LoadFlags;
use visio_signaling::server;
use visio_signaling::server::config::{Addresses, Config, Flags, KeyFile, NEVER_EMPTY, TokenFlags};
use visio_signaling::server::memory::MemoryRegistry;
use visio_signaling::server::tls::Tls;

/// A WebRTC signaling server for video visits.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve visits; the default if no command is given
    Serve(Box<Serve>),
    /// Mint a visit token and print it
    Token(TokenFlags),
    Doctor(Box<DoctorFlags>),
    Load(Box<LoadFlags>),
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    flags: Flags,

    /// What to log, as a tracing filter: error, warn, info, debug, trace, or a level per module
    #[arg(long, env = "VISIO_LOG", value_name = "FILTER", default_value = "info")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    log: String,

    /// Format of the log, which goes to standard error [default: text on a terminal, else json]
    #[arg(long, env = "VISIO_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// How long the exit waits for a file that is being reloaded or written, because the disk may not
/// answer.
const LAST_FILES: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("visio: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let cli = typed();
    let Serve { flags, log, log_format } = match cli.command {
        Some(Command::Serve(serve)) => *serve,
        Some(Command::Token(flags)) => return token(flags),
        Some(Command::Doctor(flags)) => return doctor(*flags),
        Some(Command::Load(flags)) => return load(*flags),
        None => cli.serve,
    };
    start_log(&log, log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(flags));
    runtime.shutdown_timeout(LAST_FILES);
    served.map(|()| ExitCode::SUCCESS)
}

/// Parses the command line and the environment. An empty variable counts as not set, unless it is
/// one of [`NEVER_EMPTY`].
fn typed() -> Cli {
    let is_empty = |arg: &Arg| {
        let name = arg.get_env().filter(|name| NEVER_EMPTY.iter().all(|it| it != name));
        name.and_then(std::env::var_os).is_some_and(|value| value.is_empty())
    };
    let without = |arg: Arg| match is_empty(&arg) {
        true => arg.env(Resettable::Reset),
        false => arg,
    };
    let command = Cli::command().mut_args(without);
    let command = command.mut_subcommands(|command| command.mut_args(without));
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

fn token(flags: TokenFlags) -> anyhow::Result<ExitCode> {
    let token = flags.mint(SystemTime::now())?;
    writeln!(std::io::stdout(), "{}", token.expose())?;
    Ok(ExitCode::SUCCESS)
}

fn doctor(flags: DoctorFlags) -> anyhow::Result<ExitCode> {
    let json = flags.json;
    let doctor = flags.resolve()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(doctor.examine());
    // A resolver that does not answer would hold up the exit.
    runtime.shutdown_background();
    print(&report, json)?;
    Ok(ExitCode::from(report.exit_code()))
}

fn load(flags: LoadFlags) -> anyhow::Result<ExitCode> {
    let json = flags.json;
    let load = flags.resolve()?;
    let (needed, open_files) = (load.connections() as u64 + 64, raise_open_files()?);
    anyhow::ensure!(
        needed <= open_files,
        "the limit on open files is {open_files}: expected at least {needed} (ulimit -n)"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        // They are caught from here on, so that none is lost while the load begins.
        let mut signals = Signals::new()?;
        std::io::Result::Ok(load.run(signals.next()).await)
    })?;
    runtime.shutdown_background();
    let report = match report {
        Ok(report) => report,
        Err(trouble) => {
            eprintln!("visio: {trouble}");
            return Ok(ExitCode::from(trouble.exit_code()));
        }
    };
    print(&report, json)?;
    Ok(ExitCode::from(report.exit_code()))
}

/// Prints a report, as text or as one line of JSON.
fn print(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match json {
        true => writeln!(out, "{}", serde_json::to_string(report)?)?,
        false => write!(out, "{report}")?,
    }
    Ok(())
}

async fn serve(flags: Flags) -> anyhow::Result<()> {
    // SIGHUP is handled first, so that an early reload does not end the server. The other signals
    // may end it while files are read.
    let hangups = Hangups::new()?;
    let (listen, mut config) = flags.resolve()?;
    fit(&mut config)?;
    let listener = bind(&listen).await?;
    let signals = Signals::new()?;
    let (tls, keys) = (config.tls.clone(), config.key_file.clone());
    let reloads = tokio::spawn(reload_on_hangup(tls, keys, hangups));
    announce(listener.local_addr()?, config.tls.as_deref());
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop).notified_owned();
    tokio::select! {
        served = server::serve(listener, config, MemoryRegistry::default(), stopped) => served?,
        () = signals.stop_then_end(&stop, reloads) => {}
    }
    info!("bye");
    Ok(())
}

/// Raises the limit on open files as far as possible, and lowers the limit on connections to what
/// fits.
fn fit(config: &mut Config) -> anyhow::Result<()> {
    let open_files = raise_open_files()?;
    let allowed = server::most_connections(open_files).with_context(|| {
        let fewest = server::fewest_open_files();
        format!("the limit on open files is {open_files}: expected at least {fewest} (ulimit -n)")
    })?;
    match config.max_connections {
        0 => info!(open_files, allowed, "connections are limited only by the open files"),
        wanted if wanted > allowed => warn!(
            wanted,
            allowed,
            open_files,
            "lowered --max-connections to what the limit on open files (ulimit -n) allows"
        ),
        _ => return Ok(()),
    }
    config.max_connections = allowed;
    Ok(())
}

fn raise_open_files() -> anyhow::Result<u64> {
    let raised = rlimit::increase_nofile_limit(u64::MAX).or_else(|error| {
        warn!(%error, "could not raise the limit on open files");
        rlimit::getrlimit(rlimit::Resource::NOFILE).map(|(soft, _)| soft)
    });
    Ok(raised?)
}

/// Listens on the first address that can be bound.
async fn bind(listen: &Addresses) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(&listen.all[..]).await;
    let listener = listener.with_context(|| {
        format!("could not listen on {listen} (--listen, VISIO_LISTEN): tried {:?}", listen.all)
    })?;
    if let [_, _, ..] = listen.all[..] {
        let (address, of) = (listener.local_addr()?, listen.all.len());
        info!(%address, of, "listening on the first address of {listen} that could be bound");
    }
    Ok(listener)
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The first signal asks the server to stop, and so does the end of the reload task. A second
    /// signal ends it at once.
    async fn stop_then_end(mut self, stop: &Notify, reloads: JoinHandle<()>) {
        tokio::select! {
            () = self.next() => {}
            Ok(()) = reloads => {}
        }
        info!("shutting down; a second signal ends the server at once");
        stop.notify_one();
        self.next().await;
        warn!("ended at once by a second signal");
    }
}

/// SIGHUP, which asks for a reload of the files. It also arrives when the terminal is closed that
/// started the server. Then the user is gone, and the server stops.
struct Hangups {
    signals: Signal,
    from_terminal: bool,
}

impl Hangups {
    fn new() -> std::io::Result<Self> {
        let from_terminal = std::io::stdin().is_terminal();
        Ok(Self { signals: signal(SignalKind::hangup())?, from_terminal })
    }

    /// Waits for the next reload request; `None` once the terminal is closed.
    async fn next(&mut self) -> Option<()> {
        self.signals.recv().await?;
        let closed = self.from_terminal && !std::io::stdin().is_terminal();
        (!closed).then_some(())
    }
}

/// Reloads all files on each SIGHUP. An invalid file changes nothing, and connected peers stay
/// connected.
async fn reload_on_hangup(tls: Option<Arc<Tls>>, keys: Option<Arc<KeyFile>>, mut hangups: Hangups) {
    while hangups.next().await.is_some() {
        if tls.is_none() && keys.is_none() {
            info!("SIGHUP: there is nothing to read again, neither a certificate nor a key file");
        }
        tokio::join!(reload_certificate(tls.clone()), reload_keys(keys.clone()));
    }
}

async fn reload_certificate(tls: Option<Arc<Tls>>) {
    let Some(tls) = tls else { return };
    let files = Arc::clone(&tls);
    match tokio::task::spawn_blocking(move || files.reload()).await {
        Ok(Ok(())) => info!("the TLS certificate was read again: new connections see it"),
        Ok(Err(error)) => error!(%error, "the TLS certificate is still the old one"),
        Err(_) => error!("the TLS certificate is still the old one"),
    }
    remind(&tls);
}

async fn reload_keys(keys: Option<Arc<KeyFile>>) {
    let Some(keys) = keys else { return };
    match tokio::task::spawn_blocking(move || keys.reload()).await {
        Ok(Ok(())) => info!("the keys of visit tokens were read again"),
        Ok(Err(error)) => error!(%error, "the keys of visit tokens are still the old ones"),
        Err(_) => error!("the keys of visit tokens are still the old ones"),
    }
}

fn remind(tls: &Tls) {
    if let Some(at) = tls.expires_soon() {
        warn!(at = %humantime::format_rfc3339_seconds(at), "the TLS certificate expires soon");
    }
}

/// Logs one line that says the server is ready, with URLs to click.
fn announce(address: SocketAddr, tls: Option<&Tls>) {
    tls.into_iter().for_each(remind);
    let s = if tls.is_some() { "s" } else { "" };
    info!(
        "ready: http{s}://{address}/demo/ is the page, ws{s}://{address}/ws the WebSocket, \
         http{s}://{address}/health the health check"
    );
}

fn start_log(filter: &str, format: Option<LogFormat>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log {filter:?}: expected a filter, such as info or debug"))?;
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // If standard error is closed, an error message about that would itself panic.
    let log = log.log_internal_errors(false);
    match format {
        Some(LogFormat::Json) => log.json().flatten_event(true).init(),
        None if !terminal => log.json().flatten_event(true).init(),
        Some(LogFormat::Text) | None => log.with_ansi(terminal).init(),
    }
    // A panic message may quote what a client sent, so only the location is logged.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        error!(location, "a task panicked");
    }));
    Ok(())
}
