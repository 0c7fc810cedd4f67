//! The words of the demo's page, in each language.

use reports::language::Language;
use serde_json::{Map, Value};

/// Words that the page contains, each with its place.
const ON_THE_PAGE: &[(&str, &str, &str)] = &[
    ("lang", "en", "fr"),
    ("other-lang", "fr", "en"),
    ("other-language", "Français", "English"),
    ("title", "Birch · quikly-braze demo", "Birch · démo de quikly-braze"),
    ("skip", "To the shop", "Aller à la boutique"),
    (
        "made-up",
        "demo. Birch is made up, Braze is simulated, and nothing leaves this machine.",
        "démo. Birch est une invention, Braze est simulé, et rien ne quitte cette machine.",
    ),
    ("requests", "curl lines", "Lignes curl"),
    ("offer", "20 % off for the first fifty.", "20 % de remise pour les cinquante premiers."),
    (
        "pitch",
        "Leave an address or a number. The first fifty get a code, and everybody knows the place at once.",
        "Laissez une adresse ou un numéro. Les cinquante premiers reçoivent un code, et chacun connaît sa place aussitôt.",
    ),
    ("agree-mail", "I would like e-mail from Birch.", "Je veux recevoir des e-mails de Birch."),
    (
        "agree-sms",
        "I would like text messages from Birch. Answer STOP to end them.",
        "Je veux recevoir des SMS de Birch. Répondez STOP pour ne plus en recevoir.",
    ),
    ("telephone", "Your telephone", "Votre téléphone"),
    (
        "telephone-how",
        "Take part with a number, such as (313) 555-0101. Braze then asks by text whether it is really you.",
        "Participez avec un numéro, par exemple (313) 555-0101. Braze demande alors par SMS si c’est bien vous.",
    ),
    ("what-if", "What if", "Et si"),
    ("fifty", "Fifty people come at once", "Cinquante personnes arrivent ensemble"),
    ("works", "Braze works", "Braze fonctionne"),
    ("slow", "Braze takes 2 s", "Braze met 2 s"),
    ("throttled", "Braze says “too many”", "Braze dit « trop »"),
    ("down", "Braze is down", "Braze est en panne"),
    ("refused", "Braze refuses the key", "Braze refuse la clé"),
    ("merge", "Merge the newest profile away", "Fusionner le profil le plus récent"),
    ("kill", "Kill the connector", "Tuer le connecteur"),
    ("start", "Start the connector", "Démarrer le connecteur"),
    (
        "promise",
        "Whatever Braze does, a place is kept, and nothing that was accepted is lost.",
        "Quoi que fasse Braze, une place reste gardée, et rien de ce qui est accepté n’est perdu.",
    ),
    ("participations", "Participations", "Participations"),
    ("calls", "Calls to Braze", "Appels à Braze"),
    ("at", "at", "à"),
    ("call", "call", "appel"),
    ("status", "status", "statut"),
    ("objects", "objects", "objets"),
    ("duration", "took", "durée"),
];

/// Words that the page's script uses.
const IN_THE_SCRIPT: &[(&str, &str, &str)] = &[
    ("noText", "No text is waiting for an answer.", "Aucun SMS n’attend de réponse."),
    (
        "question",
        "To {0}: Birch here. Answer Y to get our texts.",
        "À {0} : ici Birch. Répondez Y pour recevoir nos SMS.",
    ),
    ("noAnswer", "no answer", "pas de réponse"),
    ("nobody", "Nobody has taken part yet.", "Personne n’a encore participé."),
    ("nothingAsked", "Nothing was asked yet.", "Rien n’a encore été demandé."),
    ("place", "place {0}", "place {0}"),
    ("waits", "waits: {0}", "attend : {0}"),
    ("took", "took {0}", "a pris {0}"),
    ("times", "{0} times", "{0} fois"),
    (
        "fromNowOn",
        "{0}, from now on. Take part, and look below.",
        "{0}, à partir de maintenant. Participez, et regardez plus bas.",
    ),
    ("crowd", "{0} of fifty people were accepted.", "{0} personnes sur cinquante ont été acceptées."),
    (
        "merged",
        "That consumer signed in to the app, and Braze merges the profile away. Within a minute the connector reads back what it wrote, and writes again what is gone.",
        "Cette personne s’est connectée à l’application, et Braze fusionne son profil. En une minute, le connecteur relit ce qu’il a écrit et réécrit ce qui manque.",
    ),
    (
        "nobodyToMerge",
        "Nobody has a reward on a profile yet. Take part first.",
        "Personne n’a encore de gain sur un profil. Participez d’abord.",
    ),
    (
        "killed",
        "The connector was killed. Everything that it accepted is kept. Take part: the page tries again until the connector is back.",
        "Le connecteur a été tué. Ce qu’il a accepté est conservé. Participez : la page réessaie jusqu’à son retour.",
    ),
    (
        "started",
        "The connector runs again, and continues where it was.",
        "Le connecteur fonctionne de nouveau et reprend où il en était.",
    ),
    (
        "notStarted",
        "The connector could not be started; the terminal says why.",
        "Le connecteur n’a pas pu démarrer ; le terminal dit pourquoi.",
    ),
    ("running", "The connector runs.", "Le connecteur fonctionne."),
    ("stopped", "The connector does not run.", "Le connecteur ne fonctionne pas."),
    ("demoGone", "The demo has ended.", "La démo est terminée."),
];

fn pick(
    words: &(&'static str, &'static str, &'static str),
    language: Language,
) -> (&'static str, &'static str) {
    match language {
        Language::English => (words.0, words.1),
        Language::French => (words.0, words.2),
    }
}

/// The page with its words in a language, and with the words of its script.
pub(super) fn filled(page: &str, language: Language) -> String {
    let words = IN_THE_SCRIPT.iter().map(|words| pick(words, language));
    let words: Map<String, Value> = words.map(|(name, text)| (name.to_owned(), text.into())).collect();
    let page = page.replace("{{words}}", &Value::from(words).to_string());
    ON_THE_PAGE
        .iter()
        .map(|words| pick(words, language))
        .fold(page, |page, (name, text)| page.replace(&format!("{{{{{name}}}}}"), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::page::PAGE;

    #[test]
    fn every_place_on_the_page_has_words_in_each_language() {
        let pages = Language::ALL.map(|language| filled(PAGE, language));
        for page in &pages {
            assert!(!page.replace("{{base}}", "").contains("{{"), "{page}");
        }
        assert!(pages[0].contains("Your telephone") && pages[1].contains("Votre téléphone"));
    }

    #[test]
    fn the_words_are_no_markup_and_all_are_used() {
        let script = include_str!("page/script.js");
        for (name, english, french) in ON_THE_PAGE.iter().chain(IN_THE_SCRIPT) {
            for text in [english, french] {
                assert!(!text.contains(['<', '>', '&', '"']), "{text}");
            }
            let used = PAGE.contains(&format!("{{{{{name}}}}}")) || script.contains(&format!("words.{name}"));
            assert!(used, "{name}");
        }
    }
}
