//! Reads whether consumers are subscribed to the groups that a consent is about, before it is written late.

use std::collections::{BTreeSet, HashMap};

use braze::{AfterError, GroupContacts, Statuses, SubscriptionState};
use domain::decide::GroupMembership;
use domain::ids::{Channel, SubscriptionGroup};
use domain::reservation::Observed;
use futures::StreamExt;
use futures::stream;
use ports::limits::Endpoint;

use super::phones::{AT_ONCE, grouped, pieces, ready, report};
use super::{BrandAccess, BrazeEndpoint};
use crate::budget::{Admission, asked_wait};
use crate::causes::cause;
use crate::work_item::{Performed, WorkItem};

/// The question about one consumer: all groups are asked for before the consumer is decided again.
pub(crate) struct GroupsJob {
    pub(crate) item: WorkItem,
    pub(crate) channel: Channel,
    pub(crate) groups: Vec<SubscriptionGroup>,
}

impl GroupsJob {
    /// The first group that is not known yet, with the channel.
    fn next(&self) -> Option<(Channel, SubscriptionGroup)> {
        let unread = |group: &&SubscriptionGroup| !self.item.facts.consent_groups.contains_key(*group);
        self.groups.iter().find(unread).map(|group| (self.channel, group.clone()))
    }

    fn contact(&self) -> Option<String> {
        match self.channel {
            Channel::Sms => self.item.participation.phone().map(|phone| phone.as_str().to_owned()),
            Channel::Email | Channel::Event => {
                self.item.participation.email().map(|email| email.as_str().to_owned())
            }
        }
    }
}

/// Answers `ConsentGroups`: one request for up to fifty consumers and one group.
pub(crate) struct ConsentGroups;

impl BrazeEndpoint for ConsentGroups {
    type Job = GroupsJob;

    async fn perform(to: &BrandAccess<'_>, jobs: Vec<GroupsJob>) -> ports::Result<Performed> {
        let mut performed = Performed::default();
        let mut said = Vec::new();
        let mut open = jobs;
        loop {
            let (asking, done): (Vec<_>, Vec<_>) = open.into_iter().partition(|job| job.next().is_some());
            performed.active.extend(done.into_iter().map(|job| job.item));
            if asking.is_empty() {
                break;
            }
            let keyed = asking.into_iter().filter_map(|job| Some((job.next()?, job)));
            let groups = grouped(keyed);
            let pieces: Vec<_> = groups
                .into_iter()
                .flat_map(|(of, jobs)| {
                    pieces(jobs, braze::MOST_PHONES).into_iter().map(move |piece| (of.clone(), piece))
                })
                .collect();
            let admissions = to.admit(Endpoint::StatusGet, pieces.len()).await;
            let reads: Vec<GroupRead> = stream::iter(pieces.into_iter().zip(admissions))
                .map(|((of, piece), admission)| read_piece(to, of, piece, admission))
                .buffered(AT_ONCE)
                .collect()
                .await;
            open = Vec::new();
            for read in reads {
                performed.extend(read.performed);
                open.extend(read.again);
                said.extend(read.said);
            }
        }
        to.conclude(Endpoint::StatusGet, &said).await;
        Ok(performed)
    }
}

/// The result of one request, or of the requests for its consumers one by one.
#[derive(Default)]
struct GroupRead {
    performed: Performed,
    again: Vec<GroupsJob>,
    said: Vec<Observed>,
}

/// Reads the states of a group. If the answer cannot be assigned, or is a refusal, the consumers are asked for one by one.
async fn read_piece(
    to: &BrandAccess<'_>,
    of: (Channel, SubscriptionGroup),
    piece: Vec<GroupsJob>,
    admission: Admission,
) -> GroupRead {
    let mut read = GroupRead::default();
    let mut pending = vec![(piece, admission)];
    while let Some((piece, admission)) = pending.pop() {
        let Some(alone) = read_together(to, &of, piece, admission, &mut read).await else { continue };
        let admissions = to.admit(Endpoint::StatusGet, alone.len()).await;
        pending.extend(alone.into_iter().map(|job| vec![job]).zip(admissions));
    }
    read
}

/// Sends one request. Returns the consumers who are to be asked for one by one.
async fn read_together(
    to: &BrandAccess<'_>,
    (channel, group): &(Channel, SubscriptionGroup),
    piece: Vec<GroupsJob>,
    admission: Admission,
    read: &mut GroupRead,
) -> Option<Vec<GroupsJob>> {
    let now = to.now();
    let client = match ready(to, Endpoint::StatusGet, admission).await {
        Ok(client) => client,
        Err(held_up) => {
            let rest = |job: GroupsJob| job.item.rest_until(held_up, now);
            read.performed.resting.extend(piece.into_iter().map(rest));
            return None;
        }
    };
    let contacts: BTreeSet<String> = piece.iter().filter_map(GroupsJob::contact).collect();
    let contacts: Vec<String> = contacts.into_iter().collect();
    let asked = match channel {
        Channel::Sms => GroupContacts::Phones(&contacts),
        Channel::Email | Channel::Event => GroupContacts::Emails(&contacts),
    };
    let call = to.call(Endpoint::StatusGet, contacts.len(), piece.iter().map(|job| &job.item.participation));
    let answer = client.statuses_of(group.as_str(), asked).await;
    let now = to.now();
    to.record(call, &answer, now);
    read.said.extend(to.hear(Endpoint::StatusGet, &answer, now));
    let asked = asked_wait(&answer, now);
    match answer.result {
        Ok(Statuses::InOrder(states)) => {
            let states: HashMap<String, SubscriptionState> = contacts.into_iter().zip(states).collect();
            for mut job in piece {
                let state = job.contact().and_then(|contact| states.get(&contact)).copied();
                job.item.participation.answered(now);
                job.item.facts.consent_groups.insert(group.clone(), membership(state));
                read.again.push(job);
            }
            None
        }
        Ok(Statuses::Unkeyed) => Some(piece),
        Err(error) if error.next() == AfterError::Refused && piece.len() > 1 => Some(piece),
        Err(error) if error.next() == AfterError::Refused => {
            read.performed.active.extend(piece.into_iter().map(|mut job| {
                job.item.facts.refused = Some(format!("the consumer's subscription cannot be read: {error}"));
                job.item
            }));
            None
        }
        Err(error) => {
            report(to, group, &error);
            let rest = |job: GroupsJob| to.rest_after_failure(job.item, (cause(&error), asked), now);
            read.performed.resting.extend(piece.into_iter().map(rest));
            None
        }
    }
}

fn membership(state: Option<SubscriptionState>) -> GroupMembership {
    match state {
        Some(SubscriptionState::Subscribed) => GroupMembership::Subscribed,
        Some(SubscriptionState::Unsubscribed) => GroupMembership::Unsubscribed,
        Some(SubscriptionState::Unknown) | None => GroupMembership::Unknown,
    }
}
