//! Everything about a person as a page that the person can read. It has no scripts and loads nothing.

use std::fmt::Write;

use reports::html::escaped;
use serde_json::Value;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>What is stored about you</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere }
th { width: 12rem; font-weight: 600 }
</style>
</head>
<body>
<h1>What is stored about you</h1>
";

/// The page.
pub(super) fn page(told: &Value) -> String {
    let mut page = HEAD.to_owned();
    value(&mut page, told);
    page.push_str("</body>\n</html>\n");
    page
}

/// Shows members as rows, and items one below the other. Empty values are left out.
fn value(page: &mut String, told: &Value) {
    match told {
        Value::Object(members) => {
            page.push_str("<table>\n");
            for (name, member) in members.iter().filter(|(_, member)| !is_empty(member)) {
                let _never_fails =
                    write!(page, "<tr><th scope=\"row\">{}</th><td>", escaped(&name.replace('_', " ")));
                value(page, member);
                page.push_str("</td></tr>\n");
            }
            page.push_str("</table>\n");
        }
        Value::Array(items) => items.iter().for_each(|item| {
            page.push_str("<div>");
            value(page, item);
            page.push_str("</div>\n");
        }),
        Value::Null => {}
        Value::Bool(true) => page.push_str("yes"),
        Value::Bool(false) => page.push_str("no"),
        Value::Number(number) => page.push_str(&number.to_string()),
        Value::String(text) => page.push_str(&escaped(text)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_texts_are_no_markup() {
        let hostile = "<script>alert(1)</script><img src=x onerror='a'>\"&";
        let page = page(&json!({ hostile: [hostile, { "a": hostile }], "none": null, "nobody": [] }));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 3);
        assert!(!page.contains("none</th>") && !page.contains("nobody"));
    }
}
