//! Reads the subscription states of numbers, and of the addresses of those who take part by e-mail.

use std::collections::{BTreeSet, HashMap};

use braze::{AfterError, GroupContacts, Statuses, SubscriptionState};
use domain::Timestamp;
use domain::decide::Subscription;
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

/// Answers `Subscription`: one request for up to fifty contacts of a group, whatever their activation.
pub(crate) struct Subscriptions;

impl BrazeEndpoint for Subscriptions {
    type Job = (WorkItem, SubscriptionGroup);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let mut performed = Performed::default();
        let mut said = Vec::new();
        let keyed = questions.into_iter().map(|(item, group)| ((item.participation.channel(), group), item));
        for ((channel, group), items) in grouped(keyed) {
            let mut pending = pieces(items, to.access.one_by_one.at_once(&to.brand.id));
            while !pending.is_empty() {
                let admissions = to.admit(Endpoint::StatusGet, pending.len()).await;
                let reads: Vec<StatusRead> = stream::iter(pending.into_iter().zip(admissions))
                    .map(|(piece, admission)| read_piece(to, (channel, &group), piece, admission))
                    .buffered(AT_ONCE)
                    .collect()
                    .await;
                pending = Vec::new();
                for read in reads {
                    performed.extend(read.performed);
                    pending.extend(read.again);
                    said.extend(read.said);
                }
            }
        }
        to.conclude(Endpoint::StatusGet, &said).await;
        Ok(performed)
    }
}

/// The result of one read request.
#[derive(Default)]
struct StatusRead {
    performed: Performed,
    /// Items to be asked for again in smaller pieces.
    again: Vec<Vec<WorkItem>>,
    said: Option<Observed>,
}

async fn read_piece(
    to: &BrandAccess<'_>,
    (channel, group): (Channel, &SubscriptionGroup),
    piece: Vec<WorkItem>,
    admission: Admission,
) -> StatusRead {
    let now = to.now();
    let mut read = StatusRead::default();
    let client = match ready(to, Endpoint::StatusGet, admission).await {
        Ok(client) => client,
        Err(held_up) => {
            read.performed.resting.extend(piece.into_iter().map(|item| item.rest_until(held_up, now)));
            return read;
        }
    };
    let contacts: BTreeSet<String> = piece.iter().filter_map(|item| contact(channel, item)).collect();
    let contacts: Vec<String> = contacts.into_iter().collect();
    let asked_for = match channel {
        Channel::Sms => GroupContacts::Phones(&contacts),
        Channel::Email | Channel::Event => GroupContacts::Emails(&contacts),
    };
    let call = to.call(Endpoint::StatusGet, contacts.len(), piece.iter().map(|item| &item.participation));
    let answer = client.statuses_of(group.as_str(), asked_for).await;
    let now = to.now();
    to.record(call, &answer, now);
    read.said = to.hear(Endpoint::StatusGet, &answer, now);
    let asked = asked_wait(&answer, now);
    match answer.result {
        Ok(Statuses::InOrder(states)) => {
            let states: HashMap<String, SubscriptionState> = contacts.into_iter().zip(states).collect();
            let state = |item: &WorkItem| {
                let contact = contact(channel, item);
                contact
                    .and_then(|contact| states.get(&contact))
                    .copied()
                    .unwrap_or(SubscriptionState::Unknown)
            };
            let learned = piece.into_iter().map(|item| {
                let state = state(&item);
                learn(item, state, now)
            });
            read.performed.active.extend(learned);
        }
        Ok(Statuses::Unkeyed) => {
            to.access.one_by_one.remember(&to.brand.id);
            read.again = pieces(piece, 1);
        }
        Err(error) if error.next() == AfterError::Refused && piece.len() > 1 => {
            let half = piece.len().div_ceil(2);
            read.again = pieces(piece, half);
        }
        Err(error) if error.next() == AfterError::Refused => {
            read.performed.active.extend(piece.into_iter().map(|mut item| {
                item.facts.refused = Some(format!("the subscription cannot be read: {error}"));
                item
            }));
        }
        Err(error) => {
            report(to, group, &error);
            let rest = |item: WorkItem| to.rest_after_failure(item, (cause(&error), asked), now);
            read.performed.resting.extend(piece.into_iter().map(rest));
        }
    }
    read
}

/// The contact whose subscription is asked for.
fn contact(channel: Channel, item: &WorkItem) -> Option<String> {
    let participation = &item.participation;
    match channel {
        Channel::Sms => participation.phone().map(|phone| phone.as_str().to_owned()),
        Channel::Email | Channel::Event => participation.email().map(|email| email.as_str().to_owned()),
    }
}

fn learn(mut item: WorkItem, state: SubscriptionState, now: Timestamp) -> WorkItem {
    item.participation.answered(now);
    item.facts.subscription = Some(match state {
        SubscriptionState::Subscribed => Subscription::Subscribed,
        SubscriptionState::Unsubscribed => Subscription::Unsubscribed,
        SubscriptionState::Unknown => Subscription::NotSubscribed,
    });
    item
}
