//! Who signed a request, and whose limit it counts against.

use domain::Timestamp;
use domain::brand::Brand;
use domain::ids::Scope;
use domain::participation::Participation;
use domain::seen::Asking;
use http::HeaderMap;
use secrecy::ExposeSecret;

use crate::body::Received;
use crate::clients::{Asks, Caller, claims_to_be_signed};
use crate::problem::Problem;
use crate::{Intake, failing, signature};

/// Counts a request that claims to be signed: against the brand if the claim is true, or else against its client. Other requests were
/// counted before.
pub(super) fn counted(
    intake: &Intake,
    signer: Result<Option<&Brand>, Problem>,
    headers: &HeaderMap,
    (asks, caller): (Asks, Option<Caller>),
) -> Result<Asking, Problem> {
    if let Ok(Some(brand)) = &signer {
        intake.limits.brand(&brand.id)?;
    } else if claims_to_be_signed(headers) {
        intake.limits.client(asks, caller)?;
    }
    Ok(if signer?.is_some() { Asking::Signed } else { Asking::Unsigned })
}

/// The brand that signed the request; `None` if the brand does not sign. If it signs, an unsigned request is refused before anything is
/// said about the body.
pub(super) async fn signed<'a>(
    intake: &'a Intake,
    headers: &HeaderMap,
    body: &Received,
    now: Timestamp,
) -> Result<Option<&'a Brand>, Problem> {
    let scope = body.members.peek("scope").and_then(|text| Scope::parse(text).ok());
    let brand = scope.and_then(|scope| Some(intake.brands.activation(&scope)?.0));
    let Some(brand) = brand.filter(|brand| brand.intake.signing_secret.is_some()) else {
        return Ok(None);
    };
    verified(intake, brand, headers, &body.raw, now).await
}

/// Checks the signature of a path. A caller with a signature of a brand that signs may know why a participation ended; anybody may ask
/// without one.
pub(super) async fn signed_path<'a>(
    intake: &'a Intake,
    headers: &HeaderMap,
    path: &str,
    participation: &Participation,
) -> Result<Option<&'a Brand>, Problem> {
    match intake.brands.brand(participation.brand()) {
        Some(brand) if headers.contains_key(signature::SIGNATURE_HEADER) => {
            verified(intake, brand, headers, path.as_bytes(), intake.clock.now()).await
        }
        Some(_) | None => Ok(None),
    }
}

/// Checks a signature, if the brand has a signing secret.
async fn verified<'a>(
    intake: &Intake,
    brand: &'a Brand,
    headers: &HeaderMap,
    signed: &[u8],
    now: Timestamp,
) -> Result<Option<&'a Brand>, Problem> {
    let Some(secret) = &brand.intake.signing_secret else { return Ok(None) };
    let secret = intake.secrets.get(secret).await.map_err(|error| {
        let refused = "A request was refused with 503.";
        failing::say(intake, "intake.no_secret", brand.id.as_str(), &error, refused);
        Problem::unavailable()
    })?;
    let secret = secret.expose_secret();
    if let Some(flaw) = signature::flaw(secret)
        && let Some(line) = intake.troubles.repeats().line("intake.flawed_secret", brand.id.as_str(), now)
    {
        tracing::error!(event = "intake.flawed_secret", brand = %brand.id, flaw, times = line.times, since = %line.since, "The signing secret has a flaw; participations are still accepted.");
    }
    signature::verify(headers, signed, secret, now).map_err(|why| {
        if let Some(line) = intake.troubles.repeats().line("intake.unsigned", brand.id.as_str(), now) {
            tracing::warn!(event = "intake.unsigned", brand = %brand.id, times = line.times, why = ?why, "A request was not signed correctly.");
        }
        Problem::unsigned(why)
    })?;
    Ok(Some(brand))
}
