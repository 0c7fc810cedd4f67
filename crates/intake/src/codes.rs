//! The stable codes of errors. [The front end's page](../../../docs/front-end.md) lists them; a test writes that list from here.

/// A code, what it means, and its parameters.
struct ListedCode {
    code: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the test that writes the documents reads it"))]
    means: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the test that writes the documents reads it"))]
    params: &'static [&'static str],
}

const fn listed(code: &'static str, means: &'static str) -> ListedCode {
    ListedCode { code, means, params: &[] }
}

const fn with(code: &'static str, params: &'static [&'static str], means: &'static str) -> ListedCode {
    ListedCode { code, means, params }
}

/// The codes of fields.
const FIELDS: &[ListedCode] = &[
    listed("missing", "the field is required"),
    listed("unknown_field", "there is no such field"),
    with("wrong_type", &["expected"], "the value is of another type"),
    with("out_of_range", &["min", "max"], "the number is too small or too great"),
    with("too_long", &["longest"], "the text is too long"),
    listed("misplaced", "the field belongs into another one"),
    listed("unknown-scope", "no activation has this scope"),
    with("activation-not-open", &["opens_at"], "the activation is not open yet"),
    with("activation-closed", &["closed_at"], "the activation is closed"),
    listed("activation-full", "the activation has as many participations as it allows"),
    listed("email-empty", "the address is empty"),
    listed("email-invalid", "this is not an address that mail can be delivered to"),
    listed("email-invisible", "the address contains an invisible character"),
    with("email-too-long", &["longest"], "the address is too long"),
    listed("email-not-offered", "nobody can take part by e-mail"),
    listed("phone-empty", "the number is empty"),
    listed("phone-invalid", "this is not a phone number of its country"),
    listed("phone-extension", "the number has an extension"),
    listed("phone-not-offered", "nobody can take part by mobile number"),
    listed("phone-other-country", "the activation does not accept numbers of this country"),
    listed("phone-fixed-line", "this is a fixed line"),
    listed("phone-voip", "this is a number of a telephone service on the internet"),
    listed("phone-toll-free", "this is a toll-free number"),
    listed("phone-premium-rate", "this is a premium-rate number"),
    listed("phone-shared-cost", "this is a shared-cost number"),
    listed("phone-personal", "this is a personal number, which is forwarded"),
    listed("phone-pager", "this is a pager"),
    listed("phone-company", "this is the number of a company as a whole"),
    listed("phone-voice-mail", "this is a voice mailbox"),
    listed("phone-international", "this number belongs to no country"),
    listed("phone-unknown-kind", "nothing says that this number can receive text messages"),
    listed("unknown_attribute", "the activation does not list the attribute"),
    with("attribute_type", &["expected"], "the value is of another type"),
    with(
        "attribute_range",
        &["shortest", "longest", "min", "max", "most", "choices"],
        "the value is too long, too short, too small or too great, not among the choices, or of another form",
    ),
    listed("attribute_missing", "a required attribute is absent"),
    listed("attribute_name", "an attribute's name has 1 to 255 characters without space around them"),
    listed("attribute_reserved", "the name has a meaning for Braze"),
    with("attributes-too-many", &["most"], "there are too many attributes"),
    with(
        "attributes-too-large",
        &["most_bytes"],
        "names and values of all attributes are too large together",
    ),
    listed("unrendered-liquid", "the value is a piece of a template"),
    listed("consent_missing", "taking part requires this consent"),
    listed("consent_not_asked", "the activation does not ask for this consent"),
    listed("consent_without_email", "a consent to e-mail needs an `email`"),
    listed("consent_text_missing", "a consent names no text"),
    listed("consent_text_unknown", "the activation has no text of this id"),
    listed("page-invalid", "the page is not an address of http or https"),
    listed("page-unlisted", "the page to return to is of an origin that the brand does not list"),
];

/// The codes that only Braze's webhooks meet. [The marketer's page](../../../docs/marketer.md) is about them.
const OF_WEBHOOKS: &[&str] =
    &["unknown-event", "empty-email", "sent-at-missing", "sent-at-unreadable", "sent-at-ahead"];

/// Whether a code is known to the documents.
pub(crate) fn is_listed(code: &str) -> bool {
    FIELDS.iter().any(|listed| listed.code == code) || OF_WEBHOOKS.contains(&code)
}

/// The types of problems that the front end meets: the status, the last part of the type, and what it means.
#[cfg(test)]
const PROBLEMS: &[(u16, &[&str], &str)] = &[
    (400, &["malformed-body"], "not JSON, not one object, or a key or a field stands twice"),
    (400, &["malformed-idempotency-key"], "the `Idempotency-Key` has another form"),
    (400, &["bad-head"], "the request's head breaks a rule of HTTP"),
    (401, &["unsigned"], "the brand requires a signature, and it is missing, stale or wrong"),
    (403, &["unlisted-origin"], "a form comes from a page of an origin that the brand does not list"),
    (404, &["no-such-activation", "no-such-participation", "no-such-incentive", "no-such-path"], ""),
    (405, &["method-not-allowed"], ""),
    (408, &["body-too-slow"], "the body took longer than 15 s"),
    (413, &["body-too-large"], "over 64 KiB"),
    (415, &["not-json"], "the `Content-Type` is neither JSON nor a form"),
    (422, &["invalid-field"], "a field is missing, unknown or unacceptable"),
    (422, &["unknown-scope"], "no activation has this scope"),
    (
        422,
        &["activation-not-open", "activation-closed", "activation-full"],
        "nobody can take part now; `opens_at` or `closed_at` says when that changes or changed",
    ),
    (422, &["invalid-page"], "`after` or `limit` of a list, or `wait`, is not a number that fits"),
    (429, &["too-many-requests"], "see the limits above; `retry_after_ms` says the same as `Retry-After`"),
    (500, &["internal-error"], "our fault; sending it again does no harm"),
    (500, &["unreadable-participation"], "it is stored and cannot be read; sending it again does not help"),
    (501, &["unknown-transfer-encoding"], "send a `Content-Length`, or `Transfer-Encoding: chunked` alone"),
    (503, &["activation-paused"], "an operator has paused the activation; come again after `Retry-After`"),
    (
        503,
        &["unavailable", "brand-unavailable", "busy"],
        "come again after `Retry-After`, with the same `Idempotency-Key`",
    ),
];

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    fn table_of_problems() -> String {
        let mut table =
            "| status | `type`, after `urn:quikly-braze:` | means |\n| --- | --- | --- |\n".to_owned();
        for (status, kinds, means) in PROBLEMS {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            let space = if means.is_empty() { "" } else { " " };
            writeln!(table, "| {status} | {} |{space}{means} |", kinds.join(", ")).unwrap();
        }
        table
    }

    fn table_of_codes() -> String {
        let mut table = "| `code` | `params` | means |\n| --- | --- | --- |\n".to_owned();
        for ListedCode { code, means, params } in FIELDS {
            let params: Vec<String> = params.iter().map(|name| format!("`{name}`")).collect();
            let params = if params.is_empty() { String::new() } else { format!(" {}", params.join(", ")) };
            writeln!(table, "| `{code}` |{params} | {means} |").unwrap();
        }
        table
    }

    fn with_table(page: &str, name: &str, table: &str) -> String {
        let (begin, end) =
            (format!("<!-- {name}: a test writes this -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{begin} is missing"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{end} is missing"));
        format!("{before}{begin}\n{table}\n{end}{after}")
    }

    #[test]
    fn the_front_ends_page_lists_every_code_and_problem() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/front-end.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let written = with_table(&page, "problems", &table_of_problems());
        let written = with_table(&written, "codes", &table_of_codes());
        if std::env::var_os("WRITE_CODES").is_some() {
            std::fs::write(&path, &written).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(page == written, "run WRITE_CODES=1 cargo test -p intake codes");
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut codes: Vec<&str> =
            FIELDS.iter().map(|listed| listed.code).chain(OF_WEBHOOKS.iter().copied()).collect();
        codes.sort_unstable();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    }

    #[test]
    fn every_problem_of_the_front_end_is_listed() {
        let source = include_str!("problem.rs");
        let of_webhooks =
            ["unknown-event", "empty-email", "unrendered-liquid", "unknown-token", "foreign-scope"];
        let kinds = source.split("\"urn:quikly-braze:").skip(1).filter_map(|rest| rest.split('"').next());
        let listed: Vec<&str> = PROBLEMS.iter().flat_map(|(_, kinds, _)| kinds.iter().copied()).collect();
        let mut found = 0;
        for kind in kinds.filter(|kind| !of_webhooks.contains(kind)) {
            assert!(listed.contains(&kind), "{kind} is not listed");
            found += 1;
        }
        assert_eq!(found, listed.len(), "every listed problem exists once");
    }
}
