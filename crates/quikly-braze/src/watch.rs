//! What is looked at once a second beside the work: whether Braze answers, whether somebody on call wants a brand tried again, whether the
//! log takes what is logged, and whether the disk has room.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use connector::Connector;
use domain::Timestamp;
use embedded::DataFile;
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::health::Subject;
use ports::{Clock, Troubles};
use supervision::{LogCondition, lost_lines};
use tokio::sync::watch::Receiver;

use crate::disk::{self, Space};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// What the health calls a log that takes nothing.
const LINES_LOST: &str = "log_lines_lost";

/// What is watched, and who is told.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) connector: Arc<Connector>,
    pub(crate) file: Arc<DataFile>,
    pub(crate) troubles: Troubles,
}

/// Looks until `stop` turns true.
pub(crate) async fn run(watch: Watch, mut stop: Receiver<bool>) {
    let clock = SystemClock;
    while !*stop.borrow() {
        watch_log(&watch.troubles, lost_lines(), clock.now());
        watch.connector.watch_braze(false).await;
        watch.retry().await;
        let found = watch.space().await;
        disk::look(&watch.troubles, found, clock.now());
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            _changed = stop.changed() => {}
        }
    }
}

impl Watch {
    /// The room on the disk of the data file. A disk that takes its time holds up no request.
    async fn space(&self) -> io::Result<Space> {
        let file = self.file.clone();
        let found = tokio::task::spawn_blocking(move || Space::at(file.path())).await;
        found.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
    }

    /// Tries again what somebody beside this process wants tried again.
    async fn retry(&self) {
        match self.file.brands_to_retry().await {
            Ok(brands) => {
                for brand in brands {
                    // Beside the lanes and the tick, which may be waiting for an answer that does not come.
                    let connector = self.connector.clone();
                    tokio::spawn(async move { connector.retry_now(&brand).await });
                }
            }
            Err(error) => {
                let now = SystemClock.now();
                if let Some(line) = self.troubles.repeats().line("serve.retry_unread", "", now) {
                    tracing::warn!(event = "serve.retry_unread", times = line.times, error = %in_full(&error), "Nobody can tell whether a brand is to be tried again.");
                }
            }
        }
    }
}

/// Reports a log that takes nothing, and tries it again once a minute; once it takes lines again, it says how many it lost.
fn watch_log(troubles: &Troubles, written: LogCondition, now: Timestamp) {
    if written.losing {
        let text = format!("the log takes no lines; {} lost since the start", written.lost);
        troubles.report(LINES_LOST, Subject::Process, now, text);
        if troubles.repeats().line(LINES_LOST, "", now).is_some() {
            tracing::error!(event = "serve.log_lines_lost", lost = written.lost, "The log took no lines.");
        }
    } else if troubles.clear(LINES_LOST, Subject::Process) {
        troubles.repeats().over(LINES_LOST, "");
        tracing::warn!(event = "serve.log_lines_lost", lost = written.lost, "The log takes lines again.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_takes_nothing_is_shown_until_it_takes_lines_again() {
        let (troubles, now) = (Troubles::default(), Timestamp::UNIX_EPOCH);
        watch_log(&troubles, LogCondition { lost: 0, losing: false }, now);
        assert_eq!(troubles.all(now), []);
        watch_log(&troubles, LogCondition { lost: 3, losing: true }, now);
        assert_eq!(troubles.all(now).first().map(|entry| entry.kind), Some(LINES_LOST));
        watch_log(&troubles, LogCondition { lost: 3, losing: false }, now);
        assert_eq!(troubles.all(now), []);
    }
}
