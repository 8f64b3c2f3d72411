//! Starts an environment's process, and supervises it until it ends.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::environment::Environment;
use super::freezer::Freezer;
use super::{Settings, runtime_api};
use crate::event::REGION;
use crate::listen;
use crate::site::Site;

/// How long to wait for the last output, because a grandchild may keep a pipe open.
const LAST_LINES: Duration = Duration::from_secs(1);
/// The variables of our own environment that are passed on.
const INHERITED: [&str; 3] = ["PATH", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];

/// Starts a process. Each process has its own listener, so the table and the Runtime API know which
/// environment a request comes from.
pub(super) async fn start(
    index: usize,
    settings: &Arc<Settings>,
    site: &Arc<Site>,
) -> io::Result<Arc<Environment>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let freezer = if settings.freezes { Some(Freezer::new().await?) } else { None };
    let held_clock = freezer.iter().flat_map(Freezer::variables).collect::<Vec<_>>();
    let environment = Arc::new(Environment::new(freezer));
    let child = Command::new(&settings.bootstrap)
        .env_clear()
        .envs(held_clock)
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(variables(index, &address, settings, site))
        .envs(settings.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C must reach only the gateway, which then ends this process.
        .process_group(0)
        .spawn()?;
    environment.holds(child.id());
    site.meter.cold_start();
    site.tasks.spawn(accompany(
        child,
        listener,
        environment.clone(),
        settings.clone(),
        site.clone(),
    ));
    Ok(environment)
}

async fn accompany(
    mut child: Child,
    listener: TcpListener,
    environment: Arc<Environment>,
    settings: Arc<Settings>,
    site: Arc<Site>,
) {
    let mut pipes = JoinSet::new();
    pipes.spawn(read(child.stdout.take(), Arc::clone(&site)));
    pipes.spawn(read(child.stderr.take(), Arc::clone(&site)));
    let handler = {
        let (environment, site) = (Arc::clone(&environment), Arc::clone(&site));
        move |_, request| {
            let (environment, site) = (Arc::clone(&environment), Arc::clone(&site));
            let settings = Arc::clone(&settings);
            async move { runtime_api::answer(&environment, &settings, &site, request).await }
        }
    };
    tokio::select! {
        _ = child.wait() => {}
        () = environment.stopped() => {}
        () = listen::serve(listener, handler) => {}
    }
    // It may have ended by itself.
    let _ = child.kill().await;
    let _ = timeout(LAST_LINES, async { while pipes.join_next().await.is_some() {} }).await;
    environment.end();
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, site: Arc<Site>) {
    let Some(pipe) = pipe else { return };
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        site.logs.write(line);
    }
}

fn variables(
    index: usize,
    address: &str,
    settings: &Settings,
    site: &Site,
) -> [(&'static str, String); 15] {
    let name = settings.name;
    let stream = format!("{index}/[$LATEST]{}", site.ids.hex());
    [
        ("AWS_LAMBDA_RUNTIME_API", address.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDEMULATED".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "emulated".to_owned()),
        ("AWS_SESSION_TOKEN", "emulated".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{address}")),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{address}")),
    ]
}
