//! Questions to Braze: which profiles have an address or a number, and whether an event arrived. A look-up by
//! address needs a request of its own, and these requests are the scarcest.

use std::collections::HashMap;

use braze::{Export, ExportQuery, Fields, MOST_IDENTIFIERS};
use domain::Timestamp;
use domain::decide::Confirmation;
use domain::profile::{Alias, FoundProfile, ProfileRef};

use super::admission::Request;
use super::export::ask_all;
use super::{BrandAccess, BrazeEndpoint, translate};
use crate::work_item::{Performed, WorkItem};

/// The question whether a profile has an event that is at least as recent as a given time.
pub(crate) struct ProfileEventQuestion {
    pub(crate) profile: ProfileRef,
    pub(crate) event: String,
    pub(crate) since: Timestamp,
}

/// Answers `FindProfile`, in the order of acceptance, as far as there are slots.
pub(crate) struct Profiles;

impl BrazeEndpoint for Profiles {
    type Job = WorkItem;

    async fn perform(to: &BrandAccess<'_>, items: Vec<WorkItem>) -> ports::Result<Performed> {
        let query = |item: WorkItem| (translate::find_query(item.participation.way()), item);
        let requests = alike(items.into_iter().map(query));
        let found = |item: &mut WorkItem, (): &(), export: &Export| {
            item.facts.found = Some(export.users.iter().map(translate::found_profile).collect());
        };
        Ok(ask_all(to, requests, translate::fields_of(to.brand), found).await.0)
    }
}

/// Answers `FindAlias`, with as many aliases in a request as Braze accepts. If a profile cannot be looked up
/// by alias, it counts as missing and is looked up by contact.
pub(crate) struct Aliases;

impl BrazeEndpoint for Aliases {
    type Job = (WorkItem, Alias);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let found = |item: &mut WorkItem, alias: &ProfileRef, export: &Export| {
            let found = found_under(alias, export);
            item.participation.learns_of_alias(!found.is_empty());
            item.facts.found = (!found.is_empty()).then_some(found);
        };
        let questions = questions.into_iter().map(|(item, alias)| (item, ProfileRef::Alias(alias)));
        let requests = in_pieces(questions.collect());
        let (mut performed, refused) = ask_all(to, requests, translate::fields_of(to.brand), found).await;
        performed.active.extend(refused.into_iter().map(|(mut item, _)| {
            item.participation.learns_of_alias(false);
            item
        }));
        Ok(performed)
    }
}

/// Answers `Confirm`, with as many profiles in a request as Braze accepts. A profile that Braze refuses to look up by its
/// identifier counts as missing, and is looked up by contact.
pub(crate) struct Confirmations;

impl BrazeEndpoint for Confirmations {
    type Job = (WorkItem, ProfileRef);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let requests = together(questions.into_iter().map(gone_unless_found).collect());
        let (mut performed, refused) = ask_all(to, requests, translate::fields_of(to.brand), confirm).await;
        performed.active.extend(refused.into_iter().map(|(item, _)| item));
        performed.active.iter_mut().for_each(|item| item.facts.refused = None);
        Ok(performed)
    }
}

/// Reads back profiles that were written to, with as many in a request as Braze accepts. A profile that Braze refuses to look
/// up by its identifier counts as missing.
pub(crate) struct SentProfiles;

impl BrazeEndpoint for SentProfiles {
    type Job = (WorkItem, ProfileRef);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let fields = translate::fields_sent_to(to.brand);
        let (mut performed, refused) = ask_all(to, together(questions), fields, confirm).await;
        let alone = refused.into_iter().map(|question| about(vec![question])).collect();
        performed.extend(ask_all(to, alone, fields, confirm).await.0);
        Ok(performed)
    }
}

/// Answers `EventRecorded`, with as many profiles in a request as Braze accepts.
pub(crate) struct RecordedEvents;

