//! What is looked at once a second beside the work: whether the log takes what is logged.

use std::time::Duration;

use domain::Timestamp;
use ports::clock::SystemClock;
use ports::health::Subject;
use ports::{Clock, Troubles};
use supervision::{Written, lost_lines};
use tokio::sync::watch::Receiver;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// What the health calls a log that takes nothing.
const LINES_LOST: &str = "log_lines_lost";

/// Looks until `stop` turns true.
pub(crate) async fn run(troubles: Troubles, mut stop: Receiver<bool>) {
    let clock = SystemClock;
    while !*stop.borrow() {
        look_at_log(&troubles, lost_lines(), clock.now());
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            _changed = stop.changed() => {}
        }
    }
}

/// Reports a log that takes nothing, and tries it again once a minute; once it takes lines again, it says how many it lost.
fn look_at_log(troubles: &Troubles, written: Written, now: Timestamp) {
    if written.losing {
        let text = format!("the log takes no lines; {} lost since the start", written.lost);
        troubles.report(LINES_LOST, Subject::Process, now, text);
        if troubles.repeats().line(LINES_LOST, "", now).is_some() {
            tracing::error!(lost = written.lost, "serve.log_lines_lost: the log took no lines");
        }
    } else if troubles.clear(LINES_LOST, Subject::Process) {
        troubles.repeats().over(LINES_LOST, "");
        tracing::warn!(lost = written.lost, "serve.log_lines_lost: the log takes lines again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_takes_nothing_is_shown_until_it_takes_lines_again() {
        let (troubles, now) = (Troubles::default(), Timestamp::UNIX_EPOCH);
        look_at_log(&troubles, Written { lost: 0, losing: false }, now);
        assert_eq!(troubles.all(now), []);
        look_at_log(&troubles, Written { lost: 3, losing: true }, now);
        assert_eq!(troubles.all(now).first().map(|entry| entry.kind), Some(LINES_LOST));
        look_at_log(&troubles, Written { lost: 3, losing: false }, now);
        assert_eq!(troubles.all(now), []);
    }
}
