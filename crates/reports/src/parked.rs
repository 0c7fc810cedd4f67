//! Why work is parked, and what to do, in a sentence.

use domain::callback::ReceiverAnswer;
use ports::operations::{CALLBACK, Dead, RECORD, SCHEDULES};

use crate::language::Language;
use crate::plain::shown;

/// Why this work was given up.
#[must_use]
pub fn why(dead: &Dead, language: Language) -> String {
    match (dead.kind.as_str(), language) {
        (CALLBACK, _) => callback(dead, language),
        (RECORD, _) => record(dead, language),
        (SCHEDULES, Language::English) => "The Scheduler could not send the message.".to_owned(),
        (SCHEDULES, Language::French) => "Le Scheduler n’a pas pu envoyer le message.".to_owned(),
        (_, Language::English) => {
            "The message was received again and again, and processing it failed each time.".to_owned()
        }
        (_, Language::French) => {
            "Le message a été reçu plusieurs fois, et son traitement a échoué à chaque fois.".to_owned()
        }
    }
}

fn record(dead: &Dead, language: Language) -> String {
    let why = dead.why.as_deref().map(|why| format!(": {}", shown(why))).unwrap_or_default();
    match language {
        Language::English => format!("The participation was set aside, since it cannot be read{why}."),
        Language::French => {
            format!("La participation a été mise de côté, car elle ne peut pas être lue{why}.")
        }
    }
}

fn callback(dead: &Dead, language: Language) -> String {
    let attempts = language.number(dead.attempts.unwrap_or(0).into());
    let Some(last) = dead.last_answer else {
        return match language {
            Language::English => format!("The receiver did not take it in {attempts} attempts."),
            Language::French => format!("Le destinataire ne l’a pas pris en {attempts} essais."),
        };
    };
    match (last.kind, language) {
        (ReceiverAnswer::Status(status), Language::English) => {
            format!(
                "The receiver did not take it in {attempts} attempts; it last answered {status}, at {}.",
                last.at
            )
        }
        (ReceiverAnswer::Status(status), Language::French) => {
            format!(
                "Le destinataire ne l’a pas pris en {attempts} essais ; dernière réponse : {status}, {}.",
                last.at
            )
        }
        (ReceiverAnswer::NoAnswer, Language::English) => {
            format!("The receiver gave no answer in {attempts} attempts, the last at {}.", last.at)
        }
        (ReceiverAnswer::NoAnswer, Language::French) => {
            format!("Le destinataire n’a pas répondu en {attempts} essais, le dernier {}.", last.at)
        }
        (ReceiverAnswer::NotSent, Language::English) => {
            format!(
                "It was not sent: the brand file or the secret does not allow it. The last attempt was at {}.",
                last.at
            )
        }
        (ReceiverAnswer::NotSent, Language::French) => {
            format!(
                "Il n’a pas été envoyé : le fichier de la marque ou le secret ne le permet pas. Dernier essai : {}.",
                last.at
            )
        }
    }
}

/// What to do about it.
#[must_use]
pub fn what_to_do(dead: &Dead, language: Language) -> &'static str {
    let not_sent = dead.last_answer.is_some_and(|last| last.kind == ReceiverAnswer::NotSent);
    match (dead.kind.as_str(), language) {
        (CALLBACK, Language::English) if not_sent => {
            "Correct [callback] in the brand file, or its secret; then `dead retry`."
        }
        (CALLBACK, Language::French) if not_sent => {
            "Corrigez [callback] dans le fichier de la marque, ou son secret ; puis `dead retry`."
        }
        (CALLBACK, Language::English) => {
            "Have the receiver repaired; then `dead retry`. It keeps its id, so it counts once."
        }
        (CALLBACK, Language::French) => {
            "Faites réparer le destinataire ; puis `dead retry`. Le rappel garde son identifiant et ne compte qu’une fois."
        }
        (RECORD, Language::English) => {
            "It is read again every minute, and at once after `dead retry`. If a newer version wrote it, update to that version; otherwise restore it from a copy, or erase it with `forget --id ID`."
        }
        (RECORD, Language::French) => {
            "Elle est relue chaque minute, et tout de suite après `dead retry`. Si une version plus récente l’a écrite, installez cette version ; sinon restaurez-la d’une copie, ou effacez-la avec `forget --id ID`."
        }
        (_, Language::English) => {
            "Look at `show ID` of its participations and at the log; then `dead retry`. The tick processes them in any case."
        }
        (_, Language::French) => {
            "Regardez `show ID` de ses participations et le journal ; puis `dead retry`. Le tick les traite de toute façon."
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::callback::LastAnswer;
    use ports::operations::kinds;

    use super::*;

    fn dead(kind: &str, answer: Option<ReceiverAnswer>) -> Dead {
        let at = "2026-11-24T12:00:00Z".parse().unwrap();
        Dead {
            id: "1".to_owned(),
            kind: kind.to_owned(),
            brand: None,
            participations: Vec::new(),
            attempts: Some(1_240),
            last_answer: answer.map(|kind| LastAnswer { kind, at }),
            why: None,
        }
    }

    #[test]
    fn a_record_that_was_set_aside_says_why_it_cannot_be_read() {
        let broken = Dead { why: Some("the text breaks off\u{1b}".to_owned()), ..dead(RECORD, None) };
        assert_eq!(
            why(&broken, Language::English),
            "The participation was set aside, since it cannot be read: the text breaks off\\u{1b}."
        );
        assert!(why(&broken, Language::French).contains("mise de côté"));
    }

    #[test]
    fn a_callback_that_was_not_taken_says_what_the_receiver_last_answered() {
        let refused = dead(CALLBACK, Some(ReceiverAnswer::Status(503)));
        assert_eq!(
            why(&refused, Language::English),
            "The receiver did not take it in 1,240 attempts; it last answered 503, at 2026-11-24T12:00:00Z."
        );
        assert!(why(&refused, Language::French).contains("dernière réponse : 503"));
    }

    #[test]
    fn every_kind_has_a_cause_and_a_remedy_in_each_language() {
        let answers = [
            None,
            Some(ReceiverAnswer::Status(500)),
            Some(ReceiverAnswer::NoAnswer),
            Some(ReceiverAnswer::NotSent),
        ];
        for (kind, answer) in kinds().into_iter().flat_map(|kind| answers.map(|answer| (kind, answer))) {
            let dead = dead(kind, answer);
            let [english, french] = Language::ALL
                .map(|language| format!("{} {}", why(&dead, language), what_to_do(&dead, language)));
            assert!(english.contains("`dead retry`") && french.contains("`dead retry`") && english != french);
        }
    }
}
