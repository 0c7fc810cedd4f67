//! `dead`: lists parked work, and retries it.

use std::collections::BTreeSet;

use domain::audit::AuditEntry;
use domain::ids::BrandId;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::{Dead, Which};
use reports::language::Language;
use reports::parked;
use serde_json::{Value, json};

use crate::arguments::{self, Filter};
use crate::console;
use crate::operator;
use crate::storage::Opened;

pub(crate) async fn run(arguments: arguments::DeadCommand) -> anyhow::Result<()> {
    match arguments {
        arguments::DeadCommand::List(listing) => {
            let which = which(Vec::new(), listing.filter)?;
            let mut dead = Opened::open(listing.storage).await?.operations().dead().await?;
            dead.retain(|dead| which.means(dead));
            say(&dead, "parked", (!listing.json).then_some(listing.language.chosen));
            if !listing.json {
                remedies(&dead, listing.language.chosen);
            }
        }
        arguments::DeadCommand::Retry(retry) => {
            let which = which(retry.ids, retry.filter)?;
            let storage = Opened::open(retry.storage).await?;
            let now = SystemClock.now();
            let revived = storage.operations().retry(&which, now).await?;
            let entry = AuditEntry::new(now, operator::name(&retry.operator), "dead retry");
            let entry = entry.about(revived.iter().map(|dead| dead.id.clone()));
            storage.operations().note(&entry.with(format!("{} are tried again", revived.len()))).await?;
            let missing: Vec<&String> =
                which.ids.iter().filter(|id| !revived.iter().any(|dead| dead.id == **id)).collect();
            say(&revived, "to be tried again", (!retry.json).then_some(Language::English));
            anyhow::ensure!(missing.is_empty(), "not parked, so not tried again: {missing:?}");
        }
    }
    Ok(())
}

fn which(ids: Vec<String>, filter: Filter) -> anyhow::Result<Which> {
    let brand = filter.brand.as_deref().map(BrandId::parse).transpose()?;
    Ok(Which { ids, kind: filter.kind, brand })
}

/// Prints the work as lines in a language, or as JSON.
fn say(dead: &[Dead], what: &str, language: Option<Language>) {
    let Some(language) = language else {
        console::say(&Value::from_iter(dead.iter().map(json)).to_string());
        return;
    };
    for dead in dead {
        let brand = dead.brand.as_ref().map_or("-", BrandId::as_str);
        console::say(&format!(
            "{}  {}  {brand}  {} participation(s)",
            dead.id,
            dead.kind,
            dead.participations.len()
        ));
        console::say(&format!("  {}", parked::why(dead, language)));
    }
    console::say(&format!("{} {what}", dead.len()));
}

/// Says once what to do about each cause.
fn remedies(dead: &[Dead], language: Language) {
    let remedies: BTreeSet<&str> = dead.iter().map(|dead| parked::what_to_do(dead, language)).collect();
    remedies.into_iter().for_each(console::say);
}

fn json(dead: &Dead) -> Value {
    let participations: Vec<String> = dead.participations.iter().map(ToString::to_string).collect();
    json!({
        "id": dead.id,
        "kind": dead.kind,
        "brand": dead.brand.as_ref().map(BrandId::as_str),
        "participations": participations,
        "attempts": dead.attempts,
        "last_answer": dead.last_answer.map(|last| json!({ "answer": last.kind.name(), "at": last.at.to_string() })),
        "why": { "en": parked::why(dead, Language::English), "fr": parked::why(dead, Language::French) },
        "what_to_do": {
            "en": parked::what_to_do(dead, Language::English), "fr": parked::what_to_do(dead, Language::French),
        },
    })
}
