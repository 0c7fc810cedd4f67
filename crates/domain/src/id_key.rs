//! The secret key that ids, numbers in draws, and seeds are made with.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::contact::Contact;
use crate::ids::{BrandId, Channel, ContactKey, LedgerKey, ParticipationId, RepeatKey, Scope};
use crate::incentive::raffle::Seed;
use crate::profile::ProfileRef;

/// Identifies an id key: a hash under the key, which nobody can compute without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFingerprint([u8; 16]);

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The text is not an id key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id key is 64 hexadecimal digits")]
pub struct NotAKey;

/// The secret that participation ids and contact keys are made with. If it is lost, known consumers become
/// new ones. It is kept as the state that every hash begins with.
#[derive(Clone)]
pub struct IdKey(Hmac<Sha256>);

impl IdKey {
    /// Makes a key from 32 secret random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&bytes);
        Self(Hmac::new(&block.into()))
    }

    /// Reads a key in its stored form: 64 hexadecimal digits.
    ///
    /// # Errors
    /// If the text has another form. The error does not repeat it.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| NotAKey)?;
        Ok(Self::new(bytes))
    }

    /// A value that identifies this key and reveals nothing about it.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint(first_half(self.hash(&["fingerprint"])))
    }

    /// The id of a consumer's participation in an activation.
    #[must_use]
    pub fn participation(&self, scope: &Scope, contact: &Contact) -> ParticipationId {
        let channel = contact.channel().name();
        ParticipationId::from_bytes(first_half(self.hash(&[
            "participation",
            scope.as_str(),
            channel,
            contact.identifying(),
        ])))
    }

    /// The id of a consumer's participation by an event. `occasion` tells repetitions of the event apart, if
    /// each of them counts.
    #[must_use]
    pub fn event(
        &self,
        scope: &Scope,
        event: &str,
        contact: &Contact,
        occasion: Option<&str>,
    ) -> ParticipationId {
        let channel = Channel::Event.name();
        let parts = ["participation", scope.as_str(), channel, event, contact.identifying()];
        match occasion {
            None => ParticipationId::from_bytes(first_half(self.hash(&parts))),
            Some(occasion) => {
                let [a, b, c, d, e] = parts;
                ParticipationId::from_bytes(first_half(self.hash(&[a, b, c, d, e, occasion])))
            }
        }
    }

    /// A participant's number in the draws of an incentive. It is always the same, and nobody can predict it
    /// without the key.
    #[must_use]
    pub fn lot(&self, ledger: &LedgerKey, participant: ContactKey) -> u64 {
        let incentive = ledger.incentive.as_ref().map_or("", |incentive| incentive.as_str());
        let parts = ["draw", ledger.scope.as_str(), incentive, &participant.to_string()];
        let mut lot = [0; 8];
        lot.copy_from_slice(&self.hash(&parts)[..8]);
        u64::from_be_bytes(lot)
    }

    /// The seed of a raffle.
    #[must_use]
    pub fn raffle_seed(&self, ledger: &LedgerKey) -> Seed {
        let incentive = ledger.incentive.as_ref().map_or("", |incentive| incentive.as_str());
        Seed::new(self.hash(&["raffle", ledger.scope.as_str(), incentive]))
    }

    /// What is kept of the contact of a forgotten person, as proof of consent: it cannot be reversed, and a
    /// person who gives the contact again can be matched to it. It is not used as a key for anything else.
    #[must_use]
    pub fn proof(&self, brand: &BrandId, contact: &Contact) -> Vec<ContactKey> {
        let email = contact.email().map(|email| ("email", email.as_str()));
        let phone = contact.phone().map(|phone| ("phone", phone.as_str()));
        let known = email.into_iter().chain(phone);
        known
            .map(|(kind, text)| {
                ContactKey::from_bytes(first_half(self.hash(&["proof", brand.as_str(), kind, text])))
            })
            .collect()
    }

    /// The key under which a brand's profile hint about a contact is stored.
    #[must_use]
    pub fn contact(&self, brand: &BrandId, contact: &Contact) -> ContactKey {
        // A profile is found by address if there is one, so both channels share the hint.
        let (kind, text) = match (contact.email(), contact) {
            (Some(email), _) | (None, Contact::Email(email)) => ("email", email.as_str()),
            (None, Contact::Phone { phone, .. }) => ("phone", phone.as_str()),
        };
        ContactKey::from_bytes(first_half(self.hash(&["contact", brand.as_str(), kind, text])))
    }

    /// The key of a brand's consumer by the profile that Braze names, if it names one that stays theirs whatever
    /// their address: by external id, or else by Braze's own id.
    #[must_use]
    pub fn profile(&self, brand: &BrandId, profile: &ProfileRef) -> Option<ContactKey> {
        let (kind, text) = match profile {
            ProfileRef::ExternalId(id) => ("external_id", id),
            ProfileRef::BrazeId(id) => ("braze_id", id),
            ProfileRef::Alias(_) | ProfileRef::Email(_) | ProfileRef::Phone(_) => return None,
        };
        Some(ContactKey::from_bytes(first_half(self.hash(&["contact", brand.as_str(), kind, text]))))
    }

    /// The hashed form of an `Idempotency-Key`, for the participation that it created.
    #[must_use]
    pub fn repeat_key(&self, id: ParticipationId, key: &str) -> RepeatKey {
        RepeatKey::from_bytes(first_half(self.hash(&["idempotency", &id.to_string(), key])))
    }

    /// Each part is preceded by its length, so that different lists of parts have different hashes.
    fn hash(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Email;

    fn email(text: &str) -> Contact {
        Contact::Email(Email::parse(text).unwrap())
    }

    #[test]
    fn the_same_consumer_in_the_same_activation_has_one_id() {
        let key = IdKey::new([7; 32]);
        let spring = Scope::parse("spring").unwrap();
        let first = key.participation(&spring, &email("ada@example.com"));
        assert_eq!(first, key.participation(&spring, &email("ADA@example.com ")));
        assert_ne!(first, key.participation(&spring, &email("bob@example.com")));
        let autumn = Scope::parse("autumn").unwrap();
        assert_ne!(first, key.participation(&autumn, &email("ada@example.com")));
    }

    #[test]
    fn by_number_the_consumer_is_the_number_whatever_the_address() {
        let key = IdKey::new([7; 32]);
        let spring = Scope::parse("spring").unwrap();
        let by_phone = |phone: &str, email: Option<&str>| {
            let phone = crate::contact::Phone::from_e164(phone).unwrap();
            let email = email.map(|email| Email::parse(email).unwrap());
            key.participation(&spring, &Contact::Phone { phone, email })
        };
        let first = by_phone("+13135550100", None);
        assert_eq!(first, by_phone("+13135550100", Some("ada@example.com")));
        assert_ne!(first, by_phone("+13135550101", None));
        assert_ne!(
            by_phone("+13135550100", Some("ada@example.com")),
            key.participation(&spring, &email("ada@example.com"))
        );
    }

    #[test]
    fn another_key_makes_other_ids() {
        let spring = Scope::parse("spring").unwrap();
        let ada = email("ada@example.com");
        let one = IdKey::new([1; 32]).participation(&spring, &ada);
        assert_ne!(one, IdKey::new([2; 32]).participation(&spring, &ada));
    }

    #[test]
    fn a_fingerprint_tells_keys_apart() {
        let of = |byte: u8| IdKey::new([byte; 32]).fingerprint().to_string();
        assert_eq!((of(1), of(1).len()), (of(1), 32));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_profile_is_known_by_the_brands_id_or_by_brazes_and_by_nothing_that_may_change() {
        let key = IdKey::new([7; 32]);
        let acme = BrandId::parse("acme").unwrap();
        let of = |profile: ProfileRef| key.profile(&acme, &profile);
        let by_external_id = of(ProfileRef::ExternalId("u-1".into()));
        assert!(by_external_id.is_some() && by_external_id == of(ProfileRef::ExternalId("u-1".into())));
        assert_ne!(by_external_id, of(ProfileRef::ExternalId("u-2".into())));
        assert_ne!(by_external_id, of(ProfileRef::BrazeId("u-1".into())));
        let zest = BrandId::parse("zest").unwrap();
        assert_ne!(by_external_id, key.profile(&zest, &ProfileRef::ExternalId("u-1".into())));
        let ada = Email::parse("ada@example.com").unwrap();
        assert_eq!(of(ProfileRef::Alias(crate::profile::Alias::for_email(&ada))), None);
        assert_eq!(of(ProfileRef::Email(ada)), None);
    }

    fn phone(text: &str) -> crate::contact::Phone {
        crate::contact::Phone::from_e164(text).unwrap()
    }

    #[test]
    fn a_lot_is_another_for_each_participant_and_each_incentive() {
        let key = IdKey::new([7; 32]);
        let ledger = |incentive: &str| LedgerKey {
            scope: Scope::parse("spring").unwrap(),
            incentive: crate::ids::IncentiveId::parse(incentive).ok(),
        };
        let participants = [1, 2].map(|byte| ContactKey::from_bytes([byte; 16]));
        let lot = |incentive, participant: usize| key.lot(&ledger(incentive), participants[participant]);
        let first = lot("lucky", 0);
        assert_eq!(first, lot("lucky", 0));
        assert!(first != lot("lucky", 1) && first != lot("other", 0));
    }

    #[test]
    fn either_contact_proves_whose_a_forgotten_participation_was_to_the_same_brand_only() {
        let key = IdKey::new([7; 32]);
        let acme = BrandId::parse("acme").unwrap();
        let (ada, number) = (Email::parse("ada@example.com").unwrap(), phone("+13135550100"));
        let both = key.proof(&acme, &Contact::Phone { phone: number.clone(), email: Some(ada.clone()) });
        let by_email = key.proof(&acme, &Contact::Email(ada.clone()));
        let by_phone = key.proof(&acme, &Contact::Phone { phone: number, email: None });
        assert_eq!((by_email.len(), both), (1, [by_email.clone(), by_phone].concat()));
        assert_ne!(by_email, key.proof(&BrandId::parse("zest").unwrap(), &Contact::Email(ada)));
    }

    #[test]
    fn a_key_is_read_from_its_digits_and_does_not_print_itself() {
        let key = IdKey::parse(&format!(" {}\n", "07".repeat(32))).unwrap();
        assert_eq!(key.fingerprint(), IdKey::new([7; 32]).fingerprint());
        assert_eq!(format!("{key:?}"), "IdKey(…)");
        assert_eq!(IdKey::parse(&"07".repeat(31)).err(), Some(NotAKey));
    }
}
