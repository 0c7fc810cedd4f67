//! Whether a profile that was chosen earlier may still be written to.

use crate::Timestamp;
use crate::brand::Brand;
use crate::contact::Region;
use crate::decide::{Facts, Question};
use crate::participation::Participation;
use crate::profile::{FoundProfile, ProfileHint, ProfileRef};
use crate::time::later;

/// The hint, if its profile may be written to; `None` if the profile must be looked up.
///
/// # Errors
/// The question to ask first.
pub(super) fn profile<'a>(
    participation: &Participation,
    (brand, region): (&Brand, Option<Region>),
    facts: &'a Facts,
    now: Timestamp,
) -> Result<Option<&'a ProfileHint>, Question> {
    let known = facts.known.as_ref().ok_or(Question::ProfileHint)?;
    let Some(hint) = known.as_ref().filter(|hint| hint.is_trusted(now)) else { return Ok(None) };
    let is_asked = facts.confirmed.as_ref().is_some_and(|confirmed| confirmed.profile == hint.profile);
    if hint.is_fresh(now) || (!is_asked && hint.is_recent(brand.braze.hint_fresh, now)) {
        return Ok(Some(hint));
    }
    Ok(is_theirs(participation, region, facts, &hint.profile)?.then_some(hint))
}

/// Whether the participation has waited for so long that a profile which was chosen or named at its beginning may be
/// gone.
pub(super) fn may_be_gone(participation: &Participation, brand: &Brand, now: Timestamp) -> bool {
    now >= later(participation.accepted_at(), brand.braze.hint_fresh)
}

/// Whether a profile that was chosen some time ago is still the consumer's: Braze has it, and it has the consumer's
/// address or number. Profiles may show numbers in the form used in `region`. A write to a profile that was merged or
/// deleted has no effect, and Braze still answers with success.
///
/// # Errors
/// The question to ask first.
pub(super) fn is_theirs(
    participation: &Participation,
    region: Option<Region>,
    facts: &Facts,
    profile: &ProfileRef,
) -> Result<bool, Question> {
    // Braze chose this profile by address or number, and may choose another one now.
    if let ProfileRef::Email(_) | ProfileRef::Phone(_) = profile {
        return Ok(false);
    }
    let contact = participation.contact();
    let belongs =
        |found: &FoundProfile| contact.as_ref().is_some_and(|contact| found.belongs_to(contact, region));
    Ok(confirmed(facts, profile)?.iter().any(belongs))
}

/// Whether Braze still has a profile that it named itself. Such a profile is the consumer's, whatever its address is now.
///
/// # Errors
/// The question to ask first.
pub(super) fn is_there(facts: &Facts, profile: &ProfileRef) -> Result<bool, Question> {
    confirmed(facts, profile).map(|found| !found.is_empty())
}

/// A remembered profile that Braze still has although no profile has the consumer's address: the consumer has changed the
/// address in the app. The profile is written to as it is.
pub(super) fn still_there(facts: &Facts) -> Option<ProfileRef> {
    let confirmed = facts.confirmed.as_ref()?;
    let there = confirmed.found.iter().any(|found| found.is_named(&confirmed.profile));
    there.then(|| confirmed.profile.clone())
}

fn confirmed<'a>(facts: &'a Facts, profile: &ProfileRef) -> Result<&'a [FoundProfile], Question> {
    let confirmation = facts.confirmed.as_ref().filter(|confirmation| confirmation.profile == *profile);
    confirmation.map(|confirmation| &confirmation.found[..]).ok_or_else(|| Question::Confirm(profile.clone()))
}

#[cfg(test)]
#[path = "remembered_tests.rs"]
mod tests;
