//! What a process has logged. A thread of the process writes the log, so a line may come later than the answer that it is about.

use std::time::Duration;

use testkit::eventually_async;

use crate::server::ServeProcess;

/// The time by which a line is in the log.
const LOGGED: Duration = Duration::from_secs(30);

impl ServeProcess {
    /// Waits until the log has a text.
    pub(crate) async fn logs(&self, text: &str) {
        let what = format!("the log has {text}");
        eventually_async(&what, LOGGED, async || self.said().contains(text).then_some(())).await;
    }

    /// Waits until the log has a text this many times, and checks that it is not there more often.
    pub(crate) async fn logs_times(&self, times: usize, text: &str) {
        let found = || self.said().matches(text).count();
        let what = format!("the log has {text} {times} times");
        eventually_async(&what, LOGGED, async || (found() >= times).then_some(())).await;
        assert_eq!(found(), times, "{}", self.said());
    }
}
