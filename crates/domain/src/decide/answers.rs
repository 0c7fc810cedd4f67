//! Which of a consumer's answers are written to the profile.

use crate::attributes::Attributes;
use crate::brand::Activation;
use crate::decide::{Facts, Question};
use crate::participation::{Participation, Target};
use crate::profile::{FoundProfile, ProfileRef};

/// The answers that the profile does not have a value for yet, or all of them if the activation overwrites.
///
/// A profile that was not looked up is read first, which is one request for fifty profiles. Only a profile that is
/// addressed by e-mail needs a look-up of its own.
///
/// # Errors
/// The question to ask first.
pub(super) fn to_write(
    participation: &Participation,
    activation: &Activation,
    target: &Target,
    facts: &Facts,
) -> Result<Attributes, Question> {
    let answers = participation.attributes();
    if !are_kept(participation, activation) {
        return Ok(answers.clone());
    }
    let shown = shown(target, facts)?;
    Ok(answers.without(|name| shown.iter().any(|profile| profile.has(name))))
}

/// Whether what the profile has already decides which answers are written.
pub(super) fn are_kept(participation: &Participation, activation: &Activation) -> bool {
    let keeps = activation.answers.as_ref().is_some_and(|rules| !rules.overwrite);
    keeps && !participation.attributes().is_empty()
}

/// The profiles that the write may change, as Braze showed them; none if there is no such profile yet.
pub(super) fn shown<'a>(target: &Target, facts: &'a Facts) -> Result<Vec<&'a FoundProfile>, Question> {
    let confirmed = facts.confirmed.as_ref().filter(|confirmed| confirmed.profile == target.profile);
    let confirmed_profiles = confirmed.iter().flat_map(|confirmed| &confirmed.found);
    let read = confirmed_profiles.chain(facts.found.iter().flatten());
    let named: Vec<&FoundProfile> = read.filter(|profile| profile.is_named(&target.profile)).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    match (&target.profile, &facts.found, confirmed) {
        // Braze chooses among the profiles of an address, and reports the address in any spelling.
        (ProfileRef::Email(_), Some(found), _) => Ok(found.iter().collect()),
        (ProfileRef::Email(_), None, _) => Err(Question::FindProfile),
        // Braze chooses among the profiles of a number, and shows the number in any form.
        (ProfileRef::Phone(_), _, Some(confirmed)) => Ok(confirmed.found.iter().collect()),
        // The look-up found no profile that can be addressed, so the write creates one.
        (_, Some(found), _) if target.create && found.iter().all(|profile| profile.reference().is_none()) => {
            Ok(Vec::new())
        }
        (_, _, Some(_)) => Ok(Vec::new()),
        (profile, _, None) => Err(Question::Confirm(profile.clone())),
    }
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
