//! `find`: the participations of one consumer, or those with an id, a code, a number or a place. The ids of a consumer are keyed hashes of the
//! contact, so the cost does not depend on how many participations there are.

mod by_contact;
mod by_search;

use anyhow::{Context, ensure};
use domain::brand::Brands;
use domain::ids::{ParticipationId, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use ports::inspection::InspectedParticipation;
use reports::language::Language;
use serde_json::{Value, json};

use crate::arguments::Find;
use crate::storage::Opened;
use crate::{brand_terms, console, show};

/// How many ids are looked up at once.
const AT_ONCE: usize = 16;

/// What is looked for.
enum FoundBy {
    Contact(Vec<domain::contact::Contact>),
    Id(ParticipationId),
    Code(String),
    Line(by_search::WantedLine),
}

/// The ids that may be the ones, and why there may be none.
struct Candidates {
    ids: Vec<ParticipationId>,
    /// The message if nothing is stored under them.
    otherwise: String,
}

pub(crate) async fn run(arguments: Find) -> anyhow::Result<()> {
    let language = arguments.language.chosen;
    let scope = arguments.scope.as_deref().map(Scope::parse).transpose().context("--scope is a scope id")?;
    let wanted = FoundBy::of(&arguments)?;
    let brands =
        brand_terms::brands(arguments.brands.as_deref(), arguments.storage.environment.as_deref()).await?;
    let opened = Opened::open(arguments.storage).await?;
    let candidates = match &wanted {
        FoundBy::Contact(contacts) => {
            ensure!(
                scope.as_ref().is_none_or(|scope| brands.activation(scope).is_some()),
                "no brand file has this activation"
            );
            let ids = by_contact::ids(&brands, scope.as_ref(), contacts, &opened.id_key().await?);
            Candidates { ids: ids.into_iter().collect(), otherwise: by_contact::nobody(language).to_owned() }
        }
        FoundBy::Id(id) => Candidates { ids: vec![*id], otherwise: by_search::no_such_id(*id, language) },
        FoundBy::Code(code) => {
            by_search::of_code(&opened, &brands, (scope.as_ref(), code), arguments.scan, language).await?
        }
        FoundBy::Line(line) => {
            let scope = scope.as_ref().context("--scope is missing")?;
            by_search::of_line(&opened, &brands, (scope, line), arguments.scan, language).await?
        }
    };
    let inspection = opened.inspection();
    let asked = stream::iter(candidates.ids).map(|id| inspection.inspect(id)).buffer_unordered(AT_ONCE);
    let found: Vec<Option<InspectedParticipation>> = asked.try_collect().await?;
    let in_scope =
        |one: &InspectedParticipation| scope.as_ref().is_none_or(|scope| one.participation.scope() == scope);
    let mut found: Vec<InspectedParticipation> = found.into_iter().flatten().filter(in_scope).collect();
    found.sort_by_key(|one| one.participation.accepted_at());
    if arguments.json {
        let found: Vec<Value> = found.iter().map(|one| as_json(one, &brands)).collect();
        console::say(&Value::from(found).to_string());
    } else if found.is_empty() {
        console::say(&candidates.otherwise);
    } else {
        let texts: Vec<String> = found.iter().map(|one| as_text(one, &brands, language)).collect();
        console::say(&texts.join("\n\n"));
    }
    Ok(())
}

impl FoundBy {
    fn of(arguments: &Find) -> anyhow::Result<Self> {
        if let Some(id) = &arguments.id {
            let id =
                ParticipationId::parse(id).context("--id is a participation's id: 32 hexadecimal digits")?;
            return Ok(Self::Id(id));
        }
        if let Some(code) = &arguments.code {
            return Ok(Self::Code(crate::forget::given(code, "code")?));
        }
        match by_search::WantedLine::of(arguments)? {
            Some(line) => Ok(Self::Line(line)),
            None => Ok(Self::Contact(by_contact::contacts(arguments)?)),
        }
    }
}

fn as_text(inspected: &InspectedParticipation, brands: &Brands, language: Language) -> String {
    let participation = &inspected.participation;
    let (answer, _) = show::answered(inspected, brands);
    format!(
        "{} {} {} {} {}\n  {}",
        participation.id(),
        participation.scope(),
        participation.channel().name(),
        participation.accepted_at(),
        participation.state().name(),
        answer.text(language)
    )
}

fn as_json(inspected: &InspectedParticipation, brands: &Brands) -> Value {
    let participation = &inspected.participation;
    let (answer, _) = show::answered(inspected, brands);
    let award = inspected.award.as_ref();
    json!({
        "id": participation.id().to_string(),
        "scope": participation.scope().as_str(),
        "channel": participation.channel().name(),
        "accepted_at": participation.accepted_at().to_string(),
        "state": participation.state().name(),
        "arrival": award.and_then(|award| award.arrival),
        "position": award.and_then(|award| award.place()),
        "answer": { "en": answer.text(Language::English), "fr": answer.text(Language::French) },
    })
}
