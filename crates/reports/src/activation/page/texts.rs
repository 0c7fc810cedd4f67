//! The words of the page in each language.

use crate::activation::ActivationReport;
use crate::language::Language;

/// The texts that do not depend on figures.
pub(super) struct PageTexts {
    language: Language,
    pub(super) title: &'static str,
    pub(super) is_final: &'static str,
    pub(super) nobody_under_way: &'static str,
    pub(super) took_part: &'static str,
    pub(super) credited: &'static str,
    pub(super) rewarded: &'static str,
    pub(super) on_profile: &'static str,
    pub(super) where_they_went: &'static str,
    pub(super) still_under_way: &'static str,
    pub(super) may_still_win: &'static str,
    pub(super) not_on_profile: &'static str,
    pub(super) of_the_step_before: &'static str,
    pub(super) by_way: &'static str,
    pub(super) way: &'static str,
    pub(super) by_email: &'static str,
    pub(super) by_sms: &'static str,
    pub(super) by_event: &'static str,
    pub(super) not_processed: &'static str,
    pub(super) together: &'static str,
    pub(super) how_fast: &'static str,
    pub(super) from_the_click: &'static str,
    pub(super) half_within: &'static str,
    pub(super) most_within: &'static str,
    pub(super) nearly_all_within: &'static str,
    pub(super) incentives: &'static str,
    pub(super) incentive: &'static str,
    pub(super) given: &'static str,
    pub(super) held: &'static str,
    pub(super) left: &'static str,
    pub(super) waiting: &'static str,
    pub(super) rewards_plot: &'static str,
    pub(super) figures: &'static str,
    pub(super) how_counted: &'static str,
    pub(super) durable: &'static str,
    pub(super) sent_to_braze: &'static str,
    pub(super) look_ups: &'static str,
    pub(super) writes: &'static str,
    pub(super) status_reads: &'static str,
    pub(super) subscriptions: &'static str,
    pub(super) data_points_sent: &'static str,
    pub(super) data_points_saved: &'static str,
    pub(super) refused_requests: &'static str,
}

impl PageTexts {
    pub(super) fn of(language: Language) -> Self {
        match language {
            Language::English => english(),
            Language::French => french(),
        }
    }

    /// What happened, in one sentence.
    pub(super) fn headline(&self, report: &ActivationReport, language: Language) -> String {
        let funnel = &report.funnel;
        let number = |number: u64| language.number(number);
        let all_given = match report.incentives.as_slice() {
            [only] => only.quantity.filter(|quantity| only.given >= *quantity),
            _ => None,
        };
        match (self.language, all_given) {
            (Language::English, Some(quantity)) => {
                format!(
                    "All {} places are given; {} people took part.",
                    number(quantity.into()),
                    number(funnel.accepted)
                )
            }
            (Language::French, Some(quantity)) => {
                format!(
                    "Les {} places sont attribuées ; {} participations.",
                    number(quantity.into()),
                    number(funnel.accepted)
                )
            }
            (Language::English, None) if funnel.rewarded > 0 => format!(
                "{} took part, {} are credited, and {} have a reward.",
                number(funnel.accepted),
                number(funnel.credited),
                number(funnel.rewarded)
            ),
            (Language::French, None) if funnel.rewarded > 0 => format!(
                "{} participations, {} créditées, {} récompensées.",
                number(funnel.accepted),
                number(funnel.credited),
                number(funnel.rewarded)
            ),
            (Language::English, None) => {
                format!(
                    "{} took part, and {} are credited.",
                    number(funnel.accepted),
                    number(funnel.credited)
                )
            }
            (Language::French, None) => {
                format!(
                    "{} participations, dont {} créditées.",
                    number(funnel.accepted),
                    number(funnel.credited)
                )
            }
        }
    }

    pub(super) fn under_way(&self, number: &str) -> String {
        match self.language {
            Language::English => format!("Still under way: {number}."),
            Language::French => format!("Encore en cours : {number}."),
        }
    }

    pub(super) fn rewards_until(&self, number: &str) -> String {
        match self.language {
            Language::English => format!("Rewards given since the first minute, {number} in all."),
            Language::French => format!("Récompenses remises depuis la première minute, {number} au total."),
        }
    }

    pub(super) fn people_plot(&self, minutes: u64) -> String {
        match (self.language, minutes) {
            (Language::English, 1) => "People a minute".to_owned(),
            (Language::English, minutes) => format!("People in {minutes} minutes"),
            (Language::French, 1) => "Participations par minute".to_owned(),
            (Language::French, minutes) => format!("Participations par tranche de {minutes} minutes"),
        }
    }

