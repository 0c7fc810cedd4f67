//! `pause` and `resume`: let nobody new take part in an activation, and let people take part again. A running `serve` and the functions look every
//! two seconds.

use anyhow::{Context, ensure};
use domain::Timestamp;
use domain::audit::AuditEntry;
use domain::brand::Brands;
use domain::ids::Scope;
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::json;

use crate::arguments::PauseArguments;
use crate::storage::Opened;
use crate::{brand_terms, console, operator};

pub(crate) async fn pause(arguments: PauseArguments) -> anyhow::Result<()> {
    let (scope, storage, brands) = opened(&arguments).await?;
    let now = SystemClock.now();
    let since = storage.pauses().pause(&scope, now).await?;
    note(&storage, &arguments, ("pause", &scope), now).await?;
    if brands.activation(&scope).is_none() && !has_participations(&storage, &scope).await? {
        console::warn(&format!(
            "nobody has taken part in {scope} so far; is the scope spelled as in the brand file?"
        ));
    }
    if arguments.json {
        console::say(&json!({ "scope": scope.as_str(), "paused_since": since.to_string() }).to_string());
    } else {
        console::say(&format!(
            "{scope}: paused since {since}. Nobody new can take part; who takes part already is processed as usual. \
             `quikly-braze resume {scope}` ends the pause"
        ));
    }
    Ok(())
}

pub(crate) async fn resume(arguments: PauseArguments) -> anyhow::Result<()> {
    let (scope, storage, _brands) = opened(&arguments).await?;
    let since = storage.pauses().resume(&scope).await?;
    ensure!(since.is_some(), "{scope} is not paused");
    note(&storage, &arguments, ("resume", &scope), SystemClock.now()).await?;
    if arguments.json {
        let since = since.map(|since| since.to_string());
        console::say(&json!({ "scope": scope.as_str(), "was_paused_since": since }).to_string());
    } else {
        console::say(&format!("{scope}: people can take part again"));
    }
    Ok(())
}

async fn opened(arguments: &PauseArguments) -> anyhow::Result<(Scope, Opened, Brands)> {
    let scope = Scope::parse(&arguments.scope).context("SCOPE is an activation's scope id")?;
    let environment = arguments.storage.environment.as_deref();
    let brands = brand_terms::brands(arguments.brands.as_deref(), environment).await?;
    // Without brand files nothing is known of the scope.
    ensure!(
        arguments.brands.is_none() || brands.activation(&scope).is_some(),
        "no brand file has the activation {scope}"
    );
    Ok((scope, Opened::open(arguments.storage.clone()).await?, brands))
}

async fn note(
    storage: &Opened,
    arguments: &PauseArguments,
    (what, scope): (&str, &Scope),
    now: Timestamp,
) -> anyhow::Result<()> {
    let entry = AuditEntry::new(now, operator::name(&arguments.operator), what).about([scope.to_string()]);
    Ok(storage.operations().note(&entry).await?)
}

async fn has_participations(storage: &Opened, scope: &Scope) -> anyhow::Result<bool> {
    let figures = storage.reports().activation(scope, &[]).await?;
    Ok(figures.accepted.unwrap_or(0) > 0 || !figures.rollup.is_empty())
}
