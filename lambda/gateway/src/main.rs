//! The command line: AWS on a laptop, with a bill.

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use visio_gateway::page::{self, Site};
use visio_gateway::visit::{self, Batching, Comparison, Drops};
use visio_gateway::{Gateway, Options};

/// The secret that signs visit tokens while a visit is played for the bill.
const SECRET: &str = "signs the tokens of a visit that is played";
/// The ARN under which the function finds the secret.
const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-3:000000000000:secret:visits-AbCdEf";

/// API Gateway, Lambda and DynamoDB in one process: runs the functions of `visio-lambda`.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Task {
    /// Serve visits until Ctrl-C, then print what they cost; the default if no command is given
    ///
    /// SIGHUP replaces all environments of the functions, as a deployment does.
    Serve(Serve),
    /// Play a half-hour visit of two peers, and print what a million such visits cost
    ///
    /// The visit uses visit tokens, unless --open is given. Everything is measured except the time
    /// of an invocation, which --invocation-ms sets. The number of reads depends on which
    /// environment has seen which peer, so it differs a little between runs, but not with
    /// --environments 1.
    Bill {
        #[command(flatten)]
        functions: Functions,
        /// Play the visit in open mode, without tokens
        #[arg(long)]
        open: bool,
        /// Milliseconds that each invocation is billed for
        #[arg(long, default_value_t = 10, value_name = "MS")]
        invocation_ms: u64,
    },
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    functions: Functions,
    /// Address to listen on for WebSockets and @connections
    #[arg(long, default_value = "127.0.0.1:9080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address to listen on for the Function URL of the health check
    #[arg(long, default_value = "127.0.0.1:9081", value_name = "ADDRESS")]
    health_listen: SocketAddr,
    /// Address to listen on for the browser page
    #[arg(long, default_value = "127.0.0.1:9082", value_name = "ADDRESS")]
    page_listen: SocketAddr,
    /// Directory with the browser page [default: examples/browser of the checkout]
    #[arg(long, value_name = "DIRECTORY")]
    page: Option<PathBuf>,
}

#[derive(Args)]
struct Functions {
    /// Directory with the binaries `signaling` and `health` [default: cargo builds them next to
    /// this program]
    #[arg(long, value_name = "DIRECTORY")]
    functions: Option<PathBuf>,
    /// Variable to set in the functions' environment, such as
    /// VISIO_ALLOWED_ORIGIN=https://x.example; repeatable
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    variables: Vec<(String, String)>,
    /// Maximum number of environments per function
    #[arg(long, default_value_t = 4, value_name = "COUNT")]
    environments: usize,
    /// Memory of a function in MB, which is billed but not enforced
    #[arg(long, default_value_t = 256, value_name = "MB")]
    memory: u32,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("visio-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.task {
        Some(Task::Bill { functions, open, invocation_ms }) => {
            bill(functions, open, Duration::from_millis(invocation_ms)).await
        }
        Some(Task::Serve(flags)) => serve(flags).await,
        None => serve(cli.serve).await,
    }
}

async fn serve(flags: Serve) -> anyhow::Result<()> {
    let mut options = flags.functions.options()?;
    options.listen = flags.listen;
    options.health_listen = flags.health_listen;
    options.pass_logs = true;
    let listener = TcpListener::bind(flags.page_listen).await;
    let listener =
        listener.with_context(|| format!("could not listen on {}", flags.page_listen))?;
    let directory = flags.page.unwrap_or_else(|| checkout().join("examples").join("browser"));
    ensure!(directory.is_dir(), "--page: {} is not a directory", directory.display());
    let site = Site { page: directory, client: checkout().join("client").join("src") };
    let page = listener.local_addr()?;
    let gateway = Gateway::start(options).await?;
    let health = gateway.health_address().context("there is no health function")?;
    let page = page_url(page, gateway.address(), health);
    tokio::spawn(page::serve(listener, site));
    write!(
        stdout(),
        "WebSocket  {}\nhealth     http://{health}/health\npage       {page}\n\
         Press Ctrl-C to stop, and to see the bill.\n",
        gateway.websocket_url(),
    )?;
    retire_on_hangup_until_ctrl_c(&gateway).await?;
    gateway.retire_environments().await;
    writeln!(stdout(), "\n{}", gateway.bill())?;
    Ok(())
}

