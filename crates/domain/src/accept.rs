//! How a participation begins, together with its line in a ledger.

#[cfg(test)]
mod others_tests;
#[cfg(test)]
mod tests;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::{Award, SiblingLines};
use crate::brand::{Activation, Brand, CreditMoment};
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{IncentiveId, LedgerKey, ParticipationId, RepeatKey};
use crate::incentive::{Moments, NoPrize, Offer};
use crate::ledger::{Entry, Rules};
use crate::participation::{BrazeEvent, Consent, Participation, Snapshot, Way};
use crate::time::later;

/// A participation that is accepted at `now` and not stored yet.
#[derive(Debug, Clone, Copy)]
pub struct Acceptance<'a> {
    id: ParticipationId,
    brand: &'a Brand,
    activation: &'a Activation,
    repeat_key: Option<RepeatKey>,
    import: Option<ImportTerms>,
    now: Timestamp,
}

/// How a participation from a file takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportTerms {
    /// Whether it can win what the activation gives. Then Quikly is told, too, because places would not add up otherwise.
    pub with_incentives: bool,
    /// Whether Quikly is told about its credit.
    pub with_callbacks: bool,
    /// When it is processed first.
    pub due_at: Timestamp,
}

impl ImportTerms {
    /// The incentive that a participation in this way takes part in.
    fn incentive_of<'a>(
        import: Option<Self>,
        activation: &'a Activation,
        way: &Way,
    ) -> Option<&'a IncentiveId> {
        activation.incentive_of(way).filter(|_| import.is_none_or(|import| import.with_incentives))
    }

    /// Whether Quikly is told about the credit, if the brand has a callback.
    fn tells(import: Option<Self>) -> bool {
        import.is_none_or(|import| import.with_incentives || import.with_callbacks)
    }
}

impl<'a> Acceptance<'a> {
    /// Begins an acceptance under these terms, at `now`.
    #[must_use]
    pub fn new(
        id: ParticipationId,
        (brand, activation): (&'a Brand, &'a Activation),
        now: Timestamp,
    ) -> Self {
        Self { id, brand, activation, repeat_key: None, import: None, now }
    }

    /// Adds the hashed `Idempotency-Key` that the request carried, if any.
    #[must_use]
    pub fn repeatable_by(self, repeat_key: Option<RepeatKey>) -> Self {
        Self { repeat_key, ..self }
    }

    /// Says that it comes from a file.
    #[must_use]
    pub fn imported(self, import: ImportTerms) -> Self {
        Self { import: Some(import), ..self }
    }

    /// Makes a participation by e-mail. The activation decides when it earns the credit.
    #[must_use]
    pub fn by_email(self, email: Email, consent: Option<Consent>, attributes: Attributes) -> Participation {
        let moment = self.activation.email.as_ref().map_or(CreditMoment::OnReceipt, |email| email.credit);
        let earned_at = match moment {
            CreditMoment::OnReceipt => Some(self.now),
            CreditMoment::OnEnrollment => None,
        };
        self.accept(Way::Email { email, consent }, earned_at, attributes)
    }

    /// Makes a participation by mobile number. The consumer consented now, to the text with this id. It earns
    /// the credit only when Braze says that the number is subscribed.
    #[must_use]
    pub fn by_phone(
        self,
        (phone, email): (Phone, Option<Email>),
        text_id: Option<String>,
        attributes: Attributes,
    ) -> Participation {
        self.by_consenting_phone((phone, email), Consent::answered(true, self.now, text_id), attributes)
    }

    /// Does the same with a consent that says more.
    #[must_use]
    pub fn by_consenting_phone(
        self,
        (phone, email): (Phone, Option<Email>),
        consent: Consent,
        attributes: Attributes,
    ) -> Participation {
        self.accept(Way::Sms { phone, email, consent }, None, attributes)
    }

    /// Makes a participation by an event that Braze reported. The event itself earns the credit.
    #[must_use]
    pub fn by_event(self, event: BrazeEvent, email: Email, attributes: Attributes) -> Participation {
        self.accept(Way::Event { event, email }, Some(self.now), attributes)
    }

