//! Checks that run once a second: whether Braze answers, whether an operator wants a brand retried, whether the log can be written, and
//! whether the disk has space. The calls to Braze since the last check are kept, and
//! once a minute what reports count of requests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use connector::Connector;
use domain::Timestamp;
use embedded::DataFile;
use intake::IntakeFigures;
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::health::Subject;
use ports::{Clock, Troubles};
use supervision::{LogCondition, lost_lines};
use tokio::sync::watch::Receiver;

use crate::disk::{self, Space};

/// How often the checks run.
const EVERY: Duration = Duration::from_secs(1);

/// The kind under which health reports show a log that cannot be written.
const LINES_LOST: &str = "log_lines_lost";

/// What is checked, and where faults are reported.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) connector: Arc<Connector>,
    pub(crate) file: Arc<DataFile>,
    pub(crate) figures: IntakeFigures,
    pub(crate) troubles: Troubles,
}

/// Runs the checks until `stop` turns true.
pub(crate) async fn run(watch: Watch, mut stop: Receiver<bool>) {
    let clock = SystemClock;
    while !*stop.borrow() {
        watch_log(&watch.troubles, lost_lines(), clock.now());
        watch.connector.watch_braze(false).await;
        watch.connector.keep_calls().await;
        watch.figures.store_if_due(&watch.troubles).await;
        watch.retry().await;
        let found = watch.space().await;
        disk::look(&watch.troubles, found, clock.now());
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            _changed = stop.changed() => {}
        }
    }
    watch.connector.keep_calls().await;
    watch.figures.store_all(&watch.troubles).await;
}

impl Watch {
    /// The space on the disk of the data file. It is read on another thread, so that a slow disk holds up no request.
    async fn space(&self) -> io::Result<Space> {
        let file = self.file.clone();
        let found = tokio::task::spawn_blocking(move || Space::at(file.path())).await;
        found.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
    }

    /// Retries the brands that an operator has requested from another process.
    async fn retry(&self) {
        match self.file.brands_to_retry().await {
            Ok(brands) => {
                for brand in brands {
                    // This runs on its own task, since the lanes and the tick may be waiting for an answer that does not come.
                    let connector = self.connector.clone();
                    tokio::spawn(async move { connector.retry_now(&brand).await });
                }
            }
            Err(error) => {
                let now = SystemClock.now();
                if let Some(line) = self.troubles.repeats().line("serve.retry_unread", "", now) {
                    tracing::warn!(event = "serve.retry_unread", times = line.times, error = %in_full(&error), "The requests to retry a brand cannot be read.");
                }
            }
        }
    }
}

/// Reports a log that cannot be written, and tries it again once a minute. When it can be written again, it logs how many lines were lost.
fn watch_log(troubles: &Troubles, written: LogCondition, now: Timestamp) {
    if written.losing {
        let text = format!("the log cannot be written; {} lines were lost since the start", written.lost);
        troubles.report(LINES_LOST, Subject::Process, now, text);
        if troubles.repeats().line(LINES_LOST, "", now).is_some() {
            tracing::error!(
                event = "serve.log_lines_lost",
                lost = written.lost,
                "The log could not be written."
            );
        }
    } else if troubles.clear(LINES_LOST, Subject::Process) {
        troubles.repeats().over(LINES_LOST, "");
        tracing::warn!(event = "serve.log_lines_lost", lost = written.lost, "The log can be written again.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_cannot_be_written_is_shown_until_it_can_be_written_again() {
        let (troubles, now) = (Troubles::default(), Timestamp::UNIX_EPOCH);
        watch_log(&troubles, LogCondition { lost: 0, losing: false }, now);
        assert_eq!(troubles.all(now), []);
        watch_log(&troubles, LogCondition { lost: 3, losing: true }, now);
        assert_eq!(troubles.all(now).first().map(|entry| entry.kind), Some(LINES_LOST));
        watch_log(&troubles, LogCondition { lost: 3, losing: false }, now);
        assert_eq!(troubles.all(now), []);
    }
}
