//! Takes the number back from profiles that got it because of details that were replaced since: the number is not theirs.

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::consent::{self, ConsentWrite};
use crate::decide::{Facts, ProfileWrite, Step, Terms};
use crate::participation::{Participation, State};

/// After this many failures in a row, the number stays where it is.
const MOST_FAILURES: u32 = 4_000;

/// The write that takes the number back, or the wait before it.
pub(super) fn due(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Option<Step> {
    let former = participation.takes_back_next()?;
    if participation.contact().is_none() || participation.failures() >= MOST_FAILURES {
        return None;
    }
    let shown = participation.shown();
    if let Some(until) = facts.apart_retry_at.filter(|until| *until > now) {
        return Some(match participation.state() {
            State::Open(state) => Step::Wait { state: state.clone(), until },
            State::Ended(_) => Step::Defer { shown, until },
        });
    }
    let withdrawal = former.withdraws.then(|| consent::withdrawal(terms.activation.consent.as_ref()));
    let write = ProfileWrite {
        takes_number: true,
        consent: withdrawal.map(|consent| ConsentWrite { alone: true, ..consent }),
        ..ProfileWrite::of(former.profile.clone(), Attributes::default())
    };
    Some(Step::Show { shown, write })
}

/// The facts without the profiles of details that were replaced; `None` if there are none among them.
pub(super) fn without_former(participation: &Participation, facts: &Facts) -> Option<Facts> {
    let found = facts.found.as_ref()?;
    if !found.iter().any(|found| participation.is_of_former_details(found)) {
        return None;
    }
    let theirs = found.iter().filter(|found| !participation.is_of_former_details(found)).cloned().collect();
    Some(Facts { found: Some(theirs), ..facts.clone() })
}
