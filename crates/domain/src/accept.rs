//! How a participation begins, and the line in a ledger that begins with it.

#[cfg(test)]
mod others_tests;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::{Award, Others, Standing};
use crate::brand::{Activation, Brand, CreditMoment};
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{IncentiveId, LedgerKey, ParticipationId};
use crate::incentive::{Moments, NoPrize, Offer};
use crate::ledger::{Entry, Rules};
use crate::participation::{BrazeEvent, Consent, FIRST_LOOK, Participation, Shown, State};
use crate::time::later;

impl Participation {
    /// A participation by e-mail, accepted at `now`.
    #[must_use]
    pub fn by_email(
        id: ParticipationId,
        (brand, activation): (&Brand, &Activation),
        email: Email,
        attributes: Attributes,
        now: Timestamp,
    ) -> Self {
        let credit = activation.email.as_ref().map_or(CreditMoment::OnReceipt, |email| email.credit);
        let accepted = Self::accepted(id, (brand, activation), Contact::Email(email), attributes, now);
        let has_award = activation.incentive_of(&accepted).is_some() || brand.callback.is_some();
        Self { credited_at: on_receipt(credit, now), has_award, ..accepted }
    }

    /// A participation by mobile number, accepted at `now` with the consumer's consent. It is credited once Braze says that the
    /// number is subscribed, and not before.
    #[must_use]
    pub fn by_phone(
        id: ParticipationId,
        (brand, activation): (&Brand, &Activation),
        contact: (Phone, Option<Email>),
        attributes: Attributes,
        consent: Consent,
        now: Timestamp,
    ) -> Self {
        let contact = Contact::Phone { phone: contact.0, email: contact.1 };
        let accepted = Self::accepted(id, (brand, activation), contact, attributes, now);
        let has_award = activation.incentive_of(&accepted).is_some() || brand.callback.is_some();
        Self { consent: Some(consent), has_award, ..accepted }
    }

    /// A participation by something that Braze told us of at `now`. That it happened is what is credited.
    #[must_use]
    pub fn by_event(
        id: ParticipationId,
        (brand, activation): (&Brand, &Activation),
        event: BrazeEvent,
        email: Email,
        attributes: Attributes,
        now: Timestamp,
    ) -> Self {
        let accepted = Self {
            event: Some(event),
            credited_at: Some(now),
            ..Self::accepted(id, (brand, activation), Contact::Email(email), attributes, now)
        };
        let has_award = activation.incentive_of(&accepted).is_some() || brand.callback.is_some();
        Self { has_award, ..accepted }
    }

    fn accepted(
        id: ParticipationId,
        (brand, activation): (&Brand, &Activation),
        contact: Contact,
        attributes: Attributes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            brand: brand.id.clone(),
            scope: activation.scope.clone(),
            contact,
            event: None,
            consent: None,
            attributes,
            accepted_at: now,
            updated_at: now,
            state: State::Received,
            credited_at: None,
            has_award: false,
            shown: Shown::default(),
            due_at: Some(later(now, FIRST_LOOK)),
            keep_until: later(activation.closes, brand.retention),
            failures: 0,
            slot: None,
            no_such_alias: false,
            unanswered: None,
            repeat_key: None,
            proof: Vec::new(),
            without_terms_since: None,
            version: 0,
        }
    }
}

/// The credit a participation starts with.
fn on_receipt(moment: CreditMoment, accepted_at: Timestamp) -> Option<Timestamp> {
    match moment {
        CreditMoment::OnReceipt => Some(accepted_at),
        CreditMoment::OnEnrollment => None,
    }
}

/// The line of a participation that was just accepted, if something hangs on its credit.
#[must_use]
pub fn entry(
    participation: &Participation,
    (brand, activation): (&Brand, &Activation),
    id_key: &IdKey,
) -> Option<Entry> {
    if !participation.has_award {
        return None;
    }
    let ledger = activation.ledger(activation.incentive_of(participation));
    let rules = Rules::of(brand, &ledger, id_key);
    let participant = id_key.contact(&brand.id, &participation.contact);
    let moments = Moments {
        accepted_at: participation.accepted_at,
        sent_at: participation.event.as_ref().and_then(|event| event.sent_at),
    };
    let offer = match &rules.incentive {
        Some(incentive) => incentive.offer(moments, id_key.lot(&ledger, participant)),
        None => Offer::Nothing(NoPrize::NoIncentive),
    };
    let award = Award {
        id: participation.id,
        brand: brand.id.clone(),
        others: others(participation, activation, &ledger, id_key),
        ledger,
        participant,
        offer,
        arrival: 0,
        standing: Standing::Without(NoPrize::NoIncentive),
        credited_at: None,
        due_at: None,
    };
    Some(Entry { award, rules })
}

/// Where the same participant's other lines may be, as the activation is now. A participant with a number alone has no other line. One with
/// an address may also have come by e-mail, by each event, and with any number.
fn others(
    participation: &Participation,
    activation: &Activation,
    ledger: &LedgerKey,
    id_key: &IdKey,
) -> Others {
    let (Some(email), Some(incentive)) = (participation.contact.email(), &ledger.incentive) else {
        return Others::None;
    };
    let contact = Contact::Email(email.clone());
    let shared = |of: Option<&IncentiveId>| of == Some(incentive);
    let events = || activation.events.iter().filter(|(_, event)| shared(event.incentive.as_ref()));
    let by_email = activation.email.as_ref().is_some_and(|email| shared(email.incentive.as_ref()));
    let by_phone = activation.sms.as_ref().is_some_and(|sms| shared(sms.incentive.as_ref()));
    let mut known: Vec<ParticipationId> =
        events().map(|(name, _)| id_key.event(&ledger.scope, name, &contact, None)).collect();
    known.extend(by_email.then(|| id_key.participation(&ledger.scope, &contact)));
    known.retain(|id| *id != participation.id);
    let unknown = by_phone || events().any(|(_, event)| event.repeatable);
    if known.is_empty() && !unknown { Others::None } else { Others::Perhaps(known) }
}
