//! How an activation stands, in a few figures. `report` has all of them.

use std::fmt::Write;

use anyhow::Context;
use domain::ids::Scope;
use ports::Clock;
use ports::clock::SystemClock;
use reports::activation::ActivationReport;
use reports::language::Language;
use serde_json::{Value, json};

use crate::arguments::StorageArguments;
use crate::storage::Opened;
use crate::{brand_terms, console};

pub(super) async fn run(
    storage: StorageArguments,
    scope: &str,
    language: Language,
    as_json: bool,
) -> anyhow::Result<()> {
    let scope = Scope::parse(scope).context("--scope is an activation's scope id")?;
    let brands = brand_terms::brands(None, storage.environment.as_deref()).await?;
    let activation = brands.activation(&scope).map(|(_, activation)| activation);
    let figures = Opened::open(storage).await?.reports().activation(&scope, &[]).await?;
    let report = ActivationReport::new(&scope, &figures, activation, SystemClock.now());
    let report = report.with_context(|| {
        format!("nobody took part in {scope}; is the scope spelled as in the brand file?")
    })?;
    if as_json {
        console::say(&json(&report).to_string());
    } else {
        console::say(text(&report, language).trim_end());
    }
    Ok(())
}

fn json(report: &ActivationReport) -> Value {
    let incentive = |one: &reports::activation::IncentiveReport| json!({ "id": one.id.as_str(), "given": one.given, "held": one.held, "left": one.left(), "waiting": one.waiting });
    json!({
        "scope": report.scope.as_str(),
        "at": report.at.to_string(),
        "paused_since": report.paused_since.map(|since| since.to_string()),
        "accepted": report.funnel.accepted,
        "under_way": report.funnel.under_way(),
        "credited": report.funnel.credited,
        "rewarded": report.funnel.rewarded,
        "incentives": report.incentives.iter().map(incentive).collect::<Vec<_>>(),
    })
}

fn text(report: &ActivationReport, language: Language) -> String {
    let number = |count: u64| language.number(count);
    let funnel = &report.funnel;
    let (accepted, credited) = (number(funnel.accepted), number(funnel.credited));
    let (under_way, rewarded) = (number(funnel.under_way()), number(funnel.rewarded));
    let scope = &report.scope;
    let mut text = match language {
        Language::English => {
            format!(
                "{scope}: took part {accepted}, under way {under_way}, credited {credited}, rewarded {rewarded}\n"
            )
        }
        Language::French => {
            format!(
                "{scope} : participations {accepted}, en cours {under_way}, créditées {credited}, récompensées {rewarded}\n"
            )
        }
    };
    if let Some(since) = report.paused_since {
        let _always = writeln!(text, "  {}", language.paused(since, report.at));
    }
    for one in &report.incentives {
        let [given, held, waiting] = [one.given, one.held, one.waiting].map(|count| number(count.into()));
        let left = one.left().map(|left| number(left.into()));
        let _always = match language {
            Language::English => {
                let left = left.map(|left| format!(", {left} left")).unwrap_or_default();
                writeln!(text, "  {}: {given} given, {held} held{left}, {waiting} in line", one.id)
            }
            Language::French => {
                let left = left.map(|left| format!(", reste {left}")).unwrap_or_default();
                writeln!(text, "  {} : donnés {given}, réservés {held}{left}, en attente {waiting}", one.id)
            }
        };
    }
    text
}
