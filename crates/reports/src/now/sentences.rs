//! How a brand stands, in sentences of each language.

use super::{BrandNow, Condition};
use crate::language::Language;
use crate::plain;

pub(super) fn text(one: &BrandNow, language: Language) -> String {
    let mut sentences = match language {
        Language::English => english(one),
        Language::French => french(one),
    };
    if one.work.parked > 0 {
        let parked = language.number(one.work.parked);
        sentences.push(match language {
            Language::English => format!(
                "Callbacks that their receiver did not take for a day: {parked}. `dead list` names them, and `dead retry` sends them again."
            ),
            Language::French => format!(
                "Rappels que leur destinataire n’a pas pris pendant un jour : {parked}. `dead list` les nomme, `dead retry` les renvoie."
            ),
        });
    }
    sentences.join(" ")
}

fn english(one: &BrandNow) -> Vec<String> {
    let language = Language::English;
    let moment = |at| language.moment(at, one.now);
    let waiting = match one.work.for_requests {
        1 => "1 participation waits for it.".to_owned(),
        waiting => format!("{} participations wait for it.", language.number(waiting)),
    };
    let done = one.drained_at().filter(|_| one.work.for_requests > 0);
    let done = done.map(|at| format!("If it works from then on, they are done at about {}.", moment(at)));
    match &one.condition {
        Condition::KeyRefused { until } => {
            let cause =
                "Braze refuses the API key. Correct the key, its permissions or the secret.".to_owned();
            [Some(cause), Some(waiting), Some(format!("Next attempt: {}.", moment(*until))), done]
                .into_iter()
                .flatten()
                .collect()
        }
        Condition::NoAnswer(outage) => {
            let (tries, why) = (language.number(outage.tries), plain::shown(&outage.why));
            let cause =
                format!("Braze has not answered since {} ({tries} attempts: {why}).", moment(outage.since));
            let next =
                outage.next_try.map(|next| format!("Nothing is lost. Next attempt: {}.", moment(next)));
            [Some(cause), Some(waiting), next, done].into_iter().flatten().collect()
        }
        Condition::Behind { due, since } => vec![format!(
            "Nothing is processed: {} participations are due, the first since {}. Is `serve` running, and what does its log say?",
            language.number(u64::try_from(*due).unwrap_or(u64::MAX)),
            moment(*since)
        )],
        Condition::ToldToWait { until } => {
            let cause = format!("Braze accepts no request before {}.", moment(*until));
            [Some(cause), Some(waiting), done].into_iter().flatten().collect()
        }
        Condition::Backlog => {
            let at = one.drained_at().map(moment).unwrap_or_default();
            vec![format!(
                "{} participations wait for requests that Braze allows; they are done at about {at}. Nothing needs to be done.",
                language.number(one.work.for_requests)
            )]
        }
        Condition::UnderWay => vec![match one.work.open {
            1 => "1 participation is under way.".to_owned(),
            open => format!("{} participations are under way.", language.number(open)),
        }],
        Condition::Idle => vec!["Nothing waits.".to_owned()],
    }
}

fn french(one: &BrandNow) -> Vec<String> {
    let language = Language::French;
    let moment = |at| language.moment(at, one.now);
    let waiting = match one.work.for_requests {
        waiting @ (0 | 1) => format!("{waiting} participation attend."),
        waiting => format!("{} participations attendent.", language.number(waiting)),
    };
    let done = one.drained_at().filter(|_| one.work.for_requests > 0);
    let done = done.map(|at| format!("Si tout marche dès lors, ce sera fini vers {}.", moment(at)));
    match &one.condition {
        Condition::KeyRefused { until } => {
            let cause = "Braze refuse la clé d’API. Corrigez la clé, ses droits ou le secret.".to_owned();
            [Some(cause), Some(waiting), Some(format!("Prochain essai : {}.", moment(*until))), done]
                .into_iter()
                .flatten()
                .collect()
        }
        Condition::NoAnswer(outage) => {
            let (tries, why) = (language.number(outage.tries), plain::shown(&outage.why));
            let cause =
                format!("Braze ne répond pas depuis {} ({tries} essais : {why}).", moment(outage.since));
            let next =
                outage.next_try.map(|next| format!("Rien n’est perdu. Prochain essai : {}.", moment(next)));
            [Some(cause), Some(waiting), next, done].into_iter().flatten().collect()
        }
        Condition::Behind { due, since } => vec![format!(
            "Rien n’est traité : {} participations sont échues, la première depuis {}. `serve` tourne-t-il, et que dit son journal ?",
            language.number(u64::try_from(*due).unwrap_or(u64::MAX)),
            moment(*since)
        )],
        Condition::ToldToWait { until } => {
            let cause = format!("Braze n’accepte aucune requête avant {}.", moment(*until));
            [Some(cause), Some(waiting), done].into_iter().flatten().collect()
        }
        Condition::Backlog => {
            let at = one.drained_at().map(moment).unwrap_or_default();
            vec![format!(
                "{} participations attendent les requêtes que Braze permet ; ce sera fini vers {at}. Il n’y a rien à faire.",
                language.number(one.work.for_requests)
            )]
        }
        Condition::UnderWay => vec![match one.work.open {
            1 => "1 participation est en cours.".to_owned(),
            open => format!("{} participations sont en cours.", language.number(open)),
        }],
        Condition::Idle => vec!["Rien n’attend.".to_owned()],
    }
}
