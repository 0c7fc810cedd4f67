//! Participations whose terms are missing: the brand's file cannot be used, or no longer has the activation,
//! event or channel.
//!
//! A broken file is repaired sooner or later, so no participation of its brand is given up. What is missing
//! in a usable file may be missing by mistake, so its participations wait for a day. Then they end, their
//! places are released, and Quikly gets a callback.

use std::time::Duration;

use domain::Timestamp;
use domain::award::Resolution;
use domain::brand::Brand;
use domain::decide::Step;
use domain::ids::BrandId;
use domain::participation::Outcome;
use domain::time::later;

use crate::award;
use crate::connector::Connector;
use crate::work_item::WorkItem;

/// How long participations wait before they are processed again while their brand's file cannot be used.
pub(crate) const WHILE_BROKEN: Duration = Duration::from_secs(600);

/// How long participations wait before they are processed again while their terms are missing.
const WHILE_GONE: Duration = Duration::from_secs(3_600);

/// Terms that are missing for this long are gone for good.
const GONE_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Which terms are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The brand's file cannot be used.
    Broken,
    /// No file describes the brand.
    Brand,
    /// The brand does not have the activation.
    Activation,
    /// The activation does not allow this way of taking part.
    Way(&'static str),
}

impl Missing {
    fn reason(self) -> String {
        match self {
            Self::Broken => "the brand's file cannot be used".to_owned(),
            Self::Brand => "the brand was removed from the configuration".to_owned(),
            Self::Activation => "the activation was removed from the brand's file".to_owned(),
            Self::Way(way) => format!("the activation no longer takes {way}"),
        }
    }
}

/// Lets participations wait for their terms, or ends them and resolves their awards.
pub(crate) async fn rest(
    connector: &Connector,
    (id, brand): (&BrandId, Option<&Brand>),
    items: Vec<(WorkItem, Missing)>,
) -> ports::Result<Vec<WorkItem>> {
    let now = connector.deps.clock.now();
    let (mut resting, mut ended) = (Vec::with_capacity(items.len()), Vec::new());
    for (mut item, missing) in items {
        log(connector, &item, missing, now);
        match until(&mut item, missing, now) {
            Some(until) => {
                item.participation.put_off(until, now);
                resting.push(item);
            }
            None if item.participation.state().is_end() => ended.push(item),
            None => {
                item.apply(&Step::Done(Outcome::Failed { reason: missing.reason() }), now);
                ended.push(item);
            }
        }
    }
    let resolution = |item: &WorkItem| match item.participation.earned_at() {
        Some(_) => Resolution::Credit,
        None => Resolution::Release,
    };
    let unresolved = |item: &WorkItem| item.facts.award.as_ref().is_some_and(|award| !award.is_resolved());
    let (open, settled): (Vec<WorkItem>, Vec<WorkItem>) = ended.into_iter().partition(unresolved);
    let jobs =
        open.into_iter().map(|item| (resolution(&item), item)).map(|(resolution, item)| (item, resolution));
    let open = award::resolve_under(connector, (id, brand), jobs.collect()).await?;
    for mut item in settled.into_iter().chain(open) {
        item.participation.apply(&Step::Rest, now);
        resting.push(item);
    }
    Ok(resting)
}

/// Until when a participation is put off; `None` once its terms are gone for good.
fn until(item: &mut WorkItem, missing: Missing, now: Timestamp) -> Option<Timestamp> {
    if missing == Missing::Broken {
        return Some(later(now, WHILE_BROKEN));
    }
    let since = item.participation.lacks_terms(now);
    let gone = later(since, GONE_AFTER);
    (now < gone).then(|| later(now, WHILE_GONE).min(gone))
}

/// Writes one line a minute for all participations of an activation.
fn log(connector: &Connector, item: &WorkItem, missing: Missing, now: Timestamp) {
    let (brand, scope) = (&item.participation.brand(), &item.participation.scope());
    let repeats = connector.deps.troubles.repeats();
    if let Some(line) = repeats.line("connector.no_terms", &format!("{brand} {scope} {missing:?}"), now) {
        tracing::warn!(
            event = "connector.no_terms", %brand, %scope, times = line.times, since = %line.since, why = missing.reason(),
            "Participations wait for missing terms. They end after a day, but not while the brand's file cannot be used."
        );
    }
}

#[cfg(test)]
#[path = "without_terms_tests.rs"]
mod tests;
