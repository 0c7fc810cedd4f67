//! Doubts about codes that could all be given out: what a spreadsheet or an export may have added to them.

use std::borrow::Cow;

use crate::codes::repeats::repeats;
use crate::codes::shape::marks;

/// Headings of columns of codes, in the languages of the people who use this.
const HEADINGS: &[&str] = &[
    "card",
    "cards",
    "code",
    "codes",
    "codigo",
    "codigos",
    "coupon",
    "coupons",
    "código",
    "códigos",
    "discount",
    "discounts",
    "gift",
    "gutschein",
    "gutscheincode",
    "gutscheincodes",
    "gutscheine",
    "id",
    "key",
    "keys",
    "no",
    "number",
    "offer",
    "promo",
    "promocode",
    "promocodes",
    "promos",
    "promotion",
    "promotional",
    "reward",
    "rewards",
    "unique",
    "voucher",
    "vouchers",
];

const QUOTES: [char; 15] = ['"', '\'', '`', '´', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '‹', '›'];

/// Characters that separate columns; a tab is refused.
const SEPARATORS: [char; 3] = [',', ';', '|'];

type IsDoubtful = fn(&str) -> bool;

/// One sentence for each kind of doubt, with its first line.
pub(super) fn all(codes: &[String], lines: &[usize]) -> Vec<String> {
    let mut doubts = Vec::new();
    if let (true, Some(line)) = (begins_with_a_heading(codes), lines.first()) {
        doubts.push(format!("line {line} looks like a heading, and would be handed out: remove it"));
    }
    let kinds: [(IsDoubtful, &str); 3] = [
        (is_quoted, "in quotes, which would be handed out, too"),
        (
            has_separator,
            "with a comma, semicolon or bar: the text of another column would be handed out, too",
        ),
        (is_rounded, "that a spreadsheet has written as a power of ten: the remaining digits are lost"),
    ];
    for (is_doubtful, what) in kinds {
        let mut found = codes.iter().zip(lines).filter(|(code, _)| is_doubtful(code)).map(|(_, line)| line);
        if let Some(first) = found.next() {
            doubts.push(format!("{} {what}", at(*first, found.count())));
        }
    }
    doubts.extend(case(codes, lines));
    doubts
}

/// Names the lines: `line 3 has a code`, or `line 3 and 11 others have codes`.
fn at(first: usize, others: usize) -> String {
    match others {
        0 => format!("line {first} has a code"),
        1 => format!("line {first} and 1 other have codes"),
        _ => format!("line {first} and {others} others have codes"),
    }
}

/// Whether the first line is a heading: a known word, or a text without a digit and with another shape than
/// every other line.
fn begins_with_a_heading(codes: &[String]) -> bool {
    let Some((first, others)) = codes.split_first() else { return false };
    if first.chars().any(char::is_numeric) {
        return false;
    }
    let column = first.split(SEPARATORS).next().unwrap_or_default().to_lowercase();
    let mut words = column.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_some() && words.all(|word| HEADINGS.contains(&word)) {
        return true;
    }
    others.len() > 1 && !others.iter().any(|other| marks(other).eq(marks(first)))
}

fn is_quoted(code: &str) -> bool {
    code.starts_with(QUOTES) || code.ends_with(QUOTES)
}

fn has_separator(code: &str) -> bool {
    code.contains(SEPARATORS)
}

/// Whether a code is a rounded number such as `1.23457E+15`.
fn is_rounded(code: &str) -> bool {
    let Some((mantissa, exponent)) = code.split_once("E+") else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(exponent) && mantissa.split(['.', ',']).all(digits)
}

/// Finds codes that differ from another one only in case: shops seldom tell them apart, and people never do.
fn case(codes: &[String], lines: &[usize]) -> Option<String> {
    // Most files have only capitals, so there is nothing to compare.
    let any = |is: fn(char) -> bool| codes.iter().any(|code| code.chars().any(is));
    if !any(char::is_lowercase) || !any(char::is_uppercase) {
        return None;
    }
    let found = repeats(codes, |code| Cow::Owned(code.to_lowercase()));
    let (first, others) = found.split_first()?;
    let line = lines.get(*first)?;
    Some(format!("{} in which only upper and lower case differ from an earlier one", at(*line, others.len())))
}
