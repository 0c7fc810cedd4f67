//! A participation as text, for people.

use std::fmt::Write;

use domain::Timestamp;
use domain::call::MOST_NAMED;
use domain::callback::ReceiverAnswer;
use domain::consent::Consent;
use ports::inspection::InspectedCallback;
use reports::calls::{CallsAbout, MOST_SHOWN};
use reports::language::Language;
use reports::timeline::{TimelineRow, TimelineStep, rows, why, words};
use reports::{masked, plain};

use super::ShownOnConsole;

pub(super) fn shown(shown: &ShownOnConsole<'_>, language: Language) -> String {
    let participation = &shown.inspected.participation;
    let pick = |english: &'static str, french: &'static str| match language {
        Language::English => english,
        Language::French => french,
    };
    let mut text = format!("{}\n", shown.answer.text(language));
    if !shown.has_terms {
        let note = pick(
            "(Without the brand file, the answer knows no quantities and no times; --brands DIR names it.)",
            "(Sans le fichier de la marque, la réponse ne connaît ni quantités ni délais ; --brands DIR l’indique.)",
        );
        let _always = writeln!(text, "{note}");
    }
    let mut section = |title: &str, lines: Vec<(String, String)>| {
        if lines.is_empty() {
            return;
        }
        let _always = writeln!(text, "\n{title}");
        for (name, value) in lines {
            let _always = writeln!(text, "  {name:<24} {value}");
        }
    };
    section(pick("facts", "faits"), facts(shown, pick));
    let consent = participation.consent().map(|given| consent(given, pick)).unwrap_or_default();
    section(pick("consent", "consentement"), consent);
    section(
        pick("timeline", "déroulement"),
        rows(participation).iter().map(|row| row_as_line(row, language)).collect(),
    );
    let callbacks = shown.inspected.callbacks.iter().map(|one| callback(one, pick)).collect();
    section(pick("callbacks that are not delivered", "rappels non remis"), callbacks);
    section(pick("calls to Braze", "appels à Braze"), calls(&shown.calls, language));
    text
}