    pub(super) fn busiest(&self, number: &str, at: &str) -> String {
        match self.language {
            Language::English => format!("The busiest minute began at {at}: {number}."),
            Language::French => format!("La minute la plus chargée a commencé à {at} : {number}."),
        }
    }

    pub(super) fn made(&self, scope: &str, at: &str, version: &str) -> String {
        match self.language {
            Language::English => {
                format!("{scope}, made {at} by quikly-braze {version}. No contact is in this file.")
            }
            Language::French => {
                format!(
                    "{scope}, établi le {at} par quikly-braze {version}. Ce fichier ne contient aucun contact."
                )
            }
        }
    }
}

fn english() -> PageTexts {
    PageTexts {
        language: Language::English,
        title: "Campaign report",
        is_final: "Final: nothing is under way any more.",
        nobody_under_way: "Nobody is under way at the moment.",
        took_part: "took part",
        credited: "credited",
        rewarded: "rewarded",
        on_profile: "on the profile",
        where_they_went: "Where they went",
        still_under_way: "are still under way",
        may_still_win: "have no reward, or none yet",
        not_on_profile: "of the credited are not on their profile yet",
        of_the_step_before: "Percentages are of the step before.",
        by_way: "By way",
        way: "way",
        by_email: "e-mail",
        by_sms: "text message",
        by_event: "app",
        not_processed: "not processed yet",
        together: "together",
        how_fast: "How fast it was",
        from_the_click: "from the click until",
        half_within: "half within",
        most_within: "95 % within",
        nearly_all_within: "99 % within",
        incentives: "Incentives",
        incentive: "incentive",
        given: "given",
        held: "held",
        left: "left",
        waiting: "in line",
        rewards_plot: "Rewards given",
        figures: "Figures",
        durable: "accepted for good",
        sent_to_braze: "Sent to Braze",
        look_ups: "look-ups of profiles",
        writes: "requests with writes",
        status_reads: "look-ups of subscriptions",
        subscriptions: "requests that subscribe numbers",
        data_points_sent: "data points sent",
        data_points_saved: "data points saved, since the profile shows the value already",
        refused_requests: "Requests that were refused",
        how_counted: "How it is counted: a person counts once for each way. Times run from the moment the request was accepted, \
                      by our clock, and are exact to a fifth. Everything is counted in the same moment as it is stored.",
    }
}

fn french() -> PageTexts {
    PageTexts {
        language: Language::French,
        title: "Bilan de campagne",
        is_final: "Définitif : plus rien n’est en cours.",
        nobody_under_way: "Rien n’est en cours en ce moment.",
        took_part: "participations",
        credited: "créditées",
        rewarded: "récompensées",
        on_profile: "sur le profil",
        where_they_went: "Le parcours",
        still_under_way: "encore en cours",
        may_still_win: "sans récompense, ou pas encore",
        not_on_profile: "des créditées ne sont pas encore sur le profil",
        of_the_step_before: "Les pourcentages se rapportent à l’étape précédente.",
        by_way: "Par voie",
        way: "voie",
        by_email: "e-mail",
        by_sms: "SMS",
        by_event: "application",
        not_processed: "pas encore traitées",
        together: "ensemble",
        how_fast: "La vitesse",
        from_the_click: "du clic à l’état",
        half_within: "la moitié en",
        most_within: "95 % en",
        nearly_all_within: "99 % en",
        incentives: "Récompenses",
        incentive: "récompense",
        given: "remises",
        held: "réservées",
        left: "restantes",
        waiting: "en attente",
        rewards_plot: "Récompenses remises",
        figures: "Chiffres",
        durable: "acceptée pour de bon",
        sent_to_braze: "Envoyé à Braze",
        look_ups: "recherches de profils",
        writes: "requêtes d’écriture",
        status_reads: "lectures d’abonnements",
        subscriptions: "requêtes qui abonnent des numéros",
        data_points_sent: "points de données envoyés",
        data_points_saved: "points de données économisés, car le profil montre déjà la valeur",
        refused_requests: "Requêtes refusées",
        how_counted: "Mode de calcul : une personne compte une fois par voie. Les durées courent depuis l’acceptation de la demande, à \
                      notre horloge, et sont exactes à un cinquième près. Tout est compté au moment même où c’est enregistré.",
    }
}
