//! The question whether Braze shows a profile yet that it was just asked to build. It makes a flow faster, and the flow goes on without
//! an answer, so look-ups go first: the question is put only while no look-up waits for a slot, and a question that gets no answer is
//! dropped.

use domain::profile::ProfileRef;

use super::export::ask_all;
use super::look_up::{confirm, gone_unless_found, together};
use super::{BrandAccess, BrazeEndpoint, translate};
use crate::work_item::{Performed, WorkItem};

/// Answers `Built`, with as many profiles in a request as Braze accepts. Without an answer a profile counts as not shown.
pub(crate) struct BuiltProfiles;

impl BrazeEndpoint for BuiltProfiles {
    type Job = (WorkItem, ProfileRef);

    async fn perform(to: &BrandAccess<'_>, questions: Vec<Self::Job>) -> ports::Result<Performed> {
        let questions: Vec<Self::Job> = questions.into_iter().map(gone_unless_found).collect();
        if to.access.scarce.is_so_at(&to.brand.id, to.now()) {
            return Ok(Performed::goes_on(questions.into_iter().map(|(item, _)| item).collect()));
        }
        let requests = together(questions);
        let (mut performed, refused) = ask_all(to, requests, translate::fields_of(to.brand), confirm).await;
        performed.active.extend(refused.into_iter().map(|(item, _)| item));
        performed.active.iter_mut().for_each(|item| item.facts.refused = None);
        // A participation that got no answer waits as before. It does not wait for a slot, and no failure is counted.
        let dropped = std::mem::take(&mut performed.resting);
        performed.active.extend(dropped.into_iter().map(WorkItem::undone));
        Ok(performed)
    }
}