/// SIGHUP is a deployment: every environment of the functions is replaced, and the connections
/// stay.
async fn retire_on_hangup_until_ctrl_c(gateway: &Gateway) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            end = tokio::signal::ctrl_c() => return Ok(end?),
            _ = hangup.recv() => {}
        }
        gateway.retire_environments().await;
        writeln!(stdout(), "The functions were deployed anew.")?;
    }
}

async fn bill(functions: Functions, open: bool, invocation: Duration) -> anyhow::Result<()> {
    let mut options = functions.options()?;
    let memory = options.memory_mb;
    let secret = (!open).then_some(SECRET);
    if let Some(secret) = secret {
        options.variables.push(("VISIO_JWT_SECRET_ARN".into(), SECRET_ARN.into()));
        options.secrets.push((SECRET_ARN.into(), secret.into()));
    }
    // A service with enough visits to have a bill keeps its environments warm.
    options.recycle_after = Duration::from_secs(24 * 60 * 60);
    let gateway = Gateway::start(options).await?;
    visit::play(&gateway, Batching::OneByOne, Drops::None, secret).await?;
    let single = visit::play(&gateway, Batching::OneByOne, Drops::None, secret).await?;
    let lists = visit::play(&gateway, Batching::Lists, Drops::None, secret).await?;
    let drops = visit::play(&gateway, Batching::Lists, Drops::OneEach, secret).await?;
    let [single, lists, drops] =
        [single, lists, drops].map(|bill| bill.with_invocations_of(invocation, memory));
    let bills = [("one by one", &single), ("in lists", &lists), ("lists, a drop a side", &drops)];
    let comparison = Comparison(&bills);
    let mode = if open { "in open mode" } else { "with visit tokens" };
    writeln!(
        stdout(),
        "A 30-minute visit of two peers {mode}, with 10 ICE candidates from each side and {} ms \
         per invocation:\n",
        invocation.as_millis(),
    )?;
    writeln!(stdout(), "{comparison}")?;
    Ok(())
}

impl Functions {
    fn options(self) -> anyhow::Result<Options> {
        let directory = self.functions.map_or_else(built, Ok)?;
        let mut options = Options::new(binary(&directory, "signaling"));
        options.health = Some(binary(&directory, "health"));
        options.variables = self.variables;
        options.max_environments = self.environments;
        options.memory_mb = self.memory;
        Ok(options)
    }
}

fn binary(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Builds the functions with the profile of this program. Cargo puts them next to it.
fn built() -> anyhow::Result<PathBuf> {
    let mut directory = std::env::current_exe().context("could not find this program's path")?;
    directory.pop();
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let built = Command::new(cargo)
        .args(["build", "--package", "visio-lambda", "--bins", "--profile", profile])
        .current_dir(checkout())
        .status()
        .context("could not run cargo; use --functions to name binaries that are already built")?;
    ensure!(built.success(), "could not build the functions");
    Ok(directory)
}

/// The checkout that this program was built in. A developers' tool runs where it was built.
fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The URL of the page, which reads both addresses from its query.
fn page_url(page: SocketAddr, websocket: SocketAddr, health: SocketAddr) -> String {
    let server = format!("ws://{websocket}/prod");
    let health = format!("http://{health}/health");
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("http://{page}/?server={}&health={}", encoded(&server), encoded(&health))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["x", "--set", "A=b=c", "--listen", "127.0.0.1:0"]).is_ok());
        assert!(Cli::try_parse_from(["x", "bill", "--set", "A"]).is_err());
    }

    #[test]
    fn the_pages_url_names_both_servers() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let url = page_url(address(3), address(1), address(2));
        let server = "ws%3A%2F%2F127%2E0%2E0%2E1%3A1%2Fprod";
        let health = "http%3A%2F%2F127%2E0%2E0%2E1%3A2%2Fhealth";
        assert_eq!(url, format!("http://127.0.0.1:3/?server={server}&health={health}"));
    }
}
