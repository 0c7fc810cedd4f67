//! The answers in French. The spaces before `;`, `:` and `?` and inside `« »` do not break.

use domain::Timestamp;
use domain::ids::Channel;
use domain::incentive::Since;
use domain::participation::{Cause, HeldUp};
use domain::time::between;

use super::{Statement, Win};
use crate::language::Language::French;

/// One statement as a sentence or two.
pub(super) fn sentence(statement: &Statement, now: Timestamp) -> String {
    match statement {
        Statement::Forgotten => {
            "Les données de cette personne ont été effacées\u{a0}; on ne sait donc rien du gain.".to_owned()
        }
        Statement::NotCreditedYet => "Pas encore crédité.".to_owned(),
        Statement::OnItsWay => "Le traitement a lieu maintenant, ou dans la minute.".to_owned(),
        Statement::Waits(held_up) => waits(*held_up, now),
        Statement::ConfirmsUntil { until } => {
            format!("La personne peut confirmer jusqu’à {}.", French.moment(*until, now))
        }
        Statement::PlaceReserved { place } => format!("La place {} est gardée jusque-là.", number(*place)),
        Statement::PlaceNotKnownYet => "La place n’est pas encore connue.".to_owned(),
        Statement::StillWriting => "Le profil est encore en cours d’écriture.".to_owned(),
        Statement::WrittenAgain => {
            "Le profil ne montre pas ce qui y a été écrit\u{a0}; l’écriture est donc refaite.".to_owned()
        }
        Statement::RewardUnplaced { since } => format!(
            "Aucun profil de Braze ne montre le gain. L’écriture a été abandonnée à {}.",
            French.moment(*since, now)
        ),
        Statement::EventUnplaced { since } => format!(
            "Aucun profil de Braze n’a l’événement. L’envoi a été abandonné à {}.",
            French.moment(*since, now)
        ),
        Statement::ConsentNotWritten => {
            "Braze n’a pas le consentement\u{a0}: la personne s’était désinscrite, ou Braze l’a refusé."
                .to_owned()
        }
        Statement::ProfileRefused { reason } => format!("Braze a refusé le profil («\u{a0}{reason}\u{a0}»)."),
        Statement::ProfileGivenUp { reason } => {
            format!("L’écriture du profil a été abandonnée («\u{a0}{reason}\u{a0}»).")
        }
        Statement::NotConfirmedButCredited => "La personne n’a pas confirmé.".to_owned(),
        Statement::Expired { .. }
        | Statement::Unverified { .. }
        | Statement::Unsubscribed
        | Statement::AnotherNumber
        | Statement::Rejected { .. }
        | Statement::GivenUp { .. }
        | Statement::NotCredited => without_credit(statement),
        Statement::CreditedWithoutIncentive
        | Statement::NoIncentive
        | Statement::Won { .. }
        | Statement::Consolation { .. }
        | Statement::CodeOwed { .. } => with_credit(statement),
        Statement::Waiting { .. }
        | Statement::PlacesHeld { .. }
        | Statement::SoldOut { .. }
        | Statement::WaitsForOwn { .. } => in_line(statement),
        Statement::InRaffle { .. } | Statement::RaffleLost { .. } => raffle(statement, now),
        Statement::NotDrawn
        | Statement::TooSlow { .. }
        | Statement::NotOpen { .. }
        | Statement::Closed { .. }
        | Statement::CreditedLate
        | Statement::AlreadyRewarded { .. } => no_prize(statement),
    }
}

fn number(number: u32) -> String {
    French.number(u64::from(number))
}

fn ordinal(number: u32) -> String {
    French.ordinal(u64::from(number))
}

fn without_credit(statement: &Statement) -> String {
    match statement {
        Statement::Expired { within, by_number } => {
            let answer = if *by_number { "Pas de OUI" } else { "Pas de confirmation" };
            let within =
                within.map_or_else(|| "à temps".to_owned(), |within| format!("en {}", French.length(within)));
            format!("{answer} {within}\u{a0}: ni crédit, ni gain.")
        }
        Statement::Unverified { within } => {
            format!(
                "Braze n’a pas confirmé l’inscription en {}\u{a0}: ni crédit, ni gain.",
                French.length(*within)
            )
        }
        Statement::Unsubscribed => {
            "La personne s’était désinscrite des SMS\u{a0}: ni crédit, ni gain.".to_owned()
        }
        Statement::AnotherNumber => {
            "Le profil de Braze a un autre numéro de téléphone\u{a0}: ni crédit, ni gain.".to_owned()
        }
        Statement::Rejected { reason } => {
            format!("Braze a refusé cette personne («\u{a0}{reason}\u{a0}»)\u{a0}: ni crédit, ni gain.")
        }
        Statement::GivenUp { reason } => {
            format!("Abandonné («\u{a0}{reason}\u{a0}»)\u{a0}: ni crédit, ni gain.")
        }
        _ => "Terminé sans crédit, donc sans gain.".to_owned(),
    }
}

