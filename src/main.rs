//! The command line: `visio serve`, which is also plain `visio`, and `visio token`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use visio_signaling::config::{Flags, KeyFile, TokenFlags};
use visio_signaling::memory::MemoryRegistry;
use visio_signaling::server;
use visio_signaling::tls::Tls;

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
    /// Serve visits; this is what happens without a command
    Serve(Box<Serve>),
    /// Make a visit token for somebody, and print it
    Token(TokenFlags),
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    flags: Flags,

    /// What to log, as a tracing filter: error, warn, info, debug, trace, or by module
    #[arg(long, env = "VISIO_LOG", value_name = "FILTER", default_value = "info")]
    log: String,

    /// How to log, on standard error [default: text on a terminal, else json]
    #[arg(long, env = "VISIO_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("visio: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let Serve { flags, log, log_format } = match cli.command {
        Some(Command::Serve(serve)) => *serve,
        Some(Command::Token(flags)) => return token(flags),
        None => cli.serve,
    };
    start_log(&log, log_format)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(flags))
}

fn token(flags: TokenFlags) -> anyhow::Result<()> {
    let token = flags.mint(SystemTime::now())?;
    Ok(writeln!(std::io::stdout(), "{}", token.expose())?)
}

async fn serve(flags: Flags) -> anyhow::Result<()> {
    let (listen, config) = flags.resolve()?;
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the limit on open files could not be raised");
    }
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("could not listen on {listen} (--listen, VISIO_LISTEN)"))?;
    let signals = Signals::new()?;
    if let Some(tls) = &config.tls {
        tokio::spawn(reload_on_hangup(Arc::clone(tls), signal(SignalKind::hangup())?));
    }
    if let Some(file) = &config.key_file {
        tokio::spawn(reload_keys_on_hangup(Arc::clone(file), signal(SignalKind::hangup())?));
    }
    announce(listener.local_addr()?, config.tls.as_deref());
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop).notified_owned();
    tokio::select! {
        served = server::serve(listener, config, MemoryRegistry::default(), stopped) => served?,
        () = signals.stop_then_end(&stop) => {}
    }
    info!("bye");
    Ok(())
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

    /// The first asks the server to stop, the second is not to be argued with.
    async fn stop_then_end(mut self, stop: &Notify) {
        self.next().await;
        info!("going away; a second signal ends it at once");
        stop.notify_one();
        self.next().await;
        warn!("ended at once");
    }
}

/// Reads the certificate again whenever it is told to. One that will not do changes nothing.
async fn reload_on_hangup(tls: Arc<Tls>, mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        let files = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || files.reload()).await {
            Ok(Ok(())) => info!("the TLS certificate was read again: new connections see it"),
            Ok(Err(error)) => error!(%error, "the TLS certificate is still the old one"),
            Err(_) => error!("the TLS certificate is still the old one"),
        }
        remind(&tls);
    }
}

/// The same for the keys of visit tokens. Who is in stays in.
async fn reload_keys_on_hangup(file: Arc<KeyFile>, mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        let keys = Arc::clone(&file);
        match tokio::task::spawn_blocking(move || keys.reload()).await {
            Ok(Ok(())) => info!("the keys of visit tokens were read again"),
            Ok(Err(error)) => error!(%error, "the keys of visit tokens are still the old ones"),
            Err(_) => error!("the keys of visit tokens are still the old ones"),
        }
    }
}

fn remind(tls: &Tls) {
    if let Some(at) = tls.expires_soon() {
        warn!(at = %humantime::format_rfc3339_seconds(at), "the TLS certificate expires soon");
    }
}

/// The one line that says it is ready, with URLs to click.
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
        .with_context(|| format!("--log {filter:?}: expected a filter such as info or debug"))?;
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Some(LogFormat::Json) => log.json().flatten_event(true).init(),
        None if !terminal => log.json().flatten_event(true).init(),
        Some(LogFormat::Text) | None => log.with_ansi(terminal).init(),
    }
    // A panic's own message may quote what a client sent; where it happened says enough.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        error!(location, "a task panicked");
    }));
    Ok(())
}
