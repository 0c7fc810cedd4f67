//! Somebody who asks to be forgotten.

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{BrandId, ParticipationId, Scope};
use crate::participation::{EventProgress, Participation, Shown, State};
use crate::profile::{Alias, ProfileRef};
use crate::time::later;
use crate::unknown::UnknownFields;

const FORGOTTEN: &str = "forgotten, as the consumer asked";

/// For how long what cannot be read is kept: as long as participations are unless the brand says otherwise.
pub const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// A person, by what they are reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// Whoever has this address.
    Email(Email),
    /// Whoever has this number.
    Phone(Phone),
}

impl Person {
    /// Whether a participation's contact is theirs: one of two is enough, in whatever form it was stored.
    #[must_use]
    pub fn is_reached_at(&self, contact: &Contact) -> bool {
        match (self, contact) {
            (Self::Email(email), contact) => contact.email().is_some_and(|theirs| same(theirs, email)),
            (Self::Phone(phone), Contact::Phone { phone: theirs, .. }) => phone == theirs,
            (Self::Phone(_), Contact::Email(_)) => false,
        }
    }

    /// Whether the way to a profile names them.
    #[must_use]
    pub fn is_named_by(&self, profile: &ProfileRef) -> bool {
        match (self, profile) {
            (Self::Email(email), ProfileRef::Alias(alias)) => {
                alias.name() == Alias::for_email(email).name()
                    || Email::from_stored(alias.name()).is_ok_and(|named| same(&named, email))
            }
            (Self::Email(email), ProfileRef::Email(named)) => same(named, email),
            (Self::Phone(phone), ProfileRef::Alias(alias)) => alias.name() == phone.as_str(),
            (Self::Phone(_), ProfileRef::Email(_))
            | (_, ProfileRef::ExternalId(_) | ProfileRef::BrazeId(_)) => false,
        }
    }

    /// Whether a participation was theirs before they were forgotten.
    #[must_use]
    pub fn was_reached_at(&self, participation: &Participation, id_key: &IdKey) -> bool {
        let proof = id_key.proof(&participation.brand, &self.contact());
        proof.iter().any(|proof| participation.proof.contains(proof))
    }

    /// As the contact of somebody of whom nothing else is known.
    #[must_use]
    pub fn contact(&self) -> Contact {
        match self {
            Self::Email(email) => Contact::Email(email.clone()),
            Self::Phone(phone) => Contact::Phone { phone: phone.clone(), email: None },
        }
    }
}

fn same(one: &Email, other: &Email) -> bool {
    one == other || one.canonical() == other.canonical()
}

/// Takes everything out of a participation that says whose it is. What stays is a place in the books: an id that only the id key
/// leads to, so that whoever was forgotten is not credited a second time, and what was given out stays given out. A consent stays, too,
/// with keyed hashes of the contacts in the contacts' place: should the person come back with a claim, it can be proved.
///
/// A flow that is under way ends. What hangs on it is released at the next look.
pub fn forget(participation: &mut Participation, id_key: &IdKey, now: Timestamp) {
    if let Some(consent) = &mut participation.consent {
        consent.text_id = consent.text_id.take().filter(|text| !names(text, &participation.contact));
    }
    participation.proof = id_key.proof(&participation.brand, &participation.contact);
    participation.contact = Contact::nobody();
    participation.attributes = Attributes::default();
    participation.slot = None;
    participation.unanswered = None;
    participation.updated_at = now;
    // Nobody can tell what is in them.
    participation.unknown = UnknownFields::default();
    if let Some(event) = &mut participation.event {
        event.profile = None;
    }
    if participation.state.is_end() {
        // There is no profile any more that could show anything.
        participation.shown = Shown { attributes: true, event: EventProgress::Recorded };
        participation.due_at = None;
    } else {
        participation.state = State::Rejected { reason: FORGOTTEN.to_owned() };
        participation.due_at = participation.has_award.then_some(now);
    }
}

/// The name of a text is the caller's, who may have put anything there.
fn names(text: &str, contact: &Contact) -> bool {
    let text = text.to_lowercase();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    contact.email().is_some_and(|email| text.contains(&email.as_str().to_lowercase()))
        || contact.phone().is_some_and(|phone| digits.contains(phone.as_str().trim_start_matches('+')))
}

/// What stands where a participation stood that cannot be read and was forgotten. It ends, and what hangs on it is released at the next
/// look.
#[must_use]
pub fn forgotten(
    (id, version): (ParticipationId, u64),
    (brand, scope): (BrandId, Scope),
    has_award: bool,
    now: Timestamp,
) -> Participation {
    Participation {
        id,
        version,
        brand,
        scope,
        contact: Contact::nobody(),
        event: None,
        consent: None,
        attributes: Attributes::default(),
        accepted_at: now,
        updated_at: now,
        state: State::Rejected { reason: FORGOTTEN.to_owned() },
        credited_at: None,
        has_award,
        shown: Shown::default(),
        due_at: has_award.then_some(now),
        keep_until: later(now, KEPT),
        failures: 0,
        slot: None,
        no_such_alias: false,
        unanswered: None,
        repeat_key: None,
        without_terms_since: None,
        proof: Vec::new(),
        unknown: UnknownFields::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn phone() -> Phone {
        Phone::from_e164("+13135550100").unwrap()
    }

    #[test]
    fn a_person_is_known_by_either_contact() {
        let by_both = Contact::Phone { phone: phone(), email: Some(email("ada@example.com")) };
        assert!(Person::Email(email("ada@example.com")).is_reached_at(&by_both));
        assert!(Person::Phone(phone()).is_reached_at(&by_both));
        assert!(!Person::Email(email("eve@example.com")).is_reached_at(&by_both));
        assert!(!Person::Phone(phone()).is_reached_at(&Contact::Email(email("ada@example.com"))));
    }

    #[test]
    fn a_person_is_known_by_an_address_in_an_earlier_versions_form() {
        let person = Person::Email(email("ada@bücher.example"));
        let stored = |text: &str| Email::from_stored(text).unwrap();
        for text in ["ada@bücher.example", "ada@xn--bcher-kva.example", "\"ada\"@bücher.example"] {
            assert!(person.is_reached_at(&Contact::Email(stored(text))), "{text}");
            assert!(person.is_named_by(&ProfileRef::Alias(Alias::for_email(&stored(text)))), "{text}");
            assert!(person.is_named_by(&ProfileRef::Email(stored(text))), "{text}");
        }
        assert!(!person.is_reached_at(&Contact::Email(stored("ada@bucher.example"))));
    }

    #[test]
    fn an_alias_may_be_a_contact() {
        let person = Person::Email(email("ada@example.com"));
        let alias = Alias::for_email(&email("ada@example.com"));
        assert!(person.is_named_by(&ProfileRef::Alias(alias)));
        assert!(!person.is_named_by(&ProfileRef::ExternalId("crm-7".into())));
    }
}
