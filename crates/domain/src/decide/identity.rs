//! Finds out from Braze's profile which participations belong to one consumer, who may take part under several contacts.

use crate::award::{Award, Participant};
use crate::brand::{CreditMoment, IdentityByPhone};
use crate::contact::{Contact, Email};
use crate::decide::{Facts, Question, Terms, find, take_back};
use crate::id_key::IdKey;
use crate::ids::IncentiveId;
use crate::participation::{EnrollState, Open, Outcome, Participation, SmsState, State, Target, Way};
use crate::profile::{self, FoundProfile, ProfileRef};

/// After this many failures in a row, a subscriber is credited without knowing the profile.
const MOST_FAILURES: u32 = 20;

/// The question that finds a subscriber's profile before the credit. It is asked if the same incentive can be won in
/// another way, because a number does not show whether the subscriber has already won by e-mail or by an event.
pub(super) fn question(participation: &Participation, terms: &Terms<'_>, facts: &Facts) -> Option<Question> {
    let Way::Sms { .. } = participation.way() else { return None };
    if terms.brand.braze.identity_by_phone == IdentityByPhone::Phone {
        // The brand chose that numbers need no look-ups.
        return None;
    }
    let award = facts.award.as_ref().filter(|award| !award.is_resolved())?;
    let is_due = *participation.state() == State::Ended(Outcome::Credited)
        && participation.who().profile.is_none()
        && participation.failures() < MOST_FAILURES
        && facts.refused.is_none();
    let activation = terms.activation;
    let email = activation.email.as_ref().and_then(|email| email.incentive.as_ref());
    let events = activation.events.values().filter_map(|event| event.incentive.as_ref());
    let is_shared = email.into_iter().chain(events).any(|id| award.ledger.incentive.as_ref() == Some(id));
    if is_due && is_shared { find::profiles(participation, terms.brand, facts).err() } else { None }
}

/// Whether a line in another way to the same incentive may turn out to be the same participant's before it is rewarded. A way
/// that is credited on receipt, without Braze naming the profile, does not know its participant by then.
pub(super) fn meets_others(participation: &Participation, terms: &Terms<'_>, award: &Award) -> bool {
    let activation = terms.activation;
    let shares =
        |incentive: Option<&IncentiveId>| incentive.is_some() && incentive == award.ledger.incentive.as_ref();
    let by_sms = activation.sms.as_ref().is_some_and(|sms| shares(sms.incentive.as_ref()));
    let by_email = activation
        .email
        .as_ref()
        .is_some_and(|email| email.credit == CreditMoment::OnEnrollment && shares(email.incentive.as_ref()));
    let own = participation.event().map(|event| &event.name);
    let by_event =
        activation.events.iter().any(|(name, event)| Some(name) != own && shares(event.incentive.as_ref()));
    by_sms || by_email || by_event
}

/// What the facts say about the participant, if anything.
#[must_use]
pub fn participant(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    id_key: &IdKey,
) -> Option<Participant> {
    facts.award.as_ref().filter(|award| award.ledger.incentive.is_some())?;
    let without_former = take_back::without_former(participation, facts);
    let facts = without_former.as_ref().unwrap_or(facts);
    let brand = participation.brand();
    let profile = chosen(participation, terms, facts)?;
    let confirmed = facts.confirmed.iter().flat_map(|confirmed| &confirmed.found);
    let found = facts.found.iter().flatten().chain(confirmed).find(|found| found.is_named(&profile));
    let identity = found.and_then(identity_of).unwrap_or(profile);
    let address = found
        .filter(|_| participation.email().is_none())
        .and_then(|found| Email::parse(found.email.as_deref()?).ok())
        .map(|email| id_key.contact(brand, &Contact::Email(email)));
    let who = Participant { contact: None, profile: id_key.profile(brand, &identity), address };
    (who != Participant::default()).then_some(who)
}

/// The brand's own id of a profile, or else Braze's.
fn identity_of(found: &FoundProfile) -> Option<ProfileRef> {
    let by_brand = found.external_id.clone().map(ProfileRef::ExternalId);
    by_brand.or_else(|| found.braze_id.clone().map(ProfileRef::BrazeId))
}

/// The existing profile that the participation writes to, or that was found for it.
fn chosen(participation: &Participation, terms: &Terms<'_>, facts: &Facts) -> Option<ProfileRef> {
    if let State::Open(open) = participation.state() {
        return target(open).filter(|target| !target.create).map(|target| target.profile.clone());
    }
    let Some(found) = facts.found.as_deref() else {
        let hint = facts.known.as_ref()?.as_ref().filter(|hint| !hint.created)?;
        return Some(hint.profile.clone());
    };
    match (participation.way(), &terms.activation.sms) {
        (Way::Sms { phone, email, .. }, Some(sms)) => {
            profile::choose_for(found, (phone, sms.region), email.as_ref()).map(|(profile, _)| profile)
        }
        (Way::Email { email, .. } | Way::Event { email, .. }, _) => profile::choose(found, Some(email)),
        (Way::Sms { .. }, None) | (Way::Forgotten(_), _) => None,
    }
}

fn target(open: &Open) -> Option<&Target> {
    match open {
        Open::Enroll(EnrollState::Enrolling { target, .. } | EnrollState::AwaitingOptIn { target, .. })
        | Open::Sms(
            SmsState::Enrolling { target, .. }
            | SmsState::Settling { target, .. }
            | SmsState::Subscribing { target, .. }
            | SmsState::AwaitingSubscription { target, .. },
        ) => Some(target),
        Open::Enroll(EnrollState::Received)
        | Open::Sms(SmsState::Received | SmsState::AwaitingOptIn { .. }) => None,
    }
}
