//! What the log says when a store, a queue or a secret cannot be reached: one line a minute, for requests come by the thousand.

use std::error::Error;

use ports::error::in_full;

use crate::Intake;

/// Says that a port failed, and in a sentence what that did to a request. `about` is the brand, where the failure concerns one.
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
