//! The words of a report in each language.

use domain::ids::Channel;
use reports::activation::{Speed, Stage};
use reports::language::Language;

/// The words that do not depend on figures.
pub(super) struct ReportWords {
    language: Language,
    pub(super) is_final: &'static str,
    pub(super) may_change: &'static str,
    pub(super) where_they_went: &'static str,
    pub(super) took_part: &'static str,
    pub(super) under_way: &'static str,
    pub(super) credited: &'static str,
    pub(super) may_still_win: &'static str,
    pub(super) rewarded: &'static str,
    pub(super) on_profile: &'static str,
    pub(super) by_way: &'static str,
    by_email: &'static str,
    by_sms: &'static str,
    by_event: &'static str,
    pub(super) how_fast: &'static str,
    durable: &'static str,
    pub(super) incentives: &'static str,
    pub(super) refused_requests: &'static str,
    pub(super) sent_to_braze: &'static str,
    requests_to: &'static str,
    pub(super) data_points_sent: &'static str,
    pub(super) data_points_saved: &'static str,
    pub(super) busiest_minute: &'static str,
}

const ENGLISH: ReportWords = ReportWords {
    language: Language::English,
    is_final: "final",
    may_change: "may still change",
    where_they_went: "where they went",
    took_part: "took part",
    under_way: "are still under way",
    credited: "credited",
    may_still_win: "may still win",
    rewarded: "rewarded",
    on_profile: "on the profile",
    by_way: "by way",
    by_email: "e-mail",
    by_sms: "text message",
    by_event: "app",
    how_fast: "how fast, from the click",
    durable: "accepted for good",
    incentives: "incentives",
    refused_requests: "refused requests",
    sent_to_braze: "sent to Braze",
    requests_to: "requests to",
    data_points_sent: "data points sent",
    data_points_saved: "data points saved",
    busiest_minute: "busiest minute",
};

const FRENCH: ReportWords = ReportWords {
    language: Language::French,
    is_final: "définitif",
    may_change: "peut encore changer",
    where_they_went: "le parcours",
    took_part: "participations",
    under_way: "encore en cours",
    credited: "créditées",
    may_still_win: "peuvent encore gagner",
    rewarded: "récompensées",
    on_profile: "sur le profil",
    by_way: "par voie",
    by_email: "adresse e-mail",
    by_sms: "SMS",
    by_event: "application",
    how_fast: "la vitesse, depuis le clic",
    durable: "acceptées pour de bon",
    incentives: "avantages",
    refused_requests: "requêtes refusées",
    sent_to_braze: "envoyé à Braze",
    requests_to: "requêtes à",
    data_points_sent: "points de données envoyés",
    data_points_saved: "points de données économisés",
    busiest_minute: "minute la plus chargée",
};

impl ReportWords {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }

    pub(super) fn at(&self, scope: &str, at: &str, is_final: bool) -> String {
        let state = if is_final { self.is_final } else { self.may_change };
        match self.language {
            Language::English => format!("{scope} at {at}, {state}"),
            Language::French => format!("{scope}, le {at}, {state}"),
        }
    }

    pub(super) fn open(&self, opens: &str, closes: &str) -> String {
        match self.language {
            Language::English => format!("open from {opens} to {closes}"),
            Language::French => format!("ouvert de {opens} à {closes}"),
        }
    }

    pub(super) fn way(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Email => self.by_email,
            Channel::Sms => self.by_sms,
            Channel::Event => self.by_event,
        }
    }

    pub(super) fn of_way(&self, [accepted, credited, rewarded]: [String; 3]) -> String {
        match self.language {
            Language::English => format!("{accepted} took part, {credited} credited, {rewarded} rewarded"),
            Language::French => {
                format!("{accepted} participations, {credited} créditées, {rewarded} récompensées")
            }
        }
    }

    pub(super) fn stage(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Durable => self.durable,
            Stage::Credited => self.credited,
            Stage::Rewarded => self.rewarded,
            Stage::OnProfile => self.on_profile,
        }
    }

    pub(super) fn speed(&self, speed: &Speed) -> String {
        let [half, most, nearly_all] =
            [speed.half, speed.most, speed.nearly_all].map(|within| self.language.duration(within));
        match self.language {
            Language::English => format!("half within {half}, 95 % within {most}, 99 % within {nearly_all}"),
            Language::French => format!("la moitié en {half}, 95 % en {most}, 99 % en {nearly_all}"),
        }
    }

    /// What an incentive has given. `left` is `None` if it has no limit.
    pub(super) fn given(&self, [given, held, waiting]: [String; 3], left: Option<&str>) -> String {
        match self.language {
            Language::English => {
                let left = left.map(|left| format!(", {left} left")).unwrap_or_default();
                format!("{given} given, {held} held{left}, {waiting} in line")
            }
            Language::French => {
                let left = left.map(|left| format!(", {left} restantes")).unwrap_or_default();
                format!("{given} remises, {held} réservées{left}, {waiting} en attente")
            }
        }
    }

    pub(super) fn requests(&self, path: &str) -> String {
        format!("{} {path}", self.requests_to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Everything that a report can say.
    fn everything(language: Language) -> Vec<String> {
        let words = ReportWords::of(language);
        let fixed = [
            words.is_final,
            words.may_change,
            words.where_they_went,
            words.took_part,
            words.under_way,
            words.credited,
            words.may_still_win,
            words.rewarded,
            words.on_profile,
            words.by_way,
            words.how_fast,
            words.incentives,
            words.refused_requests,
            words.sent_to_braze,
            words.data_points_sent,
            words.data_points_saved,
            words.busiest_minute,
        ];
        let ways = [Channel::Email, Channel::Sms, Channel::Event].map(|channel| words.way(channel));
        let stages = Stage::ALL.map(|stage| words.stage(stage));
        let figures = || ["1", "2", "3"].map(str::to_owned);
        let second = Duration::from_secs(1);
        let speed = Speed { count: 1, half: second, most: second, nearly_all: second, slowest: second };
        let built = [
            words.at("spring", "noon", true),
            words.open("noon", "night"),
            words.of_way(figures()),
            words.speed(&speed),
            words.given(figures(), Some("4")),
            words.given(figures(), None),
            words.requests("/users/track"),
        ];
        let fixed = fixed.into_iter().chain(ways).chain(stages).map(ToOwned::to_owned);
        fixed.chain(built).collect()
    }

    #[test]
    fn every_text_of_a_report_has_french_words_of_its_own() {
        let (english, french) = (everything(Language::English), everything(Language::French));
        for (english, french) in english.iter().zip(&french) {
            assert!(!french.is_empty() && english != french, "{english}");
        }
    }
}
