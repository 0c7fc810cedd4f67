//! What a profile does not show although Braze accepted it.

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::Award;
use crate::brand::Activation;
use crate::consent::{self, ConsentProgress, EmailState};
use crate::decide::{Terms, reward};
use crate::ids::Channel;
use crate::participation::{Participation, Parts, SentParts, Way};
use crate::profile::{FoundProfile, ProfileRef};
use crate::time::later;

/// What is to be read back of a participation now; `None` if there is nothing, or Braze may still be applying it.
#[must_use]
pub fn due<'a>(participation: &'a Participation, terms: &Terms<'_>, now: Timestamp) -> Option<&'a SentParts> {
    participation.sent().filter(|sent| now >= later(sent.at, terms.brand.braze.settle))
}

/// The parts of what was sent that Braze does not show. `found` are the profiles that Braze has under the identifier that
/// was written to.
#[must_use]
pub fn missing(
    participation: &Participation,
    sent: &SentParts,
    terms: &Terms<'_>,
    award: Option<&Award>,
    found: &[FoundProfile],
) -> Parts {
    let activation = terms.activation;
    let reward = reward::attributes(award, &activation.rewards);
    let named = found.iter().find(|found| found.is_named(&sent.profile));
    let lacks_event = |name: &Option<String>, since: Timestamp| {
        let shown = |found: &FoundProfile, name: &str| {
            // Braze cuts times at its own clock, and ours may be ahead.
            found.has_event(name, since) || (found.events.contains_key(name) && is_same(found, sent))
        };
        name.as_ref().is_some_and(|name| named.is_none_or(|found| !shown(found, name)))
    };
    let of_flow = match participation.way() {
        Way::Email { .. } => activation.email.as_ref().and_then(|email| email.event.clone()),
        Way::Sms { .. } | Way::Event { .. } | Way::Forgotten(_) => None,
    };
    let parts = Parts {
        flow: false,
        flow_event: sent.parts.flow_event && lacks_event(&of_flow, participation.accepted_at()),
        reward: sent.parts.reward
            && !reward.is_empty()
            && named.is_none_or(|found| !shows(found, sent, &reward)),
        event: sent.parts.event.filter(|time| lacks_event(&activation.rewards.event, *time)),
        consent: false,
    };
    // If a part of the flow's write is missing, all of it is.
    let flow = sent.parts.flow && !parts.is_empty();
    let lacks_consent = |found: &FoundProfile| {
        written_state(participation, activation).is_some_and(|wanted| found.email_state != Some(wanted))
    };
    let consent = sent.parts.consent && named.is_none_or(lacks_consent);
    Parts { flow, consent, ..parts }
}

/// The state for e-mail that a consent wrote.
fn written_state(participation: &Participation, activation: &Activation) -> Option<EmailState> {
    let email = participation.consent()?.email?;
    let rules = activation.consent.as_ref()?;
    let is_written = matches!(email.progress, ConsentProgress::Written { .. });
    is_written.then(|| consent::write(rules, Channel::Email).email).flatten()
}

/// Whether a profile shows the reward, or did until a later reward replaced it.
fn shows(found: &FoundProfile, sent: &SentParts, reward: &Attributes) -> bool {
    let other = reward.not_among(&found.attributes);
    other.is_empty() || (other.iter().all(|(name, _)| found.has(name)) && is_same(found, sent))
}

/// Whether this is the profile that was written to, and not one that was given its alias by a merge.
fn is_same(found: &FoundProfile, sent: &SentParts) -> bool {
    match (&sent.braze_id, &sent.profile) {
        (Some(written), _) if found.braze_id.is_some() => found.braze_id.as_ref() == Some(written),
        (
            _,
            ProfileRef::ExternalId(_) | ProfileRef::BrazeId(_) | ProfileRef::Email(_) | ProfileRef::Phone(_),
        ) => true,
        // Profiles that are addressed by alias have no external id.
        (_, ProfileRef::Alias(_)) => found.external_id.is_none(),
    }
}

#[cfg(test)]
#[path = "read_back_tests.rs"]
mod tests;
