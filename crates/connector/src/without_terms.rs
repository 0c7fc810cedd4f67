//! Participations whose terms are not there: a file that cannot be used, or something that is not in its brand's file any more.
//!
//! A broken file is repaired sooner or later, so nothing of its brand is given up. What is gone from a file that can be used may be gone
//! by mistake: for a day its participations wait. Then they end, what was kept for them is released, and Quikly is told.

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

/// So often those are looked at whose brand's file cannot be used.
pub(crate) const WHILE_BROKEN: Duration = Duration::from_secs(600);

/// So often those are looked at whose terms are gone.
const WHILE_GONE: Duration = Duration::from_secs(3_600);

/// What is gone for so long is gone for good.
const GONE_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Which terms are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The brand's file cannot be used.
    Broken,
    /// No file has the brand.
    Brand,
    /// The brand does not have the activation.
    Activation,
    /// The activation does not take this.
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

/// Lets participations wait for their terms, or ends them and settles what hangs on them.
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

/// Until when a participation is left as it is; `None` once its terms are gone for good.
fn until(item: &mut WorkItem, missing: Missing, now: Timestamp) -> Option<Timestamp> {
    if missing == Missing::Broken {
        return Some(later(now, WHILE_BROKEN));
    }
    let since = item.participation.lacks_terms(now);
    let gone = later(since, GONE_AFTER);
    (now < gone).then(|| later(now, WHILE_GONE).min(gone))
}

/// One line a minute for all of an activation.
fn log(connector: &Connector, item: &WorkItem, missing: Missing, now: Timestamp) {
    let (brand, scope) = (&item.participation.brand(), &item.participation.scope());
    let repeats = connector.deps.troubles.repeats();
    if let Some(line) = repeats.line("connector.no_terms", &format!("{brand} {scope} {missing:?}"), now) {
        tracing::warn!(
            event = "connector.no_terms", %brand, %scope, times = line.times, since = %line.since, why = missing.reason(),
            "Participations wait for terms that are missing; what is gone for a day ends them, a file that cannot be used does not."
        );
    }
}

#[cfg(test)]
#[path = "without_terms_tests.rs"]
mod tests;
