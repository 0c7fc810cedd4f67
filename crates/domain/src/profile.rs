//! Braze profiles, as far as a participation has to distinguish them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::answers::is_blank;
use crate::attributes::AttributeValue;
use crate::consent::EmailState;
use crate::contact::{Contact, Email, Phone, Region};
use crate::ids::ParticipationId;
use crate::time::later;

/// The label of aliases by which profiles are created and found by e-mail address.
pub const EMAIL_LABEL: &str = "email";

/// The label of aliases of profiles that are created with only a number.
pub const PHONE_LABEL: &str = "phone";

/// The longest label or name of a Braze alias, in bytes (braze-docs, user alias object).
pub const LONGEST_ALIAS: usize = 236;

/// A user alias, unique in a Braze workspace. `Debug` does not show the name, which may be a contact.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias {
    label: String,
    name: String,
}

impl Alias {
    /// Makes an alias that Braze reports; `None` if a part is empty or too long.
    #[must_use]
    pub fn new(label: &str, name: &str) -> Option<Self> {
        let fits = |part: &str| (1..=LONGEST_ALIAS).contains(&part.len());
        (fits(label) && fits(name)).then(|| Self { label: label.to_owned(), name: name.to_owned() })
    }

    /// The alias of a profile that is created for this address: the label is `email`, and the name is the address.
    ///
    /// An address may be longer than an alias allows. Then the name is `sha256:` and the address's SHA-256 in hexadecimal, which any
    /// system that knows the address can compute.
    #[must_use]
    pub fn for_email(email: &Email) -> Self {
        let address = email.as_str();
        let name = if address.len() <= LONGEST_ALIAS {
            address.to_owned()
        } else {
            format!("sha256:{}", hex::encode(Sha256::digest(address.as_bytes())))
        };
        Self { label: EMAIL_LABEL.to_owned(), name }
    }

    /// The alias of a profile that is created for a number without an address: the label is `phone`, and the name is the number.
    #[must_use]
    pub fn for_phone(phone: &Phone) -> Self {
        Self { label: PHONE_LABEL.to_owned(), name: phone.as_str().to_owned() }
    }

    /// The alias of a profile that is created for this consumer.
    #[must_use]
    pub fn for_contact(contact: &Contact) -> Self {
        match contact {
            Contact::Email(email) | Contact::Phone { email: Some(email), .. } => Self::for_email(email),
            Contact::Phone { phone, email: None } => Self::for_phone(phone),
        }
    }

    /// The alias's label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The alias's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alias({}, …)", self.label)
    }
}

/// How a profile is addressed in a write. `Debug` shows only the kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ProfileRef {
    /// By the brand's own id for the consumer.
    ExternalId(String),
    /// By an alias.
    Alias(Alias),
    /// By Braze's own id.
    BrazeId(String),
    /// By e-mail address; Braze chooses the profile.
    Email(Email),
    /// By mobile number; Braze chooses the profile.
    Phone(Phone),
}

impl fmt::Debug for ProfileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExternalId(_) => "ExternalId(…)",
            Self::Alias(_) => "Alias(…)",
            Self::BrazeId(_) => "BrazeId(…)",
            Self::Email(_) => "Email(…)",
            Self::Phone(_) => "Phone(…)",
        })
    }
}

/// A profile that a look-up found.
#[derive(Clone, Default, PartialEq)]
pub struct FoundProfile {
    /// The brand's own id, if the brand has identified the consumer.
    pub external_id: Option<String>,
    /// Braze's id.
    pub braze_id: Option<String>,
    /// The profile's aliases.
    pub aliases: Vec<Alias>,
    /// The profile's address.
    pub email: Option<String>,
    /// The profile's number.
    pub phone: Option<String>,
    /// Whether its address gets e-mails, if that was asked for.
    pub email_state: Option<EmailState>,
    /// When Braze created it.
    pub created_at: Option<Timestamp>,
    /// The profile's attributes with plain values and lists of texts: custom ones, and of Braze's own fields those that were asked for.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The names of the profile's other attributes.
    pub nested: BTreeSet<String>,
    /// The profile's custom events of the last 90 days, with the time of the last one, if they were asked for.
    pub events: BTreeMap<String, Option<Timestamp>>,
}

impl fmt::Debug for FoundProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoundProfile({:?}, created {:?})", self.reference(), self.created_at)
    }
}

impl FoundProfile {
    fn number(&self, phone: &Phone, region: Region) -> Number {
        match self.phone.as_deref().filter(|shown| !shown.is_empty()) {
            None => Number::None,
            Some(shown) if phone.is(shown, region) => Number::Same,
            Some(_) => Number::Other,
        }
    }

    /// Whether the profile has the consumer's number.
    pub(crate) fn has_number(&self, phone: &Phone, region: Region) -> bool {
        self.number(phone, region) == Number::Same
    }

