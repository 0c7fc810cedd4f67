//! How consumers confirm: how long they have, when Braze is asked meanwhile, and by e-mail, how they do it.

use std::time::Duration;

use crate::brand::{CreditMoment, EmailOptIn, PollStage};
use crate::brand_file::duration::{OF_INTERVALS, OF_OTHERS, OF_WINDOW};
use crate::brand_file::keys;
use crate::brand_file::section::{Field, Section};
use crate::ids::SubscriptionGroup;

const DEFAULT_WINDOW: Duration = Duration::from_secs(48 * 3_600);

/// Polls after two minutes, ten minutes, an hour and twelve hours, and then once a day and a half, so that the end of the default window is
/// the fifth poll. A brand that has Braze report confirmations hears of them within seconds.
fn default_poll() -> Vec<PollStage> {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let once = |after: Duration| PollStage { every: after, lasts: Some(after) };
    vec![
        once(minutes(2)),
        once(minutes(8)),
        once(minutes(50)),
        once(minutes(11 * 60)),
        PollStage { every: minutes(36 * 60), lasts: None },
    ]
}

/// Reads `window` and `poll`; `None` if one of them is wrong.
pub(super) fn wait(section: &mut Section<'_>) -> Option<(Duration, Vec<PollStage>)> {
    let window = section.optional("window").map_or(Some(DEFAULT_WINDOW), |field| OF_WINDOW.read(&field));
    let poll_field = section.optional("poll");
    let poll = poll_field.as_ref().map_or_else(|| Some(default_poll()), poll);
    if let (Some(field), Some(stages), Some(window)) = (poll_field, &poll, window) {
        let told = |stage: &PollStage| stage.lasts.unwrap_or_default();
        let before_last = stages.split_last().map_or(&[][..], |(_, before)| before);
        let starts = before_last.iter().map(told).fold(Duration::ZERO, Duration::saturating_add);
        if starts >= window || stages.first().is_some_and(|stage| stage.every >= window) {
            field.doubt("reaches beyond the window: its last stage never begins");
        }
    }
    Some((window?, poll?))
}

/// Reads how consumers confirm by e-mail; nothing if they need not.
pub(super) fn by_email(
    section: &mut Section<'_>,
    has_event: bool,
    credit: Option<CreditMoment>,
) -> Option<EmailOptIn> {
    let double =
        section.optional("opt_in").and_then(|field| field.word(&[("single", false), ("double", true)]))?;
    if !double {
        return None;
    }
    if !has_event {
        section.fault("opt_in", "needs an event: it makes the brand's campaign send the mail to confirm");
    }
    if credit == Some(CreditMoment::OnReceipt) {
        section.fault(
            "credit",
            "must be \"on_enrollment\" with opt_in = \"double\": nobody is credited who has not confirmed",
        );
    }
    let group = section.optional("subscription_group_id").map(|field| field.parsed(SubscriptionGroup::parse));
    let wait = wait(section);
    let group = match group {
        Some(group) => Some(group?),
        None => None,
    };
    let (window, poll) = wait?;
    Some(EmailOptIn { group, window, poll })
}

fn poll(field: &Field<'_>) -> Option<Vec<PollStage>> {
    let items = field.items()?;
    let count = items.len();
    let stages = items.into_iter().enumerate().map(|(number, item)| stage(&item, number + 1 == count));
    let stages: Option<Vec<PollStage>> = stages.collect();
    if count == 0 {
        field.fault("must have at least one stage, as { every = \"1m\" }");
        return None;
    }
    stages
}

fn stage(field: &Field<'_>, last: bool) -> Option<PollStage> {
    let mut section = field.section(keys::POLL)?;
    let every = section.required("every").and_then(|every| OF_INTERVALS.read(&every));
    let lasts = section.optional("for").map(|lasts| OF_OTHERS.read(&lasts));
    if !last && lasts.is_none() {
        section.missing("for");
        return None;
    }
    section.finish();
    match lasts {
        Some(lasts) => Some(PollStage { every: every?, lasts: Some(lasts?) }),
        None => Some(PollStage { every: every?, lasts: None }),
    }
}

#[cfg(test)]
#[path = "opt_in_tests.rs"]
mod tests;
