//! `show`: everything that is known of one participation, and first of all the answer why it has a reward or not.

mod as_json;
mod as_text;

use anyhow::Context;
use domain::Timestamp;
use domain::brand::Brands;
use domain::ids::ParticipationId;
use ports::Clock;
use ports::clock::SystemClock;
use ports::inspection::InspectedParticipation;
use reports::answer::{AnswerFacts, Explanation, Sibling, answer};
use reports::calls::CallsAbout;

use crate::arguments::Show;
use crate::brand_terms;
use crate::console;
use crate::storage::Opened;

/// What `show` prints.
struct ShownOnConsole<'a> {
    inspected: &'a InspectedParticipation,
    answer: Explanation,
    /// Whether contacts and codes are shown in full.
    revealed: bool,
    /// Whether the brand file is known.
    has_terms: bool,
    /// Since when the activation is paused, if it is.
    paused_since: Option<Timestamp>,
    /// The recorded calls to Braze about it.
    calls: CallsAbout,
}

pub(crate) async fn run(arguments: Show) -> anyhow::Result<()> {
    let id =
        ParticipationId::parse(&arguments.id).context("ID is a participation's id: 32 hexadecimal digits")?;
    let language = arguments.language.chosen;
    let brands =
        brand_terms::brands(arguments.brands.as_deref(), arguments.storage.environment.as_deref()).await?;
    let opened = Opened::open(arguments.storage).await?;
    let inspected = opened.inspection().inspect(id).await?;
    let inspected =
        inspected.with_context(|| format!("there is no participation {id}; is the id complete?"))?;
    let (answer, has_terms) = answered(&inspected, &brands);
    let paused_since = opened.pauses().paused_since(inspected.participation.scope()).await?;
    let calls = CallsAbout::read(opened.calls(), &inspected.participation, SystemClock.now()).await?;
    let revealed = arguments.reveal;
    let shown = ShownOnConsole { inspected: &inspected, answer, revealed, has_terms, paused_since, calls };
    if arguments.json {
        console::say(&as_json::shown(&shown).to_string());
    } else {
        console::say(as_text::shown(&shown, language).trim_end());
    }
    Ok(())
}

/// The answer about a participation, and whether its brand file is known.
pub(crate) fn answered(inspected: &InspectedParticipation, brands: &Brands) -> (Explanation, bool) {
    let activation = brands.activation(inspected.participation.scope()).map(|(_, activation)| activation);
    let siblings: Vec<Sibling> = inspected
        .siblings
        .iter()
        .map(|(award, channel)| Sibling { award: award.clone(), channel: *channel })
        .collect();
    let facts = AnswerFacts {
        award: inspected.award.as_ref(),
        siblings: &siblings,
        counts: inspected.counts.as_ref(),
        waiting_ahead: inspected.waiting_ahead,
        last_place_at: inspected.last_place_at,
        ..AnswerFacts::of(&inspected.participation, SystemClock.now())
    };
    let facts = activation.map_or(facts, |activation| facts.under(activation));
    (answer(&facts), activation.is_some())
}
