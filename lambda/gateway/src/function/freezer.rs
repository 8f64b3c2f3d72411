//! Freezes a function's process between two invocations, together with its monotonic clock.
//!
//! Lambda freezes an idle environment, and does not promise that its monotonic clock keeps running
//! meanwhile. Code that measures an age with `Instant` across two invocations may then be wrong by
//! the whole time the environment was frozen. Here a signal stops the process, and a small library
//! that is loaded into it holds its clock back. The library is compiled when it is first needed,
//! with the C compiler that this workspace needs anyway.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::tasks::locked;

const SOURCE: &str = include_str!("held_clock.c");

/// Stops one process while it is idle.
pub(super) struct Freezer {
    directory: PathBuf,
    clock: File,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<u32>,
    frozen_at: Option<Instant>,
    held: Duration,
}

impl Freezer {
    /// Creates the clock of a process that is about to start.
    pub(super) async fn new() -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("visio-gateway-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory)?;
        compile(&directory).await?;
        let clock = directory.join("clock");
        let mut file = File::options().create(true).truncate(true).write(true).open(clock)?;
        file.write_all(&0_i64.to_ne_bytes())?;
        Ok(Self { directory, clock: file, state: Mutex::default() })
    }

    /// The environment variables that the process needs.
    pub(super) fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("LD_PRELOAD", self.directory.join("held_clock.so")),
            ("HELD_CLOCK", self.directory.join("clock")),
        ]
    }

    /// Sets the id of the process.
    pub(super) fn holds(&self, process: Option<u32>) {
        locked(&self.state).process = process;
    }

    /// Stops the process, which is idle.
    pub(super) async fn freeze(&self) {
        let Some(process) = locked(&self.state).process else { return };
        if signal("STOP", process).await.is_ok() {
            locked(&self.state).frozen_at = Some(Instant::now());
        }
    }

    /// Continues the process, which has work to do. Its clock continues from where it stopped.
    pub(super) async fn thaw(&self) {
        let process = {
            let mut state = locked(&self.state);
            let Some(frozen_at) = state.frozen_at.take() else { return };
            state.held += frozen_at.elapsed();
            let held = i64::try_from(state.held.as_nanos()).unwrap_or(i64::MAX);
            // If this write fails, a test that looks at the clock fails.
            let _ = self.clock.write_at(&held.to_ne_bytes(), 0);
            state.process
        };
        if let Some(process) = process {
            let _ = signal("CONT", process).await;
        }
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Compiles the library once for this process, and puts a copy into `directory`.
async fn compile(directory: &Path) -> io::Result<()> {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    let library = directory.join("held_clock.so");
    if let Some(bytes) = LIBRARY.get() {
        return fs::write(library, bytes);
    }
    let source = directory.join("held_clock.c");
    fs::write(&source, SOURCE)?;
    let mut cc = Command::new("cc");
    let cc = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    if !cc.status().await?.success() {
        return Err(io::Error::other(
            "`cc` could not compile the library that holds the clock back",
        ));
    }
    let bytes = fs::read(library)?;
    LIBRARY.get_or_init(|| bytes);
    Ok(())
}

async fn signal(name: &str, process: u32) -> io::Result<()> {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().await?;
    if sent.success() { Ok(()) } else { Err(io::Error::other("the process is gone")) }
}
