//! Whether the profile that our store remembers may be written to.

use crate::Timestamp;
use crate::brand::{Activation, Brand};
use crate::decide::{Facts, Question};
use crate::participation::Participation;
use crate::profile::{FoundProfile, ProfileHint, ProfileRef};

/// The hint, if its profile may be written to; `None` if the profile must be looked up.
///
/// A write to a profile that was merged or deleted has no effect, and Braze still answers with success. So a hint that
/// is older than the brand's `hint_fresh` is confirmed first: Braze must have the profile, and the profile must have the
/// consumer's address or number.
///
/// # Errors
/// The question to ask first.
pub(super) fn profile<'a>(
    participation: &Participation,
    (brand, activation): (&Brand, &Activation),
    facts: &'a Facts,
    now: Timestamp,
) -> Result<Option<&'a ProfileHint>, Question> {
    let known = facts.known.as_ref().ok_or(Question::ProfileHint)?;
    let Some(hint) = known.as_ref().filter(|hint| hint.is_trusted(now)) else { return Ok(None) };
    if hint.is_fresh(now) {
        return Ok(Some(hint));
    }
    let region = activation.sms.as_ref().map(|sms| sms.region);
    let contact = participation.contact();
    let is_theirs =
        |found: &FoundProfile| contact.as_ref().is_some_and(|contact| found.belongs_to(contact, region));
    match (&facts.confirmed, &hint.profile) {
        (Some(found), _) => Ok(found.iter().any(is_theirs).then_some(hint)),
        (None, _) if hint.is_recent(brand.braze.hint_fresh, now) => Ok(Some(hint)),
        // Braze chose this profile by address, and may choose another one now.
        (None, ProfileRef::Email(_)) => Ok(None),
        (None, profile) => Err(Question::Confirm(profile.clone())),
    }
}

#[cfg(test)]
#[path = "remembered_tests.rs"]
mod tests;