    fn accept(self, way: Way, earned_at: Option<Timestamp>, attributes: Attributes) -> Participation {
        let (brand, activation) = (self.brand, self.activation);
        let has_award = ImportTerms::incentive_of(self.import, activation, &way).is_some()
            || (brand.callback.is_some() && ImportTerms::tells(self.import));
        let owner = (brand.id.clone(), activation.scope.clone());
        let moments = (self.now, later(activation.closes, brand.retention));
        let repeat_key = self.repeat_key;
        let accepted = Snapshot::accepted(self.id, owner, way, moments, has_award);
        let imported = self.import.is_some();
        let due_at = self.import.map_or(accepted.due_at, |import| Some(import.due_at));
        #[expect(clippy::expect_used, reason = "each way above begins as its own way does")]
        Participation::restore(Snapshot { earned_at, attributes, repeat_key, imported, due_at, ..accepted })
            .expect("what begins is received, due, and credited only if its way allows that")
    }
}

/// The line of a participation that was just accepted, if anything depends on its credit.
#[must_use]
pub fn entry(
    participation: &Participation,
    (brand, activation): (&Brand, &Activation),
    id_key: &IdKey,
) -> Option<Entry> {
    entry_as(participation, (brand, activation), id_key, None)
}

/// The same for a participation from a file.
#[must_use]
pub fn imported_entry(
    participation: &Participation,
    terms: (&Brand, &Activation),
    id_key: &IdKey,
    import: ImportTerms,
) -> Option<Entry> {
    entry_as(participation, terms, id_key, Some(import))
}

fn entry_as(
    participation: &Participation,
    (brand, activation): (&Brand, &Activation),
    id_key: &IdKey,
    import: Option<ImportTerms>,
) -> Option<Entry> {
    let contact = participation.contact().filter(|_| participation.has_award())?;
    let ledger = activation.ledger(ImportTerms::incentive_of(import, activation, participation.way()));
    let rules = Rules::of(brand, &ledger, id_key);
    let participant = id_key.contact(&brand.id, &contact);
    let moments = Moments {
        accepted_at: participation.accepted_at(),
        sent_at: participation.event().and_then(|event| event.sent_at),
    };
    let offer = match &rules.incentive {
        Some(incentive) => incentive.offer(moments, id_key.lot(&ledger, participant)),
        None => Offer::Nothing(NoPrize::NoIncentive),
    };
    let others = others(participation, activation, &ledger, id_key);
    // Braze vouches for the profile that it names, whatever address the consumer has given it meanwhile.
    let named = participation.event().and_then(|event| event.profile.as_ref());
    let profile = named.and_then(|profile| id_key.profile(&brand.id, profile));
    let other_keys = profile.filter(|_| ledger.incentive.is_some()).into_iter().collect();
    let new = Award::new((participation.id(), brand.id.clone()), ledger, participant, offer);
    let award = Award { others, other_keys, ..new };
    Some(Entry { award, rules })
}

/// Where the same participant's other lines may be, under the current activation. A participant with only a
/// number has no other line. One with an address may also have taken part by e-mail, by each event, and with
/// any number.
fn others(
    participation: &Participation,
    activation: &Activation,
    ledger: &LedgerKey,
    id_key: &IdKey,
) -> SiblingLines {
    let (Some(email), Some(incentive)) = (participation.email(), &ledger.incentive) else {
        return SiblingLines::None;
    };
    let contact = Contact::Email(email.clone());
    let shared = |of: Option<&IncentiveId>| of == Some(incentive);
    let events = || activation.events.iter().filter(|(_, event)| shared(event.incentive.as_ref()));
    let by_email = activation.email.as_ref().is_some_and(|email| shared(email.incentive.as_ref()));
    let by_phone = activation.sms.as_ref().is_some_and(|sms| shared(sms.incentive.as_ref()));
    let mut known: Vec<ParticipationId> =
        events().map(|(name, _)| id_key.event(&ledger.scope, name, &contact, None)).collect();
    known.extend(by_email.then(|| id_key.participation(&ledger.scope, &contact)));
    known.retain(|id| *id != participation.id());
    let unknown = by_phone || events().any(|(_, event)| event.repeatable);
    if known.is_empty() && !unknown { SiblingLines::None } else { SiblingLines::Perhaps(known) }
}
