//! The roll-ups. Each update costs as many units as the whole item has kilobytes, so the figures of one minute of one activation are an
//! item of their own in the table of ledgers. Each figure is an attribute.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::ids::{Channel, IncentiveId, Scope};
use domain::participation::Participation;
use domain::rollup::{Rollup, RollupKey, minute};
use ports::store::Saved;
use ports::{Error, Result, Rollups};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, text};
use crate::dynamo::pages::all_items;

/// How many figures one update adds. An update expression has at most 4 KB (DynamoDB).
const MOST_FIGURES: usize = 100;

/// The key of an activation's figures. No ledger's name has three words, except that of a pool, which begins otherwise.
fn name(scope: &Scope) -> String {
    format!("rollups of {scope}")
}

/// The name of a figure's attribute: minute, channel, incentive and what is counted.
fn attribute(key: &RollupKey) -> String {
    let minute = key.minute.map(|minute| minute.to_string()).unwrap_or_default();
    let incentive = key.incentive.as_ref().map_or("", IncentiveId::as_str);
    format!("{minute} {} {incentive} {}", key.channel.name(), key.name)
}

/// What an attribute counts; `None` if it is no figure, or one that only a newer version knows.
fn figure(scope: &Scope, attribute: &str) -> Option<RollupKey> {
    let mut words = attribute.splitn(4, ' ');
    let (minute, channel, incentive, name) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(RollupKey {
        scope: scope.clone(),
        minute: if minute.is_empty() { None } else { Some(minute.parse().ok()?) },
        channel: Channel::named(channel)?,
        incentive: IncentiveId::parse(incentive).ok(),
        name: name.to_owned(),
    })
}

fn add_item(rollup: &mut Rollup, scope: &Scope, item: &Item) {
    for (attribute, value) in item {
        let AttributeValue::N(count) = value else { continue };
        if let (Some(key), Ok(count)) = (figure(scope, attribute), count.parse()) {
            rollup.add(key, count);
        }
    }
}

impl Dynamo {
    /// Adds figures to the item of a minute. An update whose answer is lost is not repeated, since it would count twice.
    async fn add_figures(&self, (scope, minute): (&Scope, i64), figures: &[(String, u64)]) -> Result<()> {
        let mut update = self.client.update_item().table_name(&self.tables.ledgers);
        update = update.key("ledger", text(name(scope))).key("line", text(minute.to_string()));
        let mut terms = Vec::with_capacity(figures.len());
        for (index, (attribute, count)) in figures.iter().enumerate() {
            terms.push(format!("#n{index} :n{index}"));
            update = update
                .expression_attribute_names(format!("#n{index}"), attribute)
                .expression_attribute_values(format!(":n{index}"), number(count));
        }
        update = update.update_expression(format!("ADD {}", terms.join(", ")));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let updated = update.customize().config_override(once).send().await;
        updated.map(|_| ()).map_err(|error| Error::unavailable("counting in roll-ups", error))
    }

    /// Adds the figures of those participations that were saved. A failure does not undo the saves.
    pub(crate) async fn count_saved(
        &self,
        participations: &[Participation],
        rollups: &[Rollup],
        saves: &[Result<Saved>],
    ) {
        let mut reached = Rollup::default();
        for (rollup, saved) in rollups.iter().zip(saves) {
            if matches!(saved, Ok(Saved::Saved)) {
                reached.merge(rollup);
            }
        }
        let Some(now) = participations.iter().map(Participation::updated_at).max() else { return };
        if let Err(error) = self.add_rollup(&reached, now).await {
            tracing::warn!(event = "aws.rollups_lost", %error, "Some figures for reports could not be stored. The participations that they count are stored.");
        }
    }
}

#[async_trait]
impl Rollups for Dynamo {
    async fn add_rollup(&self, rollup: &Rollup, now: Timestamp) -> Result<()> {
        let mut by_scope: BTreeMap<&Scope, Vec<(String, u64)>> = BTreeMap::new();
        for (key, count) in rollup.iter() {
            by_scope.entry(&key.scope).or_default().push((attribute(key), count));
        }
        for (scope, figures) in by_scope {
            for some in figures.chunks(MOST_FIGURES) {
                self.add_figures((scope, minute(now)), some).await?;
            }
        }
        Ok(())
    }

    async fn rollup(&self, scope: &Scope) -> Result<Rollup> {
        const DOING: &str = "reading roll-ups";
        let query = self.client.query().table_name(&self.tables.ledgers);
        let query = query
            .key_condition_expression("ledger = :ledger")
            .expression_attribute_values(":ledger", text(name(scope)));
        let mut rollup = Rollup::default();
        for item in all_items(query, DOING).await? {
            add_item(&mut rollup, scope, &item);
        }
        Ok(rollup)
    }
}
