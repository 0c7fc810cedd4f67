//! Awards: credits and releases many participations of a ledger in one transaction, and draws raffles after
//! their close.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::award::{Award, Resolution};
use domain::brand::Brand;
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::ledger::{Resolved, Rules, is_decided_by_number};
use domain::message::QueueName;
use ports::store::MOST_ITEMS;

use crate::connector::Connector;
use crate::reschedule;
use crate::work_item::WorkItem;

/// Gives back the places of participations that cannot go on.
pub(crate) async fn release(
    connector: &Connector,
    brand: &Brand,
    ids: &[ParticipationId],
) -> ports::Result<()> {
    let mut by_ledger: BTreeMap<LedgerKey, Vec<(ParticipationId, Resolution)>> = BTreeMap::new();
    for award in connector.deps.ledger.awards(ids).await?.found {
        if !award.is_resolved() {
            by_ledger.entry(award.ledger).or_default().push((award.id, Resolution::Release));
        }
    }
    for (ledger, resolutions) in by_ledger {
        let rules = Rules::of(brand, &ledger, &connector.id_key);
        let now = connector.deps.clock.now();
        let resolved = connector.deps.ledger.resolve(&rules, &resolutions, now).await?;
        announce(connector, &brand.id, &ledger, &resolved).await;
    }
    Ok(())
}

/// Performs `Resolve` for each work item: up to a hundred of one ledger in a call, in the order of
/// acceptance.
pub(crate) async fn resolve(
    connector: &Connector,
    brand: &Brand,
    jobs: Vec<(WorkItem, Resolution)>,
) -> ports::Result<Vec<WorkItem>> {
    resolve_under(connector, (&brand.id, Some(brand)), jobs).await
}

/// Does the same for a brand that may no longer be configured. If it is not, nothing is given, reserved
/// places are released, and no callback is sent.
pub(crate) async fn resolve_under(
    connector: &Connector,
    (id, brand): (&BrandId, Option<&Brand>),
    jobs: Vec<(WorkItem, Resolution)>,
) -> ports::Result<Vec<WorkItem>> {
    let mut by_ledger: BTreeMap<LedgerKey, Vec<(WorkItem, Resolution)>> = BTreeMap::new();
    for (item, resolution) in jobs {
        // Only a participation with an award is resolved.
        let Some(award) = &item.facts.award else { continue };
        by_ledger.entry(award.ledger.clone()).or_default().push((item, resolution));
    }
    let mut done = Vec::new();
    for (ledger, jobs) in by_ledger {
        let rules = match brand {
            Some(brand) => Rules::of(brand, &ledger, &connector.id_key),
            None => Rules::without_brand(ledger.clone()),
        };
        let mut jobs = by_number(connector, &rules, jobs, &mut done).await?;
        for some in jobs.chunks_mut(MOST_ITEMS) {
            let resolutions: Vec<(ParticipationId, Resolution)> =
                some.iter().map(|(item, resolution)| (item.participation.id(), *resolution)).collect();
            let now = connector.deps.clock.now();
            let resolved = connector.deps.ledger.resolve(&rules, &resolutions, now).await?;
            announce(connector, id, &ledger, &resolved).await;
            let mut awards: HashMap<ParticipationId, Award> =
                resolved.awards.into_iter().map(|award| (award.id, award)).collect();
            for (item, _) in some {
                let award = awards.remove(&item.participation.id());
                item.line_is_unsaved &= award.is_none();
                item.facts.award = award.or_else(|| item.facts.award.take());
            }
        }
        done.extend(jobs.into_iter().map(|(item, _)| item));
    }
    Ok(done)
}

/// Credits those whose numbers alone decide what they get. Each of their lines is stored when the participation is saved. Returns the others.
async fn by_number(
    connector: &Connector,
    rules: &Rules,
    jobs: Vec<(WorkItem, Resolution)>,
    done: &mut Vec<WorkItem>,
) -> ports::Result<Vec<(WorkItem, Resolution)>> {
    let Some(numbers) = connector.deps.ledger.numbers() else { return Ok(jobs) };
    let is_decided = |(item, resolution): &(WorkItem, Resolution)| {
        item.facts.award.as_ref().is_some_and(|award| is_decided_by_number(rules, award, *resolution))
    };
    let (mut decided, mut others): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_decided);
    while !decided.is_empty() {
        let rest = decided.split_off(decided.len().min(MOST_ITEMS));
        let lines: Vec<Award> = decided.iter().filter_map(|(item, _)| item.facts.award.clone()).collect();
        let mut resolved = numbers.credit(rules, &lines, connector.deps.clock.now()).await?;
        let mut credited: HashMap<ParticipationId, Award> =
            resolved.awards.drain(..).map(|award| (award.id, award)).collect();
        if let Some((item, _)) = decided.first() {
            announce(connector, item.participation.brand(), &rules.ledger, &resolved).await;
        }
        for (mut item, resolution) in std::mem::replace(&mut decided, rest) {
            match credited.remove(&item.participation.id()) {
                Some(award) => {
                    item.facts.award = Some(award);
                    item.line_is_unsaved = true;
                    done.push(item);
                }
                // Its number was reclaimed.
                None => others.push((item, resolution)),
            }
        }
    }
    Ok(others)
}

/// Records that participations were processed since their awards changed.
pub(crate) async fn noted(connector: &Connector, ids: &[ParticipationId]) -> ports::Result<()> {
    for some in ids.chunks(MOST_ITEMS) {
        connector.deps.ledger.noted(some).await?;
    }
    Ok(())
}

/// Sends messages to the participations and the dispatcher that a resolution concerns.
pub(crate) async fn announce(
    connector: &Connector,
    brand: &BrandId,
    ledger: &LedgerKey,
    resolved: &Resolved,
) {
    if !resolved.moved_up.is_empty() {
        reschedule::now(&connector.deps, QueueName::EmailEnrollments, brand, &resolved.moved_up).await;
    }
    connector.callbacks_are_made(&resolved.callbacks);
    for (pool, left) in resolved.low.iter().collect::<BTreeSet<_>>() {
        let scope = &ledger.scope;
        if *left == 0 {
            tracing::info!(event = "connector.codes_given", brand = %brand, %scope, pool, "Every code is given out.");
        } else {
            tracing::warn!(event = "connector.codes_low", brand = %brand, %scope, pool, left, "A tenth of the codes is left.");
        }
    }
    for pool in resolved.owed.iter().collect::<BTreeSet<_>>() {
        let scope = &ledger.scope;
        if let Some(line) = connector.line("connector.codes_gone", &format!("{} {pool}", brand)) {
            tracing::error!(event = "connector.codes_gone", brand = %brand, %scope, pool, times = line.times, "A consumer who is credited is owed a code; add codes to the file and have it read again (SIGHUP, or serve --watch).");
        }
    }
}
