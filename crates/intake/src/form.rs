//! A form that a page posts without a script. It is read into the members that JSON would have, and its answer is a page.

mod page;
mod words;

use axum::extract::Request;
use axum::response::Response;
use domain::answers::AnswerKind;
use domain::brand::Brand;
use http::{HeaderMap, Method, header};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::field_error::FieldError;
use crate::problem::Problem;
pub(crate) use words::PageLanguage;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The objects whose members a form names behind a dot.
const OBJECTS: [&str; 2] = ["attributes", "consent"];

/// What a form says about its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FormWishes {
    /// The language of the answer, instead of the browser's.
    language: Option<PageLanguage>,
    /// The page that a consumer who takes part comes to.
    pub(crate) return_to: Option<String>,
}

/// Whether a body is declared as a form.
pub(crate) fn is_declared(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|declared| declared.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(CONTENT_TYPE)
}

/// Reads a form. Fields that are left empty count as absent, because a form always sends them.
pub(crate) fn read(bytes: &[u8]) -> Result<(Map<String, Value>, FormWishes), Problem> {
    let (mut members, mut wishes) = (Map::new(), FormWishes::default());
    for (name, value) in form_urlencoded::parse(bytes) {
        if domain::invisible::trim(&value).is_empty() {
            continue;
        }
        let value = value.into_owned();
        match name.split_once('.') {
            Some((object, member)) if OBJECTS.contains(&object) => {
                let object = members.entry(object).or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(object) = object else { return Err(repeated()) };
                match object.get_mut(member) {
                    None => {
                        object.insert(member.to_owned(), value.into());
                    }
                    Some(Value::Array(several)) => several.push(value.into()),
                    Some(one) => *one = Value::from(vec![one.take(), value.into()]),
                }
            }
            _ if name == "lang" => wishes.language = PageLanguage::named(&value),
            _ if name == "return_to" => wishes.return_to = Some(value),
            _ => {
                if members.insert(name.into_owned(), value.into()).is_some() {
                    return Err(repeated());
                }
            }
        }
    }
    ticked(members.get_mut("consent"));
    Ok((members, wishes))
}

fn repeated() -> Problem {
    Problem::malformed("A field is repeated.")
}

/// Reads boxes that are ticked as answers: the consent is `true`, or an object whose `email` and `sms` are.
fn ticked(consent: Option<&mut Value>) {
    match consent {
        Some(Value::Object(members)) => {
            for name in ["email", "sms"] {
                if let Some(answer) = members.get_mut(name) {
                    as_boolean(answer);
                }
            }
        }
        Some(answer) => as_boolean(answer),
        None => {}
    }
}

fn as_boolean(answer: &mut Value) {
    match answer.as_str() {
        Some("on" | "true" | "1" | "yes") => *answer = true.into(),
        Some("off" | "false" | "0" | "no") => *answer = false.into(),
        Some(_) | None => {}
    }
}

/// Gives the answers the types that the activation lists: a form has texts only.
pub(crate) fn typed<'a>(answers: &mut Map<String, Value>, kind: impl Fn(&str) -> Option<&'a AnswerKind>) {
    for (name, answer) in answers {
        match kind(name) {
            Some(AnswerKind::Number { .. }) => as_number(answer),
            Some(AnswerKind::Boolean) => as_boolean(answer),
            Some(AnswerKind::List { .. }) if answer.is_string() => *answer = Value::from(vec![answer.take()]),
            Some(AnswerKind::Text(_) | AnswerKind::Date | AnswerKind::List { .. }) | None => {}
        }
    }
}

fn as_number(answer: &mut Value) {
    let Some(text) = answer.as_str().map(str::trim) else { return };
    let whole = text.parse::<i64>().ok().map(Value::from);
    if let Some(number) = whole.or_else(|| text.parse::<f64>().ok().map(Value::from).filter(Value::is_number))
    {
        *answer = number;
    }
}

