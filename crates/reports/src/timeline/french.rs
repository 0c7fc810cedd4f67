//! The words of a timeline in French.

use domain::participation::{Cause, Code};

pub(super) fn code(code: Code) -> &'static str {
    match code {
        Code::LookedUp => "Recherche dans Braze",
        Code::Confirmed => "Braze interrogé\u{a0}: le profil existe-t-il encore",
        Code::LookedWhetherBuilt => "Braze interrogé\u{a0}: le profil est-il visible",
        Code::AskedSubscription => "Braze interrogé\u{a0}: la personne est-elle inscrite",
        Code::AskedConsentGroups => "Braze interrogé\u{a0}: quels groupes la personne a-t-elle quittés",
        Code::LookedForEvent => "Recherche de l’événement sur le profil",
        Code::Created => "Profil créé",
        Code::Updated => "Profil mis à jour",
        Code::Subscribed => "Numéro inscrit",
        Code::ConsentWritten => "Consentement écrit",
        Code::NumberTakenBack => "Numéro retiré d’un autre profil",
        Code::RewardWritten => "Gain écrit sur le profil",
        Code::WrittenAgain => "Nouvelle écriture sur le profil",
        Code::WaitedForAnother => "Attente d’une autre participation de la même personne",
        Code::Building => "Braze a commencé à construire le profil",
        Code::Asked => "La personne a été invitée à confirmer",
        Code::OptedIn => "La personne a confirmé",
        Code::Verified => "Braze a confirmé l’inscription",
        Code::Heard => "Un webhook a annoncé l’inscription",
        Code::Credited => "Crédité",
        Code::Released => "Place libérée",
        Code::Moved => "Le profil a été fusionné ou supprimé\u{a0}; un autre le remplace",
        Code::Missing => "Relecture\u{a0}: il manquait quelque chose",
        Code::NoProfile => "Aucun profil n’avait l’adresse ou le numéro",
        Code::GivenUp => "Abandonné\u{a0}; c’est signalé",
        Code::ConsentNotWritten => "Consentement non écrit",
        Code::ConsentWithdrawn => "Consentement à l’e-mail retiré",
        Code::DetailsReplaced => "Données remplacées par une demande ultérieure",
        Code::WithoutTerms => "Le fichier de la marque n’avait pas les conditions",
        Code::TriedNow => "Nouvel essai demandé par un opérateur",
        Code::Ended => "Terminé",
        Code::Forgotten => "Les données de la personne ont été effacées",
        Code::Unknown(_) => "Une étape que seule une version plus récente connaît",
    }
}

pub(super) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Unreachable => "Braze était injoignable",
        Cause::AnswerLost => "la réponse de Braze s’est perdue",
        Cause::Throttled => "trop de requêtes (429)",
        Cause::BrazeFailed => "erreur de Braze (5xx)",
        Cause::NotTaken => "Braze n’a pas accepté la requête",
        Cause::KeyRefused => "Braze a refusé la clé d’API",
        Cause::NoKey => "la clé d’API était inutilisable",
        Cause::UnknownGroup => "Braze ne connaît pas le groupe d’abonnement",
        Cause::NoSlot => "il a fallu attendre un créneau de requête",
        Cause::NoTerms => "le fichier de la marque n’a pas les conditions",
        Cause::AnotherCreates => "une autre participation crée le profil",
        Cause::Building => "Braze construit le profil",
        Cause::Subscribing => "Braze n’a pas encore confirmé l’inscription",
        Cause::Asked => "la personne a été invitée à confirmer",
        Cause::NoProfile => "aucun profil n’a l’adresse ou le numéro",
        Cause::Unknown(_) => "une raison que seule une version plus récente connaît",
    }
}
