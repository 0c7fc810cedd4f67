//! Reads the JSON of a webhook member by member. Braze sends it once, and a template may put anything into
//! it: a value that is not JSON is dropped without dropping the event.

use serde_json::Value;

/// A value, as far as it can be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Loose {
    /// A text, a number, a boolean or null.
    Plain(Value),
    /// An array or an object.
    Nested,
    /// Not JSON.
    Unreadable,
}

/// The members of an object in their order; `None` if the text is not an object. Bytes that are not UTF-8
/// become replacement characters, and so does half of a surrogate pair.
pub(crate) fn members(bytes: &[u8]) -> Option<Vec<(String, Loose)>> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut rest = text.strip_prefix('{')?;
    let mut members = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = rest.strip_prefix('}') {
            return after.trim().is_empty().then_some(members);
        }
        let end = end_of_string(rest)?;
        let (name, after) = rest.split_at_checked(end)?;
        let name = string(name)?;
        let after = after.trim_start().strip_prefix(':')?;
        let (value, after) = after.split_at_checked(end_of_value(after)?)?;
        members.push((name, loose(value.trim())));
        rest = after;
    }
}

/// The end of a string that begins here, behind its closing quote.
fn end_of_string(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    if bytes.next()?.1 != b'"' {
        return None;
    }
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => {
                bytes.next()?;
            }
            _ => {}
        }
    }
    None
}

/// The end of a value that begins here: before the comma or brace that belongs to the surrounding object.
fn end_of_value(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at += end_of_string(text.get(at..)?)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn loose(text: &str) -> Loose {
    if text.starts_with('"') {
        // Text behind the string is not part of it.
        let whole = end_of_string(text) == Some(text.len());
        return match string(text).filter(|_| whole) {
            Some(text) => Loose::Plain(Value::String(text)),
            None => Loose::Unreadable,
        };
    }
    if text.starts_with(['{', '[']) {
        let nested = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        return if nested { Loose::Nested } else { Loose::Unreadable };
    }
    serde_json::from_str(text).map_or(Loose::Unreadable, Loose::Plain)
}

/// Reads a string with its quotes, which may contain line breaks and halves of surrogate pairs.
fn string(quoted: &str) -> Option<String> {
    if let Ok(text) = serde_json::from_str(quoted) {
        return Some(text);
    }
    let mut mended = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(c) = rest.chars().next() {
        let taken = if c == '\\' { escape(rest, &mut mended)? } else { plain(c, &mut mended) };
        rest = rest.get(taken..)?;
    }
    serde_json::from_str(&mended).ok()
}

fn plain(c: char, mended: &mut String) -> usize {
    if c.is_control() && c.is_ascii() {
        mended.push_str(&format!("\\u{:04x}", u32::from(c)));
    } else {
        mended.push(c);
    }
    c.len_utf8()
}

/// Copies an escape, and half of a surrogate pair as a replacement character. Returns its length.
fn escape(rest: &str, mended: &mut String) -> Option<usize> {
    let unit = |at: usize| {
        let digits = rest.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        let length = 1 + rest.chars().nth(1)?.len_utf8();
        mended.push_str(rest.get(..length)?);
        return Some(length);
    };
    let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low));
    match (first, low) {
        (0xd800..0xdc00, Some(_)) => {
            mended.push_str(rest.get(..12)?);
            Some(12)
        }
        (0xd800..0xe000, _) => {
            mended.push('\u{fffd}');
            Some(6)
        }
        _ => {
            mended.push_str(rest.get(..6)?);
            Some(6)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<(String, Loose)> {
        members(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    fn plain(name: &str, value: Value) -> (String, Loose) {
        (name.to_owned(), Loose::Plain(value))
    }

    #[test]
    fn json_is_read_as_json() {
        let text = r#" {"a": "x,}\"y", "b":1.5, "c" : true,"d":null,"e":[1,{"f":"]"}],"g":{"h":{}}, "\u00e9":"\ud83d\ude00"} "#;
        let expected = vec![
            plain("a", json!("x,}\"y")),
            plain("b", json!(1.5)),
            plain("c", json!(true)),
            plain("d", json!(null)),
            ("e".to_owned(), Loose::Nested),
            ("g".to_owned(), Loose::Nested),
            plain("é", json!("😀")),
        ];
        assert_eq!(read(text), expected);
        assert_eq!(read("{}"), vec![]);
    }

    #[test]
    fn a_value_that_is_not_json_is_the_only_one_lost() {
        let after = plain("z", json!(1));
        for value in
            ["1e400", "", "NaN", "{{custom_attribute.${age}}}", "\"a\" b", "undefined", "[1,", "{\"a\":}"]
        {
            if value == "[1," {
                assert_eq!(members(format!("{{\"a\":{value} ,\"z\":1}}").as_bytes()), None);
                continue;
            }
            let read = read(&format!("{{\"a\":{value} ,\"z\":1}}"));
            assert_eq!(read, [("a".to_owned(), Loose::Unreadable), after.clone()], "{value}");
        }
        for (value, text) in
            [("\"x\\ud83d\"", "x\u{fffd}"), ("\"\\ude00y\"", "\u{fffd}y"), ("\"a\nb\tc\"", "a\nb\tc")]
        {
            assert_eq!(
                read(&format!("{{\"a\":{value},\"z\":1}}")),
                [plain("a", json!(text)), after.clone()],
                "{value}"
            );
        }
        assert_eq!(read("\u{feff}{\"z\":1,}"), std::slice::from_ref(&after));
        let latin = members(b"{\"a\":\"caf\xe9\",\"z\":1}").unwrap();
        assert_eq!(latin, [plain("a", json!("caf\u{fffd}")), after]);
    }

    #[test]
    fn a_text_that_is_not_an_object_is_none() {
        for text in [
            "",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":1",
            "{\"a\":1}}",
            "{a:1}",
            "null",
            "{\"a\":\"b}",
            "{\"a\\u12\":1}",
        ] {
            assert_eq!(members(text.as_bytes()), None, "{text}");
        }
    }
}
