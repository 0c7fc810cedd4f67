//! `[webhook]`, `[intake]` and `[callback]`: who may come in from a brand's side, and where its news go.

use url::Url;

use crate::brand::{Callback, IntakeAccess, Repeats};
use crate::brand_file::Surroundings;
use crate::brand_file::claims::Unique;
use crate::brand_file::read::{Reading, secret};
use crate::brand_file::section::{Field, Section};
use crate::token::TokenHash;

pub(super) fn webhook(mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Vec<TokenHash> {
    let items = section.required("tokens_sha256").and_then(|field| field.items()).unwrap_or_default();
    section.finish();
    let token = |item: &Field<'_>| {
        let token = item.parsed(TokenHash::parse)?;
        reading.claims.add(item, Unique::Token(token)).then_some(token)
    };
    items.iter().filter_map(token).collect()
}

pub(super) fn intake(mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> IntakeAccess {
    let origins = section.optional("origins").and_then(|field| field.items()).unwrap_or_default();
    let origins = origins.iter().filter_map(|item| item.parsed(origin)).collect();
    let signing_secret = section.optional("signing_secret");
    let open_to_anybody =
        section.optional("open_to_anybody").and_then(|field| field.boolean()).unwrap_or(false);
    // A secret that is not there is a fault of its own.
    reading.unguarded = signing_secret.is_none() && !open_to_anybody;
    let signing_secret = signing_secret.and_then(|field| secret(&field, reading.surroundings));
    let repeats = section.optional("repeats").and_then(|field| repeats(&field));
    section.finish();
    IntakeAccess { origins, signing_secret, open_to_anybody, repeats: repeats.unwrap_or_default() }
}

fn repeats(field: &Field<'_>) -> Option<Repeats> {
    let repeats = field.word(&[("quiet", Repeats::Quiet), ("tell", Repeats::Tell)])?;
    if repeats == Repeats::Tell {
        field.warn(
            "whoever posts an address that takes part already is told its id, and so can read what it won; without this key they are not",
        );
    }
    Some(repeats)
}

/// An origin as browsers send it: a scheme and a host, without a path.
fn origin(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "must be an origin, as https://promo.example.com";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let origin = url.origin().ascii_serialization();
    let web = matches!(url.scheme(), "https" | "http");
    if web && origin == text { Ok(origin) } else { Err(FORM) }
}

pub(super) fn callback(mut section: Section<'_>, surroundings: &dyn Surroundings) -> Option<Callback> {
    let allow_private = section.optional("allow_private").and_then(|field| field.boolean()).unwrap_or(false);
    let url = section.required("url").and_then(|field| field.parsed(|text| address(text, allow_private)));
    let secret = section.required("secret").and_then(|field| secret(&field, surroundings));
    section.finish();
    Some(Callback { url: url?, secret: secret?, allow_private })
}

fn address(text: &str, allow_private: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL with a host and without user name");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_private => Ok(url),
        _ => Err("must be https"),
    }
}