fn facts(
    shown: &ShownOnConsole<'_>,
    pick: impl Fn(&'static str, &'static str) -> &'static str,
) -> Vec<(String, String)> {
    let participation = &shown.inspected.participation;
    let award = shown.inspected.award.as_ref();
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let reward = award.and_then(|award| award.reward());
    let incentive = award.and_then(|award| award.ledger.incentive.as_ref());
    let waits = participation.waits();
    let facts = [
        (pick("participation", "participation"), Some(participation.id().to_string())),
        (pick("brand, activation", "marque, activation"), {
            Some(format!("{}, {}", participation.brand(), participation.scope()))
        }),
        (pick("activation paused", "activation en pause"), at(shown.paused_since)),
        (pick("way", "façon"), Some(participation.channel().name().to_owned())),
        (pick("e-mail", "e-mail"), participation.email().map(|email| masked::email(email, shown.revealed))),
        (pick("phone", "téléphone"), participation.phone().map(|phone| masked::phone(phone, shown.revealed))),
        (pick("state", "état"), Some(participation.state().name().to_owned())),
        (pick("reason", "raison"), participation.state().reason().map(plain::shown)),
        (pick("incentive", "avantage"), incentive.map(ToString::to_string)),
        (pick("number", "numéro"), award.and_then(|award| award.arrival).map(|number| number.to_string())),
        (pick("place", "place"), award.and_then(|award| award.place()).map(|place| place.to_string())),
        (pick("reward", "gain"), reward.map(|(reward, _)| masked::reward(reward, shown.revealed))),
        (pick("accepted", "accepté"), Some(participation.accepted_at().to_string())),
        (pick("credited", "crédité"), {
            at(award.and_then(|award| award.credited_at).or(participation.earned_at()))
        }),
        (pick("rewarded", "récompensé"), at(award.and_then(|award| award.rewarded_at))),
        (pick("on the profile", "sur le profil"), at(participation.shown_at())),
        (pick("Quikly has the result", "résultat reçu de Quikly"), at(shown.inspected.told_at)),
        (pick("waits", "attend"), waits.map(|waits| format!("{}, {}", waits.cause.name(), waits.since))),
        (pick("processed again", "repris"), at(participation.due_at())),
        (pick("kept until", "gardé jusqu’à"), Some(participation.keep_until().to_string())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn consent(
    consent: &Consent,
    pick: impl Fn(&'static str, &'static str) -> &'static str,
) -> Vec<(String, String)> {
    let answer = if consent.given { pick("yes", "oui") } else { pick("no", "non") };
    let lines = [
        (pick("answer", "réponse"), Some(format!("{answer}, {}", consent.at))),
        (pick("text id", "id du texte"), consent.text_id.as_deref().map(plain::shown)),
        (pick("text sha256", "sha256 du texte"), consent.text.map(|text| text.to_string())),
        (pick("page", "page"), consent.page.as_ref().map(|page| plain::shown(page.as_str()))),
        ("Braze", consent.word().map(str::to_owned)),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A row with its time of day or its date, and what happened.
fn row_as_line(row: &TimelineRow, language: Language) -> (String, String) {
    match row {
        TimelineRow::Accepted(at) => {
            let accepted = match language {
                Language::English => "Accepted, and stored",
                Language::French => "Accepté et enregistré",
            };
            (at.to_string(), format!("{:<12}  {accepted}", ""))
        }
        TimelineRow::Dropped(times) => {
            let times = language.number(u64::from(*times));
            let dropped = match language {
                Language::English => format!("({times} steps are no longer known)"),
                Language::French => format!("({times} étapes ne sont plus connues)"),
            };
            (String::new(), format!("{:<12}  {dropped}", ""))
        }
        TimelineRow::TimelineStep(step) => {
            let after = format!("+{}", language.duration(step.after));
            (step.began_at.to_string(), format!("{after:<12}  {}", happened(step, language)))
        }
    }
}

fn happened(step: &TimelineStep, language: Language) -> String {
    let mut text = words(step.code, language).to_owned();
    if let Some(cause) = step.cause {
        let _always = write!(text, ": {}", why(cause, language));
    }
    let took = (step.ended_at > step.began_at).then(|| language.duration(step.took()));
    let times = language.number(u64::from(step.times));
    match (step.times, took, language) {
        (0 | 1, None, _) => {}
        (0 | 1, Some(took), _) => {
            let _always = write!(text, " ({took})");
        }
        (_, took, Language::English) => {
            let within = took.map(|took| format!(" within {took}")).unwrap_or_default();
            let _always = write!(text, " ({times} times{within})");
        }
        (_, took, Language::French) => {
            let within = took.map(|took| format!(" en {took}")).unwrap_or_default();
            let _always = write!(text, " ({times} fois{within})");
        }
    }
    text
}

/// The calls that name it, and what is to be known of the others.
fn calls(about: &CallsAbout, language: Language) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = about
        .calls
        .iter()
        .map(|call| (format!("{:.3}", call.at), reports::calls::words(call, language)))
        .collect();
    let unnamed = language.number(about.unnamed);
    let notes = [
        about.are_cut.then(|| match language {
            Language::English => format!("These are the first {MOST_SHOWN}; `quikly-braze calls` shows all."),
            Language::French => {
                format!("Ce sont les {MOST_SHOWN} premiers ; `quikly-braze calls` les montre tous.")
            }
        }),
        (about.unnamed > 0).then(|| match language {
            Language::English => format!(
                "{unnamed} further call(s) may be about it: a call about many participations names {MOST_NAMED} of them."
            ),
            Language::French => format!(
                "{unnamed} autre(s) appel(s) peuvent la concerner : un appel sur beaucoup de participations en nomme {MOST_NAMED}."
            ),
        }),
        about.kept_since.map(|since| match language {
            Language::English => {
                format!("Calls are kept for seven days. Those from before {since} are no longer recorded.")
            }
            Language::French => {
                format!("Les appels sont gardés sept jours. Ceux d’avant {since} ne sont plus enregistrés.")
            }
        }),
    ];
    lines.extend(notes.into_iter().flatten().map(|note| (String::new(), note)));
    lines
}

fn callback(
    callback: &InspectedCallback,
    pick: impl Fn(&'static str, &'static str) -> &'static str,
) -> (String, String) {
    let next = match callback.due_at {
        Some(due_at) => format!("{} {due_at}", pick("next attempt", "prochain essai")),
        None => pick("parked", "mis de côté").to_owned(),
    };
    let last = callback.last_answer.map(|answer| {
        let kind = match answer.kind {
            ReceiverAnswer::Status(status) => format!("{} {status}", pick("last answer", "dernière réponse")),
            ReceiverAnswer::NoAnswer => pick("no answer", "aucune réponse").to_owned(),
            ReceiverAnswer::NotSent => pick("not sent", "non envoyé").to_owned(),
        };
        format!(", {kind}, {}", answer.at)
    });
    let attempts = format!("{} {}", callback.attempts, pick("attempt(s)", "essai(s)"));
    (callback.callback.id.kind.name().to_owned(), format!("{attempts}, {next}{}", last.unwrap_or_default()))
}
