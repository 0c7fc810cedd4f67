//! Tasks that should run as long as the process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use parking_lot::Mutex;
use ports::health::Subject;
use ports::{Chance, Clock, Troubles};
use tokio::sync::watch;

use crate::panics::guarded;

/// After this many restarts of any tasks within a minute, the process should end, so that the supervisor that started it can act.
pub const MOST_RESTARTS: usize = 10;
const WITHIN: Duration = Duration::from_secs(60);

/// The wait before the first restart. It doubles with each restart, up to the longest wait.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// A task that has run for this long counts as healthy again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// The kind under which health reports show a failed task.
const KIND: &str = "task_failed";

/// Tasks were restarted too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GaveUp;

impl std::fmt::Display for GaveUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MOST_RESTARTS} restarts of tasks within a minute: the log says which and why")
    }
}

impl std::error::Error for GaveUp {}

/// Keeps tasks running. Clones share one supervisor.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    troubles: Troubles,
    restarts: AtomicU64,
    recent: Mutex<VecDeque<Timestamp>>,
    gave_up: watch::Sender<bool>,
}

impl Supervisor {
    /// Creates a supervisor without tasks.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, chance: Arc<dyn Chance>, troubles: Troubles) -> Self {
        let (restarts, recent, gave_up) = (AtomicU64::new(0), Mutex::default(), watch::Sender::new(false));
        Self(Arc::new(Inner { clock, chance, troubles, restarts, recent, gave_up }))
    }

    /// Runs the task that `start` gives, until it ends after `stop` has turned true. If the task panics or ends before that, it is started
    /// again after a wait.
    pub async fn keep<F: Future<Output = ()>>(
        &self,
        name: &str,
        stop: watch::Receiver<bool>,
        mut start: impl FnMut() -> F,
    ) {
        let mut failures: u32 = 0;
        let mut failing_since = None;
        loop {
            let began = self.0.clock.now();
            let ended = self.watch(name, failures > 0, guarded(async { start().await })).await;
            if is_stopping(&stop) || *self.0.gave_up.borrow() {
                return;
            }
            let now = self.0.clock.now();
            if Duration::try_from(now.duration_since(began)).is_ok_and(|ran| ran >= WELL_AFTER) {
                (failures, failing_since) = (0, None);
            }
            failures = failures.saturating_add(1);
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |panicked| panicked.to_string());
            let since = *failing_since.get_or_insert(now);
            let wait = self.wait(failures);
            tracing::error!(
                event = "supervision.task_failed",
                task = name,
                failures,
                why,
                ?wait,
                "A task failed and is restarted."
            );
            let text = format!("{why}; it was restarted {failures} time(s), and the log says more");
            self.0.troubles.report(KIND, Subject::Task(name.to_owned()), since, text);
            if !self.counts_restart(now) {
                return;
            }
            let mut stopping = stop.clone();
            tokio::select! {
                () = self.0.clock.sleep(wait) => {}
                _stopped_or_alone = stopping.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Waits for a run of a task. A task that failed before counts as healthy once it has run for a while.
    async fn watch<T>(&self, name: &str, failed: bool, run: impl Future<Output = T>) -> T {
        tokio::pin!(run);
        if failed {
            tokio::select! {
                biased;
                ended = &mut run => return ended,
                () = self.0.clock.sleep(WELL_AFTER) => {
                    self.0.troubles.clear(KIND, Subject::Task(name.to_owned()));
                    tracing::info!(event = "supervision.task_well", task = name, "A task that had failed runs again.");
                }
            }
        }
        run.await
    }

    fn wait(&self, failures: u32) -> Duration {
        let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
        self.0.chance.jitter(doubled.min(LONGEST) / 2)
    }

    /// Counts a restart. Returns whether the task may be restarted.
    fn counts_restart(&self, now: Timestamp) -> bool {
        self.0.restarts.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.0.recent.lock();
        let is_recent = |at: &Timestamp| now.duration_since(*at).unsigned_abs() < WITHIN;
        recent.retain(is_recent);
        recent.push_back(now);
        if recent.len() < MOST_RESTARTS {
            return true;
        }
        tracing::error!(event = "supervision.gave_up", "The process gives up after {GaveUp}.");
        self.0.gave_up.send_replace(true);
        false
    }

    /// Returns once tasks were restarted too often and the process should end.
    pub async fn gave_up(&self) -> GaveUp {
        let mut gave_up = self.0.gave_up.subscribe();
        let _never_dropped = gave_up.wait_for(|gave_up| *gave_up).await;
        GaveUp
    }

    /// How many restarts there were since the process began.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Relaxed)
    }
}

