//! Finds out which profiles Braze has for a consumer.

use crate::brand::{Brand, LookUp};
use crate::decide::{Facts, Question};
use crate::participation::Participation;
use crate::profile::{Alias, FoundProfile};

/// The profiles that were found, or the question that finds them: by alias first if the brand chose that.
///
/// # Errors
/// The question to ask.
pub(super) fn profiles<'a>(
    participation: &Participation,
    brand: &Brand,
    facts: &'a Facts,
) -> Result<&'a [FoundProfile], Question> {
    let by_alias = brand.braze.look_up == LookUp::ByAliasFirst;
    match &facts.found {
        Some(found) => Ok(found),
        None => match participation.contact().filter(|_| by_alias && !participation.has_no_such_alias()) {
            Some(contact) => Err(Question::FindAlias(Alias::for_contact(&contact))),
            None => Err(Question::FindProfile),
        },
    }
}