    /// Whether the profile has a value of this name. An empty text or list is none.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.nested.contains(name) || self.attributes.get(name).is_some_and(|value| !is_blank(value))
    }

    /// Whether the profile has an event of this name that was logged at `since` or later. Braze does not promise to keep
    /// fractions of a second.
    pub(crate) fn has_event(&self, name: &str, since: Timestamp) -> bool {
        let last = self.events.get(name);
        last.is_some_and(|last| last.is_none_or(|last| last.as_second() >= since.as_second()))
    }

    /// Whether `reference` names this profile.
    pub(crate) fn is_named(&self, reference: &ProfileRef) -> bool {
        match reference {
            ProfileRef::ExternalId(id) => self.external_id.as_ref() == Some(id),
            ProfileRef::Alias(alias) => self.aliases.contains(alias),
            ProfileRef::BrazeId(id) => self.braze_id.as_ref() == Some(id),
            ProfileRef::Email(email) => self.carries(Some(email)),
            ProfileRef::Phone(phone) => self.phone.as_deref() == Some(phone.as_str()),
        }
    }

    /// Whether the profile has the address that was asked for, in any spelling.
    fn carries(&self, asked: Option<&Email>) -> bool {
        let own = self.email.as_deref().and_then(|shown| Email::parse(shown).ok());
        asked.is_some_and(|asked| own == Some(asked.canonical()))
    }

    /// Whether the profile has the consumer's address, or, of a consumer with a number, that number. Numbers may be
    /// shown in the form used in `region`.
    pub(crate) fn belongs_to(&self, contact: &Contact, region: Option<Region>) -> bool {
        match contact {
            Contact::Email(email) => self.carries(Some(email)),
            Contact::Phone { phone, email } => {
                self.carries(email.as_ref())
                    || region.is_some_and(|region| self.number(phone, region) == Number::Same)
            }
        }
    }

    /// How to address the profile: by external id, or else by alias (label `email` first), or else by Braze's id.
    #[must_use]
    pub fn reference(&self) -> Option<ProfileRef> {
        if let Some(id) = &self.external_id {
            return Some(ProfileRef::ExternalId(id.clone()));
        }
        let by_email = self.aliases.iter().find(|alias| alias.label == EMAIL_LABEL);
        if let Some(alias) = by_email.or_else(|| self.aliases.first()) {
            return Some(ProfileRef::Alias(alias.clone()));
        }
        self.braze_id.clone().map(ProfileRef::BrazeId)
    }
}

/// Chooses "the" profile of an address among several: first one with that address, then one with an external id, then the newest.
/// Profiles that cannot be addressed do not count.
#[must_use]
pub fn choose(found: &[FoundProfile], asked: Option<&Email>) -> Option<ProfileRef> {
    chosen(found.iter(), asked)
}

/// Chooses the profile of a consumer with a number. Profiles with the consumer's address come first; then those with the number come
/// before those without one, and those before profiles with another. Also says how the profile's number compares. Profiles may show a
/// number in the form used in `region`.
#[must_use]
pub fn choose_for(
    found: &[FoundProfile],
    (phone, region): (&Phone, Region),
    asked: Option<&Email>,
) -> Option<(ProfileRef, Number)> {
    let with = |carries: bool, number: Number| {
        let alike = move |profile: &&FoundProfile| {
            profile.carries(asked) == carries && profile.number(phone, region) == number
        };
        chosen(found.iter().filter(alike), asked)
    };
    let numbers = [Number::Same, Number::None, Number::Other];
    let ranks = [true, false].into_iter().flat_map(|carries| numbers.map(|number| (carries, number)));
    ranks.into_iter().find_map(|(carries, number)| Some((with(carries, number)?, number)))
}

/// How a profile's number compares with the consumer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// The numbers are the same.
    Same,
    /// The profile has no number.
    None,
    /// The profile has another number.
    Other,
}

fn chosen<'a>(found: impl Iterator<Item = &'a FoundProfile>, asked: Option<&Email>) -> Option<ProfileRef> {
    found
        .filter_map(|profile| profile.reference().map(|reference| (profile, reference)))
        .max_by_key(|(profile, _)| {
            (profile.carries(asked), profile.external_id.is_some(), profile.created_at)
        })
        .map(|(_, reference)| reference)
}

/// What our own store remembers of a contact's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileHint {
    /// How the profile is addressed.
    pub profile: ProfileRef,
    /// When this was learned.
    pub learned_at: Timestamp,
    /// Whether the profile was created then.
    pub created: bool,
    /// The participation that it was learned from.
    pub by: ParticipationId,
}

impl ProfileHint {
    /// How long a profile that we created is still addressed in a way that creates it: Braze applies separate requests in any order, and
    /// recommends five minutes between calls that depend on each other.
    const FRESH: Duration = Duration::from_secs(10 * 60);

    /// How long a hint is trusted. After that the profile is looked up again.
    const TRUSTED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// Whether the hint is recent enough that the profile need not be looked up.
    pub(crate) fn is_trusted(&self, now: Timestamp) -> bool {
        now < self.trusted_until()
    }

    /// When the hint expires.
    #[must_use]
    pub fn trusted_until(&self) -> Timestamp {
        later(self.learned_at, Self::TRUSTED)
    }

    /// Whether this was learned less than `fresh` ago.
    pub(crate) fn is_recent(&self, fresh: Duration, now: Timestamp) -> bool {
        now < later(self.learned_at, fresh)
    }

    /// Whether Braze may still be building the profile.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.created && now < later(self.learned_at, Self::FRESH)
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