fn with_credit(statement: &Statement) -> String {
    match statement {
        Statement::NoIncentive => {
            "Crédité. L’avantage n’est pas dans le fichier de la marque, donc pas de gain.".to_owned()
        }
        Statement::Won { win, place, after } => {
            let place = place.map(|place| format!(", place {}", number(place))).unwrap_or_default();
            let after = after.map(|after| format!(", {} après le clic", French.duration(after)));
            format!("Gagné\u{a0}: {}{place}{}.", won(win), after.unwrap_or_default())
        }
        Statement::Consolation { win } => format!("A reçu le lot de consolation\u{a0}: {}.", won(win)),
        Statement::CodeOwed { place } => format!(
            "A la place {}, mais il n’y a plus de code. Le code suit dès que des codes sont ajoutés.",
            number(*place)
        ),
        _ => "Crédité. Il n’y a rien à gagner de cette façon.".to_owned(),
    }
}

fn won(win: &Win) -> String {
    match win {
        Win::Code(code) => format!("code {code}"),
        Win::Value(amount) => French.amount(*amount),
    }
}

fn in_line(statement: &Statement) -> String {
    match statement {
        Statement::Waiting { quantity, late_by, in_line } => {
            let taken = match (quantity, late_by) {
                (Some(quantity), Some(late_by)) => format!(
                    "La {} place est partie {} avant ce clic.",
                    ordinal(*quantity),
                    French.duration(*late_by)
                ),
                (Some(1), None) => "La seule place est partie avant ce clic.".to_owned(),
                (Some(quantity), None) => {
                    format!("Les {} places sont parties avant ce clic.", number(*quantity))
                }
                (None, Some(late_by)) => {
                    format!("La dernière place est partie {} avant ce clic.", French.duration(*late_by))
                }
                (None, None) => "Toutes les places sont parties avant ce clic.".to_owned(),
            };
            let line = in_line.map_or_else(
                || "Sur la liste d’attente.".to_owned(),
                |in_line| format!("{} place sur la liste d’attente.", ordinal(in_line)),
            );
            format!("{taken} {line}")
        }
        Statement::PlacesHeld { held: 1 } => {
            "Une place est encore gardée pour quelqu’un qui n’est pas crédité\u{a0}; si elle se libère, elle revient au premier de la liste."
                .to_owned()
        }
        Statement::PlacesHeld { held } => format!(
            "{} places sont encore gardées pour des personnes qui ne sont pas créditées\u{a0}; chaque place libérée revient au premier de la liste.",
            number(*held)
        ),
        Statement::SoldOut { quantity: Some(1) } => "La seule place est définitivement attribuée.".to_owned(),
        Statement::SoldOut { quantity: Some(quantity) } => {
            format!("Les {} places sont définitivement attribuées.", number(*quantity))
        }
        Statement::WaitsForOwn { way, place } => {
            format!("A déjà une place{}\u{a0}; une personne reçoit un seul gain.", by_way(*way, *place))
        }
        _ => "Toutes les places sont définitivement attribuées.".to_owned(),
    }
}

fn raffle(statement: &Statement, now: Timestamp) -> String {
    match statement {
        Statement::RaffleLost { drawn_at, of } => {
            let drawn_at = drawn_at.map(|at| format!(" Tirage à {}", French.moment(at, now)));
            let of = of.map(|(tickets, winners)| {
                let plural = |number: u32| if number > 1 { "s" } else { "" };
                let count = format!("{} gagnant{}", number(winners), plural(winners));
                format!("\u{a0}: {count} pour {} ticket{}", number(tickets), plural(tickets))
            });
            let drawn = drawn_at.map(|drawn_at| format!("{drawn_at}{}.", of.unwrap_or_default()));
            format!(
                "A participé au tirage, sans être tiré.{} Le sceau est vérifiable.",
                drawn.unwrap_or_default()
            )
        }
        Statement::InRaffle { drawn_from, tickets } => {
            let drawn = drawn_from
                .map(|from| format!(" Il a lieu à partir de {}.", French.moment(from, now)))
                .unwrap_or_default();
            let among = match tickets {
                Some(tickets @ 0..=1) => format!(" Il y a {} ticket.", number(*tickets)),
                Some(tickets) => format!(" Il y a {} tickets.", number(*tickets)),
                None => String::new(),
            };
            format!("A un ticket pour le tirage, qui n’a pas encore eu lieu.{drawn}{among}")
        }
        _ => String::new(),
    }
}

