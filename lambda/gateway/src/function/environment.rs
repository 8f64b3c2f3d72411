//! An execution environment, with the two sides that use it: the invoker, and the process that asks
//! for work.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use super::Failure;
use super::freezer::Freezer;
use crate::ids::Ids;
use crate::tasks::locked;

/// How long Lambda gives an environment until it must ask for work.
const MAX_INITIALISATION: Duration = Duration::from_secs(10);

/// One environment, from the start of its process to the end.
pub(super) struct Environment {
    inbox: mpsc::Sender<Work>,
    outbox: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    fetched: Notify,
    current: Mutex<Option<Current>>,
    born: Instant,
    /// How long it took until the process first asked for work. This is billed with the first
    /// invocation.
    initialised: OnceLock<Duration>,
    stopping: watch::Sender<bool>,
    ended: watch::Sender<bool>,
    /// Freezes the process while it is idle, if that is enabled.
    freezer: Option<Freezer>,
}

/// An invocation, before the process has fetched it.
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) event: String,
    pub(super) timeout: Duration,
    reply: oneshot::Sender<Reply>,
}

/// The invocation that the process is working on.
struct Current {
    request_id: String,
    since: Instant,
    reply: oneshot::Sender<Reply>,
}

/// The outcome of an invocation, and how long it took.
type Reply = (Result<Bytes, Failure>, Duration);

impl Environment {
    pub(super) fn new(freezer: Option<Freezer>) -> Self {
        let (inbox, outbox) = mpsc::channel(1);
        Self {
            inbox,
            outbox: tokio::sync::Mutex::new(outbox),
            fetched: Notify::new(),
            current: Mutex::default(),
            born: Instant::now(),
            initialised: OnceLock::new(),
            stopping: watch::Sender::default(),
            ended: watch::Sender::default(),
            freezer,
        }
    }

    /// Sets the id of the environment's process; `None` if it has ended.
    pub(super) fn holds(&self, process: Option<u32>) {
        if let Some(freezer) = &self.freezer {
            freezer.holds(process);
        }
    }

    /// Hands an event to the process. Returns the outcome and the billed time.
    pub(super) async fn run(
        &self,
        event: String,
        timeout: Duration,
        ids: &Ids,
    ) -> (Result<Bytes, Failure>, Duration) {
        let cold = self.initialised.get().is_none();
        let (reply, answer) = oneshot::channel();
        let work = Work { request_id: ids.uuid(), event, timeout, reply };
        // There is always room, because an environment has one invocation at a time, and this one
        // holds the lease.
        let _ = self.inbox.send(work).await;
        let failed = tokio::select! {
            biased;
            Ok(answer) = answer => return self.with_initialisation(answer, cold),
            () = self.ended() => Failure::Crashed,
            () = self.too_long(timeout) => Failure::TimedOut,
        };
        self.stop();
        let since = locked(&self.current).take().map(|current| current.since);
        let worked = since.map_or(Duration::ZERO, |since| since.elapsed());
        self.with_initialisation((Err(failed), worked), cold)
    }

    /// Waits for the timeout, which starts once the function has its event.
    async fn too_long(&self, timeout: Duration) {
        tokio::select! {
            () = self.fetched.notified() => sleep(timeout).await,
            () = sleep(MAX_INITIALISATION) => {}
        }
    }

    fn with_initialisation(&self, (outcome, worked): Reply, cold: bool) -> Reply {
        let initialised = self.initialised.get().copied().unwrap_or_else(|| self.born.elapsed());
        (outcome, if cold { worked + initialised } else { worked })
    }

    /// The next invocation, for the process.
    pub(super) async fn next(&self) -> Option<Work> {
        self.initialised.get_or_init(|| self.born.elapsed());
        let mut outbox = self.outbox.lock().await;
        let Some(freezer) = &self.freezer else { return outbox.recv().await };
        freezer.freeze().await;
        let work = outbox.recv().await;
        freezer.thaw().await;
        work
    }

    /// Records that the process has fetched an invocation.
    pub(super) fn begin(&self, work: Work) -> (String, String) {
        let Work { request_id, event, reply, .. } = work;
        let current = Current { request_id: request_id.clone(), since: Instant::now(), reply };
        *locked(&self.current) = Some(current);
        self.fetched.notify_one();
        (request_id, event)
    }

    /// Records that the process has finished an invocation. Returns false if it is not the current
    /// one.
    pub(super) fn finish(&self, request_id: &str, outcome: Result<Bytes, Failure>) -> bool {
        let mut current = locked(&self.current);
        let Some(done) = current.take_if(|current| current.request_id == request_id) else {
            return false;
        };
        // The invoker may have given up at this very moment.
        done.reply.send((outcome, done.since.elapsed())).is_ok()
    }

    /// Asks the environment to stop.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(super) async fn stopped(&self) {
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Records that the process has ended, and that all its output is in the log.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(super) async fn ended(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    pub(super) fn is_alive(&self) -> bool {
        !*self.stopping.borrow() && !*self.ended.borrow()
    }
}
