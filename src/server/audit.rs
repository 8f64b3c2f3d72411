//! The audit log: one line of JSON for each event of a visit, to a file or to standard output.
//!
//! A separate thread writes it, so a visit never waits for the disk. The queue of that thread is
//! bounded. When it is full, lines are dropped and counted, and the next line written says how many
//! were dropped.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use serde_json::json;
use tracing::warn;

use crate::core::audit::AuditEvent;
use crate::ports::Journal;

/// The most lines that may wait to be written.
const QUEUE: usize = 4096;

/// The mode of a new file. Only the server's own user may read what happened in visits.
const PRIVATE: u32 = 0o600;
/// The mode bits that let every user of the machine read or change a file.
const EVERY_USER: u32 = 0o006;

/// The audit log. Dropping it waits until every accepted line is written.
#[derive(Debug)]
pub struct Audit {
    queue: Option<SyncSender<AuditEvent>>,
    dropped: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl Audit {
    /// Appends to a file; `-` is standard output. The mode of an existing file is the operator's
    /// choice, but we log a warning if every user may read or change it.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::to(io::stdout());
        }
        let file = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path)?;
        let found = file.metadata()?;
        let mode = found.permissions().mode() & 0o7777;
        if found.is_file() && mode & EVERY_USER != 0 {
            let (path, mode) = (path.display(), format!("{mode:o}"));
            warn!(%path, mode, "--audit: every user of this machine may read or change the file");
        }
        Self::to(file)
    }

    fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        let writer = thread::Builder::new().name("audit".into());
        let writer = writer.spawn(move || write(&lines, &counted, output))?;
        Ok(Self { queue: Some(queue), dropped, writer: Some(writer) })
    }
}

impl Journal for Audit {
    /// Queues a line, or counts it as dropped.
    fn record(&self, event: AuditEvent) {
        let taken = self.queue.as_ref().is_some_and(|queue| queue.try_send(event).is_ok());
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes lines until the queue is closed, and flushes after each batch.
fn write(lines: &Receiver<AuditEvent>, dropped: &AtomicU64, output: impl Write) {
    let mut output = BufWriter::new(output);
    while let Ok(first) = lines.recv() {
        let mut batch = std::iter::once(first).chain(lines.try_iter().take(QUEUE));
        let written = batch.try_for_each(|event| line(&mut output, dropped, &event));
        if let Err(error) = written.and_then(|()| output.flush()) {
            dropped.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "could not write to the audit log");
        }
    }
}

fn line(output: &mut impl Write, dropped: &AtomicU64, event: &AuditEvent) -> io::Result<()> {
    let lost = dropped.swap(0, Ordering::Relaxed);
    if lost > 0 {
        writeln!(output, "{}", json!({"event": "dropped", "count": lost}))?;
    }
    serde_json::to_writer(&mut *output, event)?;
    writeln!(output)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::wire::{FromText, RoomId, Timestamp};

    /// A slow disk: it waits for permission before each write.
    struct Tray(Arc<Mutex<Vec<u8>>>, Receiver<()>);

    impl Write for Tray {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.1.recv();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(number: u64) -> AuditEvent {
        AuditEvent {
            at: Timestamp(number),
            event: "ended",
            room_id: RoomId::parse("visit").unwrap(),
            peer_id: None,
            role: None,
            by: None,
            reason: None,
            duration_ms: None,
        }
    }

    #[test]
    fn lines_that_a_slow_disk_cannot_take_are_dropped_and_counted() {
        let (leave, waits) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let audit = Audit::to(Tray(Arc::clone(&written), waits)).unwrap();
        let taken = 3 * QUEUE as u64;
        for number in 0..taken {
            audit.record(event(number));
        }
        let lost = audit.dropped.load(Ordering::Relaxed);
        assert!(lost > 0);
        drop(leave);
        while audit.dropped.load(Ordering::Relaxed) > 0 {
            audit.record(event(taken));
        }
        drop(audit);
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<serde_json::Value> = lines.collect();
        let counts = lines.iter().filter(|line| line["event"] == "dropped");
        let counted: u64 = counts.filter_map(|line| line["count"].as_u64()).sum();
        let ended = lines.iter().find(|line| line["event"] == "ended").unwrap();
        assert!(counted >= lost, "{counted} of {lost}");
        assert_eq!(ended["roomId"], "visit");
    }
}
