//! Measures how long a cold start takes, from the start of the process to its first answer, next to
//! that of a function that does nothing (`hello.rs`).
//!
//! ```sh
//! cargo build --profile lambda -p visio-lambda --bins --example hello
//! cargo run -p visio-lambda --example cold_start
//! ```
//!
//! Both are started in turn by the gateway, on this machine; the ratio is what counts. There is no
//! TLS here: Lambda adds the handshakes with DynamoDB and API Gateway.
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio_tungstenite::connect_async;
use visio_gateway::{Gateway, Options};

const ROUNDS: usize = 31;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = functions()?;
    let hello = Gateway::start(Options::new(folder.join("examples/hello"))).await?;
    let signaling = Gateway::start(Options::new(folder.join("signaling"))).await?;
    let (mut nothing, mut everything) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        nothing.push(first_answer(&hello).await?);
        everything.push(first_answer(&signaling).await?);
    }
    let (nothing, everything) = (median(nothing), median(everything));
    let ratio = everything.as_secs_f64() / nothing.as_secs_f64();
    println!("hello      {:>6.1} ms", nothing.as_secs_f64() * 1e3);
    println!("signaling  {:>6.1} ms, {ratio:.1} times as long", everything.as_secs_f64() * 1e3);
    for name in ["signaling", "health"] {
        println!("{name:<10} {:>6.2} MB", bytes(&folder.join(name))? as f64 / 1e6);
    }
    Ok(())
}

/// A handshake that has to start an environment and waits for its answer.
async fn first_answer(gateway: &Gateway) -> Result<Duration, Failure> {
    gateway.retire_environments().await;
    let begun = Instant::now();
    let (socket, _) = connect_async(gateway.websocket_url()).await?;
    let taken = begun.elapsed();
    drop(socket);
    gateway.settle().await;
    Ok(taken)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Where the profile `lambda` puts its builds: next to the folder of this program's profile.
fn functions() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("the target folder is not above this program")?;
    Ok(target.join("lambda"))
}

fn bytes(path: &Path) -> Result<u64, Failure> {
    let wrong = |error| {
        format!("{}: {error}; build it first, as the head of this file says", path.display())
    };
    Ok(std::fs::metadata(path).map_err(wrong)?.len())
}
