//! `intake`: which requests to take part were refused lately, and why.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use domain::Timestamp;
use domain::ids::{BrandId, Scope};
use domain::rollup::{NO_ACTIVATION, minute};
use domain::time::earlier;
use ports::Clock;
use ports::clock::SystemClock;
use reports::intake::{RefusedRequests, reason};
use reports::language::Language;
use serde_json::{Value, json};

use crate::arguments::IntakeArguments;
use crate::storage::Opened;
use crate::{brand_terms, console};

/// An activation with its brand; `None` stands for requests that name no activation that there is.
type NamedActivation = Option<(BrandId, Scope)>;

pub(crate) async fn run(arguments: IntakeArguments) -> anyhow::Result<()> {
    let only =
        arguments.brand.as_deref().map(BrandId::parse).transpose().context("--brand is a brand's id")?;
    let language = arguments.language.chosen;
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
        console::say(&none_refused(since, language));
    } else {
        let texts: Vec<String> =
            refused.iter().map(|(of, requests)| as_text(of, requests, language)).collect();
        console::say(&texts.join("\n"));
    }
    Ok(())
}

fn none_refused(since: Timestamp, language: Language) -> String {
    match language {
        Language::English => format!("no request was refused since {since:.0}"),
        Language::French => format!("aucune requête n’a été refusée depuis {since:.0}"),
    }
}

fn as_text(activation: &NamedActivation, refused: &RefusedRequests, language: Language) -> String {
    let number = |number: u64| language.number(number);
    let reasons = refused
        .by_code
        .iter()
        .map(|(code, count)| format!("\n  {:>10}  {}", number(*count), reason(code, language)));
    let total = number(refused.total());
    let heading = match (activation, language) {
        (Some((brand, scope)), Language::English) => format!("{scope} of {brand}: {total} refused"),
        (Some((brand, scope)), Language::French) => format!("{scope} de {brand} : {total} refusées"),
        (None, Language::English) => format!("no activation: {total} refused"),
        (None, Language::French) => format!("aucune activation : {total} refusées"),
    };
    format!("{heading}{}", reasons.collect::<String>())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_each_language() {
        let by_code = vec![("activation-closed".to_owned(), 1_200), ("missing".to_owned(), 3)];
        let refused = RefusedRequests { by_code, by_minute: Vec::new() };
        let spring = Some((BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap()));
        let [english, french] = Language::ALL.map(|language| as_text(&spring, &refused, language));
        assert_eq!(
            english,
            "spring of acme: 1,203 refused\n       1,200  activation closed\n           3  missing"
        );
        assert_eq!(
            french.replace(['\u{a0}', '\u{202f}'], " "),
            "spring de acme : 1 203 refusées\n       1 200  activation fermée\n           3  champ manquant"
        );
        let [english, french] = Language::ALL.map(|language| as_text(&None, &refused, language));
        assert!(english.starts_with("no activation: ") && french.starts_with("aucune activation : "));
        let [english, french] = Language::ALL.map(|language| none_refused(Timestamp::UNIX_EPOCH, language));
        assert!(english.starts_with("no request ") && french.starts_with("aucune requête "));
    }
}
