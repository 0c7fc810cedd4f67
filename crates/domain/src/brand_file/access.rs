//! `[webhook]`, `[intake]` and `[callback]`: who may send requests for a brand, and where its callbacks go.

use url::Url;

use crate::brand::{BrazeUrl, CallbackTarget, IntakeAccess, Repeats};
use crate::brand_file::Resolver;
use crate::brand_file::claims::Unique;
use crate::brand_file::reading::Reading;
use crate::brand_file::secrets::SecretPurpose;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::{private, secret};
use crate::token::TokenHash;

pub(super) fn webhook(mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Vec<TokenHash> {
    let field = section.required("tokens_sha256");
    let items = field.as_ref().and_then(|field| field.items());
    if let Some(field) = field.filter(|_| items.as_ref().is_some_and(Vec::is_empty)) {
        field.doubt("is empty: no webhook is accepted");
    }
    let items = items.unwrap_or_default();
    section.finish();
    let token = |item: &Field<'_>| {
        let token = item.parsed(TokenHash::parse)?;
        reading.claims.add(item, Unique::Token(token)).then_some(token)
    };
    items.iter().filter_map(token).collect()
}

pub(super) fn intake(mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> IntakeAccess {
    let origins = section.optional("origins").and_then(|field| field.items()).unwrap_or_default();
    let origin_of = |item: &Field<'_>| {
        let origin = item.parsed(origin)?;
        if origin.starts_with("http://") && !is_of_this_machine(&origin) {
            item.doubt("is not https: anyone on the network path can read and change such a page");
        }
        Some(origin)
    };
    let origins = origins.iter().filter_map(origin_of).collect();
    let signing_secret = section.optional("signing_secret");
    let said = section.optional("open_to_anybody").map(|field| field.boolean());
    let open_to_anybody = said.flatten().unwrap_or(false);
    reading.signs = signing_secret.is_some();
    // A secret that does not exist is reported separately.
    reading.unguarded = signing_secret.is_none() && !open_to_anybody && said != Some(None);
    let signing_secret =
        signing_secret.and_then(|field| secret(&field, SecretPurpose::Intake, reading.resolver));
    let repeats = section.optional("repeats").and_then(|field| repeats(&field));
    section.finish();
    IntakeAccess { origins, signing_secret, open_to_anybody, repeats: repeats.unwrap_or_default() }
}

fn repeats(field: &Field<'_>) -> Option<Repeats> {
    let repeats = field.word(&[("quiet", Repeats::Quiet), ("tell", Repeats::Tell)])?;
    if repeats == Repeats::Tell {
        field.warn(
            "a caller that posts an address that takes part already gets its id, and can read what it won; without this key it does not",
        );
    }
    Some(repeats)
}

/// Reads an origin as browsers send it: a scheme and a host, without a path.
fn origin(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "must be an origin, as https://promo.example.com";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let origin = url.origin().ascii_serialization();
    let web = matches!(url.scheme(), "https" | "http");
    if web && origin == text { Ok(origin) } else { Err(FORM) }
}

/// Whether a page is on this machine, as when a developer tries it out.
fn is_of_this_machine(origin: &str) -> bool {
    BrazeUrl::parse(origin).is_ok_and(|endpoint| endpoint.is_loopback())
}

pub(super) fn callback(mut section: Section<'_>, resolver: &dyn Resolver) -> Option<CallbackTarget> {
    let allowing = section.optional("allow_private");
    let said = allowing.as_ref().map(|field| field.boolean());
    let allow_private = said.flatten().unwrap_or(false);
    if let Some(field) = allowing.filter(|_| allow_private) {
        private(&field, resolver, "lets callbacks go to private addresses");
    }
    // If `allow_private` is wrong, it is not known whether http is allowed.
    let takes_http = allow_private || said == Some(None);
    let url = section.required("url").and_then(|field| field.parsed(|text| address(text, takes_http)));
    let secret =
        section.required("secret").and_then(|field| secret(&field, SecretPurpose::Callback, resolver));
    section.finish();
    Some(CallbackTarget { url: url?, secret: secret?, allow_private })
}

fn address(text: &str, takes_http: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL with a host and without user name");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if takes_http => Ok(url),
        _ => Err("must be https"),
    }
}
