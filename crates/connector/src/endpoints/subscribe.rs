//! Subscribes numbers to groups.

use std::time::Duration;

use braze::{AfterError, GroupPhones, MOST_PHONES, SetEndpoint};
use domain::decide::Written;
use domain::ids::SubscriptionGroup;
use domain::reservation::Observed;
use futures::StreamExt;
use futures::stream;
use ports::limits::Endpoint;

use super::fate::ObjectFate;
use super::phones::{AT_ONCE, grouped, pieces, ready, report};
use super::{BrandAccess, BrazeEndpoint};
use crate::budget::{Admission, asked_wait};
use crate::causes::cause;
use crate::work_item::{Performed, WorkItem};

/// A number to be subscribed.
pub(crate) struct SubscribeJob {
    pub(crate) item: WorkItem,
    pub(crate) group: SubscriptionGroup,
    pub(crate) double_opt_in: bool,
}

/// A number to be subscribed to a group, and every work item that needs it.
struct Wanted {
    group: SubscriptionGroup,
    phone: String,
    items: Vec<WorkItem>,
}

/// Performs `SubscribeNumbers`: up to fifty numbers in a request, whatever their groups, and each number of a
/// group once. A request that Braze refuses is halved until the number or group at fault is found.
pub(crate) struct SubscribeNumbers;

impl BrazeEndpoint for SubscribeNumbers {
    type Job = SubscribeJob;

    async fn perform(to: &BrandAccess<'_>, jobs: Vec<SubscribeJob>) -> ports::Result<Performed> {
        let mut done = Vec::new();
        let mut said = Vec::new();
        for (double_opt_in, jobs) in grouped(jobs.into_iter().map(|job| (job.double_opt_in, job))) {
            let mut pending = pieces(wanted(jobs, &mut done), MOST_PHONES);
            while !pending.is_empty() {
                let admissions = to.admit(Endpoint::StatusSet, pending.len()).await;
                let sets: Vec<SetRequest> = stream::iter(pending.into_iter().zip(admissions))
                    .map(|(piece, admission)| set_piece(to, double_opt_in, piece, admission))
                    .buffered(AT_ONCE)
                    .collect()
                    .await;
                pending = Vec::new();
                for SetRequest { piece, fate, said: heard } in sets {
                    said.extend(heard);
                    match fate {
                        Some(fate) => {
                            let items = piece.into_iter().flat_map(|wanted| wanted.items);
                            done.extend(items.map(|item| take_in(to, item, &fate)));
                        }
                        None => {
                            let half = piece.len().div_ceil(2);
                            pending.extend(pieces(piece, half));
                        }
                    }
                }
            }
        }
        to.conclude(Endpoint::StatusSet, &said).await;
        Ok(Performed { active: done, resting: Vec::new() })
    }
}

/// The numbers to subscribe, group by group. A participation without a number is done, since there is nothing
/// to subscribe.
fn wanted(jobs: Vec<SubscribeJob>, done: &mut Vec<WorkItem>) -> Vec<Wanted> {
    let mut of_number = Vec::with_capacity(jobs.len());
    for SubscribeJob { mut item, group, .. } in jobs {
        match item.participation.phone().map(|phone| phone.as_str().to_owned()) {
            Some(phone) => of_number.push(((group, phone), item)),
            None => {
                let reason = "there is no number to subscribe".to_owned();
                item.facts.written = Some(Written::Refused { reason });
                done.push(item);
            }
        }
    }
    let wanted = |((group, phone), items)| Wanted { group, phone, items };
    grouped(of_number).into_iter().map(wanted).collect()
}

/// The numbers in the form of a request, by group.
fn by_group(piece: &[Wanted]) -> Vec<GroupPhones> {
    let by_group = grouped(piece.iter().map(|wanted| (wanted.group.as_str(), wanted.phone.clone())));
    by_group.into_iter().map(|(group, phones)| GroupPhones { group: group.to_owned(), phones }).collect()
}

/// The result of one write request.
struct SetRequest {
    piece: Vec<Wanted>,
    /// The outcome for all its numbers; `None` if the request is to be split.
    fate: Option<ObjectFate>,
    said: Option<Observed>,
}

async fn set_piece(
    to: &BrandAccess<'_>,
    double_opt_in: bool,
    piece: Vec<Wanted>,
    admission: Admission,
) -> SetRequest {
    let client = match ready(to, Endpoint::StatusSet, admission).await {
        Ok(client) => client,
        Err((cause, until)) => {
            return SetRequest { piece, fate: Some(ObjectFate::NotBefore(cause, until)), said: None };
        }
    };
    let groups = by_group(&piece);
    let about = piece.iter().flat_map(|wanted| &wanted.items).map(|item| &item.participation);
    let call = to.call(Endpoint::StatusSet, piece.len(), about);
    let answer = client.subscribe(SetEndpoint::V2, &groups, double_opt_in).await;
    let now = to.now();
    to.record(call, &answer, now);
    let said = to.hear(Endpoint::StatusSet, &answer, now);
    let asked = asked_wait(&answer, now);
    let fate = match answer.result {
        Ok(_) => Some(ObjectFate::Done),
        // A group that does not exist must not hold up the others.
        Err(braze::Error::UnknownGroup) if groups.len() > 1 => None,
        Err(error) => {
            if let Some(wanted) = piece.first() {
                report(to, &wanted.group, &error);
            }
            failed(&error, asked, piece.len())
        }
    };
    SetRequest { piece, fate, said }
}

/// The outcome for the numbers of a request that failed; `None` if the request is to be split.
fn failed(error: &braze::Error, asked: Option<Duration>, numbers: usize) -> Option<ObjectFate> {
    match error.next() {
        AfterError::Retry { .. } | AfterError::Configuration => {
            Some(ObjectFate::NotDone(cause(error), asked))
        }
        AfterError::Unknown => Some(ObjectFate::Unknown(cause(error), asked)),
        AfterError::Refused if numbers > 1 => None,
        AfterError::Refused => Some(ObjectFate::Refused(format!("Braze refused the number: {error}"))),
    }
}

fn take_in(to: &BrandAccess<'_>, mut item: WorkItem, fate: &ObjectFate) -> WorkItem {
    item.facts.written = Some(fate.written(&mut item, &*to.access.deps.chance, to.now()));
    item
}

#[cfg(test)]
mod tests {
    use domain::participation::Cause;

    use super::*;

    #[test]
    fn a_request_that_is_refused_is_split_until_one_number_is_left() {
        let refused = braze::Error::TooLarge { status: http::StatusCode::PAYLOAD_TOO_LARGE };
        assert_eq!(failed(&refused, None, 2), None);
        assert!(matches!(failed(&refused, None, 1), Some(ObjectFate::Refused(_))));
    }

    #[test]
    fn a_request_that_may_have_been_accepted_is_not_called_undone() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(
            failed(&braze::Error::Unreadable, asked, 2),
            Some(ObjectFate::Unknown(Cause::AnswerLost, asked))
        );
        assert_eq!(
            failed(&braze::Error::UnknownGroup, asked, 2),
            Some(ObjectFate::NotDone(Cause::UnknownGroup, asked))
        );
    }
}