impl BrazeEndpoint for RecordedEvents {
    type Job = (WorkItem, ProfileEventQuestion);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let recorded = |item: &mut WorkItem, question: &ProfileEventQuestion, export: &Export| {
            let theirs = export.users.iter().filter(|user| translate::is_of(user, &question.profile));
            let mut ours =
                theirs.flat_map(|user| &user.custom_events).filter(|event| event.name == question.event);
            let since = whole_second(question.since);
            item.facts.recorded = Some(ours.any(|event| event.last.is_none_or(|last| last >= since)));
        };
        let requests = together(questions);
        let (mut performed, refused) = ask_all(to, requests, Fields::IdentityAndEvents, recorded).await;
        // One of those that were refused together is at fault. Asked alone, only that one is refused.
        let alone = refused.into_iter().map(|question| about(vec![question])).collect();
        performed.extend(ask_all(to, alone, Fields::IdentityAndEvents, recorded).await.0);
        Ok(performed)
    }
}

/// Learns what Braze has under the identifier of a profile.
pub(super) fn confirm(item: &mut WorkItem, profile: &ProfileRef, export: &Export) {
    let found = found_under(profile, export);
    item.facts.confirmed = Some(Confirmation { profile: profile.clone(), found });
}

/// A question about a profile that counts as gone unless an answer shows it.
pub(super) fn gone_unless_found((mut item, profile): (WorkItem, ProfileRef)) -> (WorkItem, ProfileRef) {
    item.facts.confirmed = Some(Confirmation { profile: profile.clone(), found: Vec::new() });
    (item, profile)
}

/// The profiles of an answer that this identifier names.
fn found_under(profile: &ProfileRef, export: &Export) -> Vec<FoundProfile> {
    let theirs = export.users.iter().filter(|user| translate::is_of(user, profile));
    theirs.map(translate::found_profile).collect()
}

/// Makes one request for all work items with the same question, in the order of the first.
fn alike(questions: impl Iterator<Item = (ExportQuery, WorkItem)>) -> Vec<Request<()>> {
    let mut requests: Vec<Request<()>> = Vec::new();
    let mut positions: HashMap<ExportQuery, usize> = HashMap::new();
    for (query, item) in questions {
        match positions.get(&query).and_then(|position| requests.get_mut(*position)) {
            Some(request) => request.by.push((item, ())),
            None => {
                positions.insert(query.clone(), requests.len());
                requests.push(Request { query, by: vec![(item, ())] });
            }
        }
    }
    requests
}

/// A question about one profile.
pub(super) trait AboutProfile {
    fn profile(&self) -> &ProfileRef;
}

impl AboutProfile for ProfileRef {
    fn profile(&self) -> &ProfileRef {
        self
    }
}

impl AboutProfile for ProfileEventQuestion {
    fn profile(&self) -> &ProfileRef {
        &self.profile
    }
}

/// Groups questions by kind of identifier, since Braze does not document whether one request may mix kinds.
pub(super) fn together<Q: AboutProfile>(questions: Vec<(WorkItem, Q)>) -> Vec<Request<Q>> {
    let (mut by_external_id, mut by_alias, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for (item, question) in questions {
        match question.profile() {
            ProfileRef::ExternalId(_) => by_external_id.push((item, question)),
            ProfileRef::Alias(_) => by_alias.push((item, question)),
            ProfileRef::BrazeId(_) | ProfileRef::Email(_) | ProfileRef::Phone(_) => {
                requests.push(about(vec![(item, question)]))
            }
        }
    }
    requests.extend([by_external_id, by_alias].into_iter().flat_map(in_pieces));
    requests
}

/// Splits questions into requests with as many as Braze accepts.
fn in_pieces<Q: AboutProfile>(questions: Vec<(WorkItem, Q)>) -> Vec<Request<Q>> {
    let mut questions = questions.into_iter().peekable();
    let mut requests = Vec::new();
    while questions.peek().is_some() {
        requests.push(about(questions.by_ref().take(MOST_IDENTIFIERS).collect()));
    }
    requests
}

/// One request for all of these.
fn about<Q: AboutProfile>(by: Vec<(WorkItem, Q)>) -> Request<Q> {
    Request { query: translate::export_query(by.iter().map(|(_, question)| question.profile())), by }
}

/// Cuts a moment to the second: Braze does not promise to keep fractions of a second.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
