//! Why a request was refused, in French.

/// The reason with this code; `None` if this version does not know the code.
pub(super) fn reason(code: &str) -> Option<&'static str> {
    of_field(code).or_else(|| of_contact(code)).or_else(|| of_request(code))
}

/// Codes of fields, of attributes and of the consent.
fn of_field(code: &str) -> Option<&'static str> {
    Some(match code {
        "missing" => "champ manquant",
        "unknown_field" => "champ inconnu",
        "wrong_type" => "valeur d’un autre type",
        "out_of_range" => "nombre hors limites",
        "too_long" => "texte trop long",
        "misplaced" => "champ mal placé",
        "unknown_attribute" => "attribut non prévu",
        "attribute_type" => "attribut d’un autre type",
        "attribute_range" => "attribut hors limites",
        "attribute_missing" => "attribut manquant",
        "attribute_name" => "nom d’attribut inutilisable",
        "attribute_reserved" => "nom d’attribut réservé à Braze",
        "attributes-too-many" => "trop d’attributs",
        "attributes-too-large" => "attributs trop volumineux",
        "unrendered-liquid" => "modèle non rendu",
        "consent_missing" => "consentement manquant",
        "consent_not_asked" => "consentement non demandé",
        "consent_without_email" => "consentement sans adresse e-mail",
        "consent_text_missing" => "texte du consentement manquant",
        "consent_text_unknown" => "texte du consentement inconnu",
        "page-invalid" => "adresse de page inutilisable",
        "page-unlisted" => "page de retour non autorisée",
        "sent-at-missing" => "heure d’envoi manquante",
        "sent-at-unreadable" => "heure d’envoi illisible",
        "sent-at-ahead" => "heure d’envoi dans le futur",
        _ => return None,
    })
}

/// Codes of addresses and numbers.
fn of_contact(code: &str) -> Option<&'static str> {
    Some(match code {
        "email-empty" | "empty-email" => "adresse e-mail vide",
        "email-invalid" => "adresse e-mail inutilisable",
        "email-invisible" => "caractère invisible dans l’adresse e-mail",
        "email-too-long" => "adresse e-mail trop longue",
        "email-not-offered" => "participation par e-mail non proposée",
        "phone-empty" => "numéro vide",
        "phone-invalid" => "numéro inexistant dans son pays",
        "phone-extension" => "numéro avec poste interne",
        "phone-not-offered" => "participation par SMS non proposée",
        "phone-other-country" => "numéro d’un autre pays",
        "phone-fixed-line" => "numéro fixe",
        "phone-voip" => "numéro de téléphonie sur internet",
        "phone-toll-free" => "numéro gratuit",
        "phone-premium-rate" => "numéro surtaxé",
        "phone-shared-cost" => "numéro à coûts partagés",
        "phone-personal" => "numéro personnel renvoyé",
        "phone-pager" => "numéro de messageur",
        "phone-company" => "numéro d’entreprise",
        "phone-voice-mail" => "numéro de boîte vocale",
        "phone-international" => "numéro sans pays",
        "phone-unknown-kind" => "numéro dont rien ne dit qu’il reçoit des SMS",
        _ => return None,
    })
}

/// Codes of activations and of requests as a whole.
fn of_request(code: &str) -> Option<&'static str> {
    Some(match code {
        "unknown-scope" | "no-such-activation" => "activation inconnue",
        "unknown-event" => "événement inconnu",
        "activation-not-open" => "activation pas encore ouverte",
        "activation-closed" => "activation fermée",
        "activation-full" => "activation complète",
        "malformed-body" => "corps illisible",
        "malformed-idempotency-key" => "Idempotency-Key inutilisable",
        "bad-head" => "en-tête HTTP incorrect",
        "unsigned" => "signature absente ou fausse",
        "unlisted-origin" => "formulaire d’une page non autorisée",
        "no-such-participation" => "participation inconnue",
        "no-such-incentive" => "avantage inconnu",
        "no-such-path" => "chemin inconnu",
        "method-not-allowed" => "méthode non acceptée",
        "body-too-slow" => "corps trop lent",
        "body-too-large" => "corps trop volumineux",
        "not-json" => "ni JSON ni formulaire",
        "invalid-field" => "champ inacceptable",
        "invalid-page" => "paramètre hors limites",
        "too-many-requests" => "trop de requêtes",
        "unknown-token" => "jeton absent ou inconnu",
        "foreign-scope" => "activation d’une autre marque",
        _ => return None,
    })
}