/// Refuses a form that does not come from a page of the brand. A browser lets any page post a form, and says which one did.
pub(crate) fn of_the_brand(brand: &Brand, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A page whose policy hides the address of the page sends `null`.
    let said = text(header::ORIGIN).filter(|origin| *origin != "null").map(str::to_owned);
    let origin = said.or_else(|| origin_of(text(header::REFERER)?));
    match origin {
        Some(origin) if brand.intake.origins.contains(&origin) => Ok(()),
        Some(_) | None => Err(Problem::unlisted_origin()),
    }
}

/// Refuses to send the consumer anywhere but to a page of the brand.
pub(crate) fn returns_to(brand: &Brand, wishes: &mut FormWishes) -> Result<(), Problem> {
    let Some(asked) = &wishes.return_to else { return Ok(()) };
    let url = Url::parse(asked).ok().filter(|url| {
        let origin = url.origin().ascii_serialization();
        url.username().is_empty() && url.password().is_none() && brand.intake.origins.contains(&origin)
    });
    let refused =
        || FieldError::new("return_to", "is not a page of an origin that the brand lists", "page-unlisted");
    wishes.return_to = Some(url.map(String::from).ok_or_else(|| Problem::invalid(vec![refused()]))?);
    Ok(())
}

fn origin_of(page: &str) -> Option<String> {
    Url::parse(page).ok().map(|url| url.origin().ascii_serialization())
}

/// The language that the browser of a form prefers; `None` if the request posts no form.
pub(crate) fn language_of(request: &Request) -> Option<PageLanguage> {
    if request.method() != Method::POST || !is_declared(request.headers()) {
        return None;
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Some(PageLanguage::preferred(accepted.unwrap_or_default()))
}

/// Turns the answer to a form into a page.
pub(crate) async fn as_page(mut response: Response, of_browser: PageLanguage) -> Response {
    let wishes = response.extensions_mut().remove::<FormWishes>().unwrap_or_default();
    page::of(response, wishes.return_to.as_deref(), wishes.language.unwrap_or(of_browser)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(form: &str) -> Value {
        Value::Object(read(form.as_bytes()).ok().unwrap().0)
    }

    #[test]
    fn a_form_is_read_into_the_members_that_json_would_have() {
        let form = "scope=spring&email=ada%40example.com&phone=&attributes.size=M&attributes.likes=a&attributes.likes=b\
                    &attributes.likes=c&consent.email=on&consent.text_id=t-1";
        assert_eq!(
            members(form),
            json!({
                "scope": "spring", "email": "ada@example.com",
                "attributes": { "size": "M", "likes": ["a", "b", "c"] },
                "consent": { "email": true, "text_id": "t-1" },
            })
        );
        assert_eq!(members("consent=on"), json!({ "consent": true }));
    }

    #[test]
    fn the_language_and_the_page_to_return_to_are_no_members() {
        let (members, wishes) = read(b"lang=fr&return_to=https%3A%2F%2Fa.example%2Fx&scope=s").ok().unwrap();
        assert_eq!(Value::Object(members), json!({ "scope": "s" }));
        assert_eq!(wishes.return_to.as_deref(), Some("https://a.example/x"));
        assert_eq!(wishes.language, Some(PageLanguage::French));
    }

    #[test]
    fn a_repeated_field_is_refused() {
        for form in ["scope=a&scope=b", "consent=on&consent.email=on", "consent.email=on&consent=on"] {
            assert!(read(form.as_bytes()).is_err(), "{form}");
        }
    }

    #[test]
    fn a_text_that_is_no_number_stays_a_text() {
        let mut values = [json!("18"), json!(" 1.5 "), json!("ten"), json!("NaN"), json!("inf")];
        values.iter_mut().for_each(as_number);
        assert_eq!(values, [json!(18), json!(1.5), json!("ten"), json!("NaN"), json!("inf")]);
    }
}
