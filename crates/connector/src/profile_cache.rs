//! Questions to our own store: the hint about a contact's profile, and which participation may create the
//! profile.

use domain::brand::Brand;
use domain::contact::Contact;
use domain::decide::Claim;
use domain::participation::Way;
use domain::profile::{ProfileHint, ProfileRef};
use ports::error::in_full;
use ports::store::MOST_ITEMS;

use crate::connector::Connector;
use crate::unreadable;
use crate::work_item::WorkItem;

/// Answers `ProfileHint` for all work items, a hundred in one read.
pub(crate) async fn profile_hints(
    connector: &Connector,
    brand: &Brand,
    mut items: Vec<WorkItem>,
) -> ports::Result<Vec<WorkItem>> {
    for some in items.chunks_mut(MOST_ITEMS) {
        let key = |item: &WorkItem| item.participation.contact_key(&connector.id_key);
        let mut keys: Vec<_> = some.iter().filter_map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let known = connector.deps.store.profile_hints(&keys).await?;
        let unreadable: Vec<&ports::Error> = known.unreadable.iter().collect();
        unreadable::report(connector, &brand.id, &unreadable);
        for item in some {
            item.facts.known = Some(key(item).and_then(|key| known.profiles.get(&key)).cloned());
        }
    }
    Ok(items)
}

/// Answers `Claim`: the first participation of an address or number may create the profile.
pub(crate) async fn claims(
    connector: &Connector,
    brand: &Brand,
    mut items: Vec<WorkItem>,
) -> ports::Result<Vec<WorkItem>> {
    for item in &mut items {
        let participation = &item.participation;
        let (profile, contact) = match participation.way() {
            Way::Email { email, .. } | Way::Event { email, .. } => {
                (ProfileRef::Email(email.clone()), Contact::Email(email.clone()))
            }
            // The profile is the number's, whatever address comes with it.
            Way::Sms { phone, .. } => {
                (ProfileRef::Phone(phone.clone()), Contact::Phone { phone: phone.clone(), email: None })
            }
            Way::Forgotten(_) => continue,
        };
        let contact = connector.id_key.contact(&brand.id, &contact);
        let ours = ProfileHint {
            profile,
            learned_at: connector.deps.clock.now(),
            created: true,
            by: participation.id(),
        };
        let holder = connector.deps.store.claim_profile(contact, &ours).await?;
        item.facts.claim = Some(if holder.by == participation.id() {
            Claim::Ours
        } else {
            Claim::Theirs { at: holder.learned_at }
        });
    }
    Ok(items)
}

/// Stores hints about the profiles that were found or created, so that the consumer's next participation
/// needs no look-up. If this fails, the only cost is a look-up.
pub(crate) async fn remember(connector: &Connector, items: &[WorkItem]) {
    let (now, brands) = (connector.deps.clock.now(), connector.brands());
    let of_use = |item: &&WorkItem| {
        let brand = brands.brand(item.participation.brand());
        let contact = item.participation.contact();
        brand.zip(contact).is_some_and(|(brand, contact)| brand.may_see_again(&contact, now))
    };
    let learned: Vec<_> = items
        .iter()
        .filter(of_use)
        .filter_map(|item| {
            let contact = item.participation.contact_key(&connector.id_key)?;
            Some((contact, item.learned.clone()?))
        })
        .collect();
    for some in learned.chunks(MOST_ITEMS) {
        if let Err(error) = connector.deps.store.remember_profiles(some).await {
            tracing::warn!(event = "connector.not_remembered", error = %in_full(&error), "What was learnt about profiles could not be stored; the next participation looks the profile up.");
        }
    }
}