/// Whether a task should stop. It should also stop when the sender is gone.
fn is_stopping(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use futures::FutureExt;
    use memory::{SeededChance, TokioClock};

    use super::*;

    struct Supervised {
        clock: Arc<TokioClock>,
        troubles: Troubles,
        supervisor: Supervisor,
        stop: watch::Sender<bool>,
    }

    fn supervised() -> Supervised {
        let (clock, troubles) = (Arc::new(TokioClock::start()), Troubles::default());
        let chance = Arc::new(SeededChance::new(1));
        let supervisor = Supervisor::new(clock.clone(), chance, troubles.clone());
        Supervised { clock, troubles, supervisor, stop: watch::Sender::new(false) }
    }

    /// A task that fails this many times, by a panic or by ending, and then runs.
    async fn fails(runs: &AtomicU32, times: u32) {
        match runs.fetch_add(1, Ordering::Relaxed) {
            run if run >= times => std::future::pending().await,
            run if run % 2 == 0 => panic!("the task fails"),
            _ => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_or_ends_is_restarted_and_shown_until_it_has_run_for_a_minute() {
        let Supervised { clock, troubles, supervisor, stop } = supervised();
        let runs = AtomicU32::new(0);
        let began = clock.now();
        let kept = supervisor.keep("tick", stop.subscribe(), || fails(&runs, 4));
        tokio::select! {
            () = kept => panic!("the task keeps running"),
            () = clock.sleep(Duration::from_secs(30)) => {}
        }
        assert_eq!((runs.load(Ordering::Relaxed), supervisor.restarts()), (5, 4));
        let shown = troubles.all(clock.now());
        assert_eq!(shown.len(), 1);
        assert_eq!((&shown[0].subject, shown[0].since), (&Subject::Task("tick".into()), began));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_runs_again_for_a_minute_is_healthy() {
        let Supervised { clock, troubles, supervisor, stop } = supervised();
        let runs = AtomicU32::new(0);
        let kept = supervisor.keep("tick", stop.subscribe(), || fails(&runs, 1));
        tokio::select! {
            () = kept => panic!("the task keeps running"),
            () = clock.sleep(Duration::from_secs(62)) => {}
        }
        assert_eq!(troubles.all(clock.now()), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_always_fails_is_restarted_less_and_less_often() {
        let Supervised { clock, supervisor, stop, .. } = supervised();
        let runs = AtomicU32::new(0);
        let kept = supervisor.keep("tick", stop.subscribe(), || fails(&runs, u32::MAX));
        tokio::select! {
            () = kept => {}
            () = clock.sleep(Duration::from_secs(3_600)) => {}
        }
        let runs = runs.load(Ordering::Relaxed);
        assert!((10..=300).contains(&runs), "{runs} runs in an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn ten_restarts_in_a_minute_are_too_many_whichever_tasks_they_are() {
        let Supervised { supervisor, stop, .. } = supervised();
        let runs = AtomicU32::new(0);
        let tasks = ["one", "two", "three", "four"]
            .map(|name| supervisor.keep(name, stop.subscribe(), || fails(&runs, u32::MAX)));
        assert!(supervisor.gave_up().now_or_never().is_none());
        let (gave_up, _) =
            futures::future::join(supervisor.gave_up(), futures::future::join_all(tasks)).await;
        assert_eq!((gave_up, supervisor.restarts()), (GaveUp, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_was_asked_to_stop_is_not_restarted() {
        let Supervised { supervisor, stop, .. } = supervised();
        stop.send_replace(true);
        supervisor.keep("tick", stop.subscribe(), || async {}).await;
        assert_eq!(supervisor.restarts(), 0);
    }
}
