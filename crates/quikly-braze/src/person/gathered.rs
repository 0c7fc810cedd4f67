//! Finds what is stored about a person.

use std::collections::BTreeSet;

use anyhow::Context;
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId};
use domain::person::Person;
use domain::profile::{ProfileHint, ProfileRef};
use ports::pages::StoredParticipation;

use crate::arguments::Whom;
use crate::forget::given;
use crate::storage::Opened;

/// How the person is named.
pub(super) enum Sought {
    Contact(Person),
    /// A profile in a brand's Braze workspace.
    Profile {
        brand: BrandId,
        profile: ProfileRef,
    },
}

impl Sought {
    pub(super) fn parse(whom: &Whom) -> anyhow::Result<Self> {
        if let Some(email) = &whom.email {
            return Ok(Self::Contact(Person::Email(Email::parse(&given(email, "e-mail address")?)?)));
        }
        if let Some(phone) = &whom.phone {
            let phone = Phone::from_e164(&given(phone, "number")?);
            return Ok(Self::Contact(Person::Phone(
                phone.context("--phone is E.164: +, country code, number")?,
            )));
        }
        let brand = whom.brand.as_deref().context("--brand is missing")?;
        let brand = BrandId::parse(brand).with_context(|| format!("--brand {brand}"))?;
        let profile = match (&whom.external_id, &whom.braze_id) {
            (Some(id), _) => ProfileRef::ExternalId(id.clone()),
            (None, Some(id)) => ProfileRef::BrazeId(id.clone()),
            (None, None) => anyhow::bail!("--email, --phone, --external-id or --braze-id is missing"),
        };
        Ok(Self::Profile { brand, profile })
    }

    /// What the person was named by.
    pub(super) fn by(&self) -> &'static str {
        match self {
            Self::Contact(Person::Email(_)) => "email",
            Self::Contact(Person::Phone(_)) => "phone",
            Self::Profile { profile: ProfileRef::ExternalId(_), .. } => "external_id",
            Self::Profile { .. } => "braze_id",
        }
    }
}

/// Everything that the store keeps about a person.
#[derive(Default)]
pub(super) struct Gathered {
    /// The contacts that belong to the person, as far as they are known.
    pub(super) persons: Vec<Person>,
    pub(super) records: Vec<StoredParticipation>,
    /// Participations that were erased earlier, whose proof fits the person.
    pub(super) earlier: Vec<StoredParticipation>,
    pub(super) hints: Vec<ProfileHint>,
    pub(super) unreadable: u64,
}

impl Gathered {
    /// Reads everything, page by page. A person who is named by a profile is also looked for by the contacts that are found with it.
    pub(super) async fn about(sought: &Sought, storage: &Opened) -> anyhow::Result<Self> {
        let id_key = storage.id_key().await?;
        let persons = match sought {
            Sought::Contact(person) => vec![person.clone()],
            Sought::Profile { brand, profile } => with_profile(brand, profile, storage, &id_key).await?,
        };
        let mut gathered = Self { persons, ..Self::default() };
        gathered.read_records(sought, storage, &id_key).await?;
        gathered.read_hints(sought, storage, &id_key).await?;
        Ok(gathered)
    }

    async fn read_records(
        &mut self,
        sought: &Sought,
        storage: &Opened,
        id_key: &IdKey,
    ) -> anyhow::Result<()> {
        let mut next = None;
        loop {
            let page = storage.operations().records(next.as_ref()).await?;
            self.unreadable = self.unreadable.saturating_add(page.unreadable.len() as u64);
            for record in page.records {
                let one = &record.participation;
                let names = |(brand, profile): (&BrandId, &ProfileRef)| {
                    one.brand() == brand && one.profiles().contains(profile)
                };
                let is_named =
                    matches!(sought, Sought::Profile { brand, profile } if names((brand, profile)));
                if is_named || self.persons.iter().any(|person| person.takes_part_by(one)) {
                    self.records.push(record);
                } else if self.persons.iter().any(|person| person.was_reached_at(one, id_key)) {
                    self.earlier.push(record);
                }
            }
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    async fn read_hints(&mut self, sought: &Sought, storage: &Opened, id_key: &IdKey) -> anyhow::Result<()> {
        let participations = self.records.iter().map(|record| &record.participation);
        let mut keys: BTreeSet<String> = participations
            .clone()
            .filter_map(|one| one.contact_key(id_key))
            .map(|key| key.to_string())
            .collect();
        for (brand, person) in
            participations.flat_map(|one| self.persons.iter().map(|person| (one.brand(), person)))
        {
            keys.insert(id_key.contact(brand, &person.contact()).to_string());
        }
        let is_sought = |hint: &ProfileHint| matches!(sought, Sought::Profile { profile, .. } if *profile == hint.profile);
        let mut next = None;
        loop {
            let page = storage.operations().hints(next.as_ref()).await?;
            for (key, hint) in page.hints {
                let is_named = self.persons.iter().any(|person| person.is_named_by(&hint.profile));
                if keys.contains(&key) || is_named || is_sought(&hint) {
                    self.hints.push(hint);
                }
            }
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.records.is_empty() && self.hints.is_empty() && self.earlier.is_empty()
    }

    /// The ids of the participations.
    pub(super) fn ids(&self) -> impl Iterator<Item = String> {
        self.records.iter().chain(&self.earlier).map(|record| record.participation.id().to_string())
    }

    /// The participations that name the person's profile, and no contact that is known to be the person's.
    pub(super) fn only_by_profile(&self) -> Vec<ParticipationId> {
        let by_profile = self
            .records
            .iter()
            .map(|record| &record.participation)
            .filter(|one| !self.persons.iter().any(|person| person.takes_part_by(one)));
        by_profile.map(domain::participation::Participation::id).collect()
    }

    /// How much there is.
    pub(super) fn in_figures(&self) -> String {
        format!(
            "{} participations, {} profile hints, {} erased earlier",
            self.records.len(),
            self.hints.len(),
            self.earlier.len()
        )
    }
}

/// The contacts of participations that name a profile, or whose contact's hint names it.
async fn with_profile(
    brand: &BrandId,
    profile: &ProfileRef,
    storage: &Opened,
    id_key: &IdKey,
) -> anyhow::Result<Vec<Person>> {
    let mut keys = BTreeSet::new();
    let mut next = None;
    loop {
        let page = storage.operations().hints(next.as_ref()).await?;
        keys.extend(page.hints.into_iter().filter(|(_, hint)| hint.profile == *profile).map(|(key, _)| key));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let mut persons: Vec<Person> = Vec::new();
    loop {
        let page = storage.operations().records(next.as_ref()).await?;
        for one in page.records.iter().map(|record| &record.participation).filter(|one| one.brand() == brand)
        {
            let is_theirs = one.profiles().contains(profile)
                || one.contact_key(id_key).is_some_and(|key| keys.contains(&key.to_string()));
            let contact = one.contact().filter(|_| is_theirs);
            for person in contact.into_iter().flat_map(persons_of) {
                if !persons.contains(&person) {
                    persons.push(person);
                }
            }
        }
        next = page.next;
        if next.is_none() {
            return Ok(persons);
        }
    }
}

fn persons_of(contact: Contact) -> Vec<Person> {
    match contact {
        Contact::Email(email) => vec![Person::Email(email)],
        Contact::Phone { phone, email } => {
            [Some(Person::Phone(phone)), email.map(Person::Email)].into_iter().flatten().collect()
        }
    }
}
