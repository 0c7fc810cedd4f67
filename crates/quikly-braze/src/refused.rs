//! `intake`: which requests to take part were refused lately, and why.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use domain::ids::{BrandId, Scope};
use domain::rollup::{NO_ACTIVATION, minute};
use domain::time::earlier;
use ports::Clock;
use ports::clock::SystemClock;
use reports::activation::code_words;
use reports::intake::RefusedRequests;
use reports::plain::shown;
use serde_json::{Value, json};

use crate::arguments::IntakeArguments;
use crate::storage::Opened;
use crate::{brand_terms, console};

/// An activation with its brand; `None` stands for requests that name no activation that there is.
type NamedActivation = Option<(BrandId, Scope)>;

pub(crate) async fn run(arguments: IntakeArguments) -> anyhow::Result<()> {
    let only =
        arguments.brand.as_deref().map(BrandId::parse).transpose().context("--brand is a brand's id")?;
    let environment = arguments.storage.environment.as_deref();
    let brands = brand_terms::brands(arguments.brands.as_deref(), environment).await?;
    ensure!(only.as_ref().is_none_or(|only| brands.brand(only).is_some()), "no brand file has this brand");
    let wanted = brands.iter().filter(|brand| only.as_ref().is_none_or(|only| *only == brand.id));
    let mut activations: Vec<NamedActivation> = wanted
        .flat_map(|brand| brand.activations.keys().map(|scope| Some((brand.id.clone(), scope.clone()))))
        .collect();
    if only.is_none() {
        activations.push(None);
    }
    let storage = Opened::open(arguments.storage).await?;
    let since = earlier(SystemClock.now(), arguments.since);
    let mut refused = Vec::new();
    for activation in activations {
        let nowhere = Scope::parse(NO_ACTIVATION)?;
        let scope = activation.as_ref().map_or(&nowhere, |(_, scope)| scope);
        let figures = storage.reports().figures_since(scope, minute(since)).await?;
        refused.push((activation, RefusedRequests::since(&figures, since)));
    }
    refused.retain(|(_, requests)| requests.total() > 0);
    if arguments.json {
        let refused: Vec<Value> = refused.iter().map(|(of, requests)| as_json(of, requests)).collect();
        console::say(&Value::from(refused).to_string());
    } else if refused.is_empty() {
        console::say(&format!("no request was refused since {since:.0}"));
    } else {
        let texts: Vec<String> = refused.iter().map(|(of, requests)| as_text(of, requests)).collect();
        console::say(&texts.join("\n"));
    }
    Ok(())
}

fn as_text(activation: &NamedActivation, refused: &RefusedRequests) -> String {
    let name = match activation {
        Some((brand, scope)) => format!("{scope} of {brand}"),
        None => "no activation".to_owned(),
    };
    let reasons =
        refused.by_code.iter().map(|(code, count)| format!("\n  {count:>10}  {}", shown(&code_words(code))));
    format!("{name}: {} refused{}", refused.total(), reasons.collect::<String>())
}

fn as_json(activation: &NamedActivation, refused: &RefusedRequests) -> Value {
    let minutes: Vec<Value> = refused
        .by_minute
        .iter()
        .map(|(from, count)| json!({ "from": from.to_string(), "refused": count }))
        .collect();
    json!({
        "brand": activation.as_ref().map(|(brand, _)| brand.as_str()),
        "scope": activation.as_ref().map(|(_, scope)| scope.as_str()),
        "refused": refused.by_code.iter().cloned().collect::<BTreeMap<String, u64>>(),
        "minutes": minutes,
    })
}