fn no_prize(statement: &Statement) -> String {
    match statement {
        Statement::NotDrawn => "A participé au tirage, sans être tiré. Le sceau est vérifiable.".to_owned(),
        Statement::TooSlow { took: Some(took), within: Some(within), since } => format!(
            "{} après {}\u{a0}; seules comptaient les réponses en {} au plus.",
            French.duration(*took),
            moment_that_counts(*since),
            French.length(*within)
        ),
        Statement::TooSlow { .. } => {
            "Réponse trop tardive\u{a0}; seules comptaient les réponses plus rapides.".to_owned()
        }
        Statement::NotOpen { early_by: Some(by) } => {
            format!("Arrivé {} avant l’ouverture.", French.duration(*by))
        }
        Statement::NotOpen { early_by: None } => "Arrivé avant l’ouverture.".to_owned(),
        Statement::Closed { late_by: Some(by) } => {
            format!("Arrivé {} après la fermeture.", French.duration(*by))
        }
        Statement::Closed { late_by: None } => "Arrivé après la fermeture.".to_owned(),
        Statement::CreditedLate => "Arrivé à temps, mais crédité trop tard pour le tirage.".to_owned(),
        Statement::AlreadyRewarded { way, place } => format!("A déjà le gain{}.", by_way(*way, *place)),
        _ => String::new(),
    }
}

fn moment_that_counts(since: Since) -> &'static str {
    match since {
        Since::Opens => "l’ouverture",
        Since::SentAt => "l’envoi",
    }
}

fn by_way(way: Option<Channel>, place: Option<u32>) -> String {
    let way = match way {
        Some(Channel::Email) => ", par e-mail",
        Some(Channel::Sms) => ", par SMS",
        Some(Channel::Event) => ", par un événement",
        None => "",
    };
    let place = place.map(|place| format!(", place {}", number(place))).unwrap_or_default();
    format!("{way}{place}")
}

fn waits(held_up: HeldUp, now: Timestamp) -> String {
    let HeldUp { cause, since } = held_up;
    let since =
        format!("depuis {}, soit {}", French.moment(since, now), French.duration(between(since, now)));
    match cause {
        Cause::Unreachable => {
            format!("Braze ne répond plus {since}. Rien n’est perdu\u{a0}; un nouvel essai suit.")
        }
        Cause::AnswerLost => format!(
            "La réponse de Braze s’est perdue\u{a0}; il en est ainsi {since}. Rien n’est perdu\u{a0}; l’effet de la requête est vérifié."
        ),
        Cause::Throttled => {
            format!(
                "Braze répond «\u{a0}trop de requêtes\u{a0}» (429) {since}. Rien n’est perdu\u{a0}; un nouvel essai suit."
            )
        }
        Cause::BrazeFailed => {
            format!(
                "Braze répond par des erreurs (5xx) {since}. Rien n’est perdu\u{a0}; un nouvel essai suit."
            )
        }
        Cause::NotTaken => {
            format!("Braze n’accepte pas la requête {since}. Rien n’est perdu\u{a0}; un nouvel essai suit.")
        }
        Cause::KeyRefused => {
            format!(
                "Braze refuse la clé d’API {since}. Rien n’est perdu\u{a0}; quelqu’un doit corriger la clé."
            )
        }
        Cause::NoKey => format!(
            "Nous ne pouvons pas utiliser la clé d’API {since}. Rien n’est perdu\u{a0}; quelqu’un doit regarder le secret."
        ),
        Cause::UnknownGroup => format!(
            "Braze ne connaît pas le groupe d’abonnement {since}. Rien n’est perdu\u{a0}; quelqu’un doit corriger le fichier de la marque."
        ),
        Cause::NoSlot => {
            format!(
                "En attente de son tour {since}, car Braze n’autorise pas plus de requêtes pour l’instant."
            )
        }
        Cause::NoTerms => {
            format!("Le fichier de la marque n’a plus l’activation ou cette façon de participer {since}.")
        }
        Cause::AnotherCreates => {
            format!("Une autre participation de la même personne crée le profil {since}.")
        }
        Cause::Building => format!("Braze construit le profil {since}."),
        Cause::Subscribing => {
            format!("Le numéro a été inscrit\u{a0}; Braze ne l’a pas encore confirmé {since}.")
        }
        Cause::Asked => format!("La personne a été invitée à confirmer et n’a pas répondu {since}."),
        Cause::NoProfile => format!(
            "Aucun profil de Braze n’a l’adresse ou le numéro de la personne {since}\u{a0}; une nouvelle recherche suit."
        ),
        Cause::Unknown(_) => {
            format!("En attente {since}, pour une raison que seule une version plus récente connaît.")
        }
    }
}
