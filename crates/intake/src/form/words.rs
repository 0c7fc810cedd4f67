//! What the answer to a form says, in English and in French. The sentences are those of the element.

/// A language of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageLanguage {
    English,
    French,
}

impl PageLanguage {
    /// The language of a code such as `fr` or `fr-CA`.
    pub(super) fn named(code: &str) -> Option<Self> {
        let language = code.trim().split(['-', '_']).next().unwrap_or_default();
        [Self::English, Self::French].into_iter().find(|known| language.eq_ignore_ascii_case(known.code()))
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The first language of an `Accept-Language` that there is. Browsers name languages in the order of preference.
    pub(super) fn preferred(accepted: &str) -> Self {
        accepted.split(',').find_map(|one| Self::named(one.split(';').next()?)).unwrap_or(Self::English)
    }

    pub(super) fn words(self) -> &'static FormWords {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        }
    }
}

/// Everything that the answer says. `{0}` is the place of a number or a moment.
pub(super) struct FormWords {
    pub(super) accepted: &'static str,
    pub(super) kept: &'static str,
    pub(super) already: &'static str,
    pub(super) place: &'static str,
    pub(super) line: &'static str,
    pub(super) ahead: &'static str,
    pub(super) failed: &'static str,
    pub(super) correct: &'static str,
    pub(super) busy: &'static str,
    pub(super) again: &'static str,
    pub(super) over: &'static str,
    pub(super) closed: &'static str,
    pub(super) early: &'static str,
    pub(super) opens: &'static str,
    pub(super) full: &'static str,
    pub(super) elsewhere: &'static str,
    pub(super) needed: &'static str,
    pub(super) wrong: &'static str,
    pub(super) not_phone: &'static str,
    pub(super) country: &'static str,
    pub(super) longest: &'static str,
    pub(super) email: &'static str,
    pub(super) phone: &'static str,
    pub(super) consent: &'static str,
}

const ENGLISH: FormWords = FormWords {
    accepted: "We have you",
    kept: "Your place stays yours, even if you close this page.",
    already: "You are in already",
    place: "Your place: {0}",
    line: "All places are taken. Your place in line: {0}",
    ahead: "All places are taken. At least {0} are ahead of you.",
    failed: "That did not work",
    correct: "Go back, correct this, and send it again.",
    busy: "That did not get through",
    again: "Load this page again in {0} s. Nothing is counted twice.",
    over: "This one is over",
    closed: "It closed at {0}.",
    early: "This one is not open yet",
    opens: "It opens at {0}.",
    full: "This one is full",
    elsewhere: "Nobody can take part from this page.",
    needed: "This is needed.",
    wrong: "There is a mistake in this.",
    not_phone: "This number cannot get text messages.",
    country: "Numbers of this country cannot take part.",
    longest: "At most {0} characters.",
    email: "E-mail address",
    phone: "Mobile number",
    consent: "Consent",
};

const FRENCH: FormWords = FormWords {
    accepted: "C’est noté",
    kept: "Votre place reste à vous, même si vous fermez cette page.",
    already: "Vous participez déjà",
    place: "Votre place : {0}",
    line: "Toutes les places sont prises. Votre place dans la file : {0}",
    ahead: "Toutes les places sont prises. Au moins {0} personnes sont devant vous.",
    failed: "Cela n’a pas fonctionné",
    correct: "Revenez en arrière, corrigez et envoyez de nouveau.",
    busy: "Cela n’est pas passé",
    again: "Rechargez cette page dans {0} s. Rien n’est compté deux fois.",
    over: "C’est terminé",
    closed: "Fermé le {0}.",
    early: "Ce n’est pas encore ouvert",
    opens: "Ouverture le {0}.",
    full: "C’est complet",
    elsewhere: "On ne peut pas participer depuis cette page.",
    needed: "Ce champ est nécessaire.",
    wrong: "Il y a une erreur ici.",
    not_phone: "Ce numéro ne peut pas recevoir de SMS.",
    country: "Les numéros de ce pays ne sont pas acceptés.",
    longest: "Au plus {0} caractères.",
    email: "Adresse e-mail",
    phone: "Numéro de mobile",
    consent: "Consentement",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_of_the_browser_counts() {
        for (accepted, language) in [
            ("fr-CA,fr;q=0.9,en;q=0.8", PageLanguage::French),
            ("de, en-GB;q=0.8, fr;q=0.5", PageLanguage::English),
            ("de", PageLanguage::English),
            ("", PageLanguage::English),
        ] {
            assert_eq!(PageLanguage::preferred(accepted), language, "{accepted}");
        }
    }
}
