//! A person who asks to be forgotten.

use std::time::Duration;

use crate::Timestamp;
use crate::contact::{Contact, Email, Phone};
use crate::id_key::IdKey;
use crate::ids::{BrandId, ParticipationId, Scope};
use crate::participation::{Forgotten, Participation, Way};
use crate::profile::{Alias, ProfileRef};
use crate::time::later;

/// How long a record that cannot be read is kept: the default retention of participations.
pub const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// A person, identified by a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// The person with this address.
    Email(Email),
    /// The person with this number.
    Phone(Phone),
}

impl Person {
    /// Whether a participation's contact is the person's. One of two is enough, in any stored form.
    fn is_reached_at(&self, contact: &Contact) -> bool {
        match (self, contact) {
            (Self::Email(email), contact) => contact.email().is_some_and(|theirs| same(theirs, email)),
            (Self::Phone(phone), Contact::Phone { phone: theirs, .. }) => phone == theirs,
            (Self::Phone(_), Contact::Email(_)) => false,
        }
    }

    /// Whether a profile reference contains the person's contact.
    #[must_use]
    pub fn is_named_by(&self, profile: &ProfileRef) -> bool {
        match (self, profile) {
            (Self::Email(email), ProfileRef::Alias(alias)) => {
                alias.name() == Alias::for_email(email).name()
                    || Email::from_stored(alias.name()).is_ok_and(|named| same(&named, email))
            }
            (Self::Email(email), ProfileRef::Email(named)) => same(named, email),
            (Self::Phone(phone), ProfileRef::Alias(alias)) => alias.name() == phone.as_str(),
            (Self::Phone(phone), ProfileRef::Phone(named)) => named == phone,
            (Self::Phone(_), ProfileRef::Email(_))
            | (Self::Email(_), ProfileRef::Phone(_))
            | (_, ProfileRef::ExternalId(_) | ProfileRef::BrazeId(_)) => false,
        }
    }

    /// Whether a participation is the person's, or was, before its details were replaced.
    #[must_use]
    pub fn takes_part_by(&self, participation: &Participation) -> bool {
        self.is_contact_of(participation)
            || participation.former_profiles().any(|profile| self.is_named_by(profile))
    }

    fn is_contact_of(&self, participation: &Participation) -> bool {
        participation.contact().is_some_and(|contact| self.is_reached_at(&contact))
    }

    /// Whether a participation was the person's before it was forgotten.
    #[must_use]
    pub fn was_reached_at(&self, participation: &Participation, id_key: &IdKey) -> bool {
        let Way::Forgotten(Forgotten { proof, .. }) = participation.way() else { return false };
        id_key.proof(participation.brand(), &self.contact()).iter().any(|theirs| proof.contains(theirs))
    }

    /// The person as a contact with nothing else known.
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

/// Erases what a participation holds about a person: everything, or, if the participation is another person's now, what it
/// kept of its earlier details.
pub fn forget_person(participation: &mut Participation, person: &Person, id_key: &IdKey, now: Timestamp) {
    if person.is_contact_of(participation) {
        forget(participation, id_key, now);
    } else {
        participation.forget_former(|profile| person.is_named_by(profile));
    }
}

/// Erases everything in a participation that identifies the person ([`Participation::forget`]).
pub fn forget(participation: &mut Participation, id_key: &IdKey, now: Timestamp) {
    let Some(contact) = participation.contact() else { return };
    let proof = id_key.proof(participation.brand(), &contact);
    participation.forget(proof, now);
}

/// The replacement for a participation that cannot be read and was forgotten. It ends, and its place is
/// released when it is next processed.
#[must_use]
pub fn forgotten(
    (id, version): (ParticipationId, u64),
    (brand, scope): (BrandId, Scope),
    has_award: bool,
    now: Timestamp,
) -> Participation {
    let moments = (now, later(now, KEPT));
    Participation::unreadable_and_forgotten((id, version), (brand, scope), has_award, moments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participation::Snapshot;

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

    fn participation(way: Way) -> Participation {
        let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
        let moments = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let id = ParticipationId::from_bytes([7; 16]);
        Participation::restore(Snapshot::accepted(id, owner, way, moments, false)).unwrap()
    }

    fn by_email(address: &str) -> Participation {
        participation(Way::Email { email: email(address), consent: None })
    }

    #[test]
    fn an_alias_of_a_number_names_whoever_has_the_number() {
        let alias = ProfileRef::Alias(Alias::for_phone(&phone()));
        assert!(Person::Phone(phone()).is_named_by(&alias));
        assert!(!Person::Phone(Phone::from_e164("+13135550199").unwrap()).is_named_by(&alias));
        assert!(!Person::Email(email("ada@example.com")).is_named_by(&alias));
        assert!(!Person::Phone(phone()).is_named_by(&ProfileRef::Email(email("ada@example.com"))));
    }

    #[test]
    fn the_alias_of_an_address_that_is_too_long_for_one_names_whoever_has_the_address() {
        let label = |letter: &str, length| letter.repeat(length);
        let domain = format!("{}.{}.{}.com", label("b", 63), label("c", 63), label("d", 60));
        let long = email(&format!("{}@{domain}", label("a", 50)));
        let alias = ProfileRef::Alias(Alias::for_email(&long));
        assert!(Person::Email(long).is_named_by(&alias));
        assert!(!Person::Email(email(&format!("{}@{domain}", label("x", 50)))).is_named_by(&alias));
    }

    #[test]
    fn a_person_takes_part_by_their_own_contact_only() {
        let ada = Person::Email(email("ada@example.com"));
        assert!(ada.takes_part_by(&by_email("ada@example.com")));
        assert!(!ada.takes_part_by(&by_email("eve@example.com")));
    }

    #[test]
    fn whoever_was_forgotten_is_known_by_the_contact_that_they_had() {
        let key = IdKey::new([1; 32]);
        let mut participation = by_email("ada@example.com");
        let (ada, eve) = (Person::Email(email("ada@example.com")), Person::Email(email("eve@example.com")));
        assert!(!ada.was_reached_at(&participation, &key), "nobody was forgotten yet");
        forget(&mut participation, &key, Timestamp::UNIX_EPOCH);
        assert!(!ada.takes_part_by(&participation));
        assert!(ada.was_reached_at(&participation, &key) && !eve.was_reached_at(&participation, &key));
        assert!(!ada.was_reached_at(&participation, &IdKey::new([2; 32])), "by no other key");
        let once = participation.clone();
        forget(&mut participation, &key, Timestamp::MAX);
        assert_eq!(participation, once, "there is nothing left to forget");
    }

    #[test]
    fn what_cannot_be_read_is_kept_for_90_days() {
        let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let forgotten = forgotten((ParticipationId::from_bytes([7; 16]), 3), owner, true, now);
        assert_eq!(forgotten.keep_until().as_second(), 1_800_000_000 + 7_776_000);
        assert_eq!((forgotten.version(), forgotten.due_at()), (3, Some(now)));
    }
}
