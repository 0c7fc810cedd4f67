//! Logs that a store, a queue or a secret cannot be reached, once a minute, since thousands of requests may
//! meet the same failure.

use std::error::Error;

use ports::error::in_full;

use crate::Intake;

/// Logs that a port failed, with a sentence about the consequence for a request. `about` is the brand, if the
/// failure concerns one.
pub(crate) fn say(
    intake: &Intake,
    event: &'static str,
    about: &str,
    error: &(dyn Error + 'static),
    consequence: &str,
) {
    if let Some(line) = intake.troubles.repeats().line(event, about, intake.clock.now()) {
        let error = in_full(error);
        tracing::error!(event, brand = about, error, times = line.times, since = %line.since, "{consequence}");
    }
}
