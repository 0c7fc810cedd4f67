//! Bodies that a client may post to intake: random ones, in every allowed form and in some that are not allowed.

use std::collections::BTreeSet;

use fastrand::Rng;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};
use serde_json::{Map, Value, json};

/// Characters that pasted numbers, addresses and texts may have around them, or between their parts.
const PASTED: [&str; 8] = ["", "", "", " ", "\u{a0}", "\u{200b}", "\u{202a}", "\u{feff}"];

/// Letters of several scripts, composed and decomposed, and one beyond sixteen bits.
const LETTERS: &[&str] = &[
    "a",
    "b",
    "m",
    "z",
    "A",
    "Z",
    "0",
    "7",
    "é",
    "e\u{301}",
    "ü",
    "ß",
    "ö",
    "я",
    "Ж",
    "中",
    "文",
    "あ",
    "ก",
    "ي",
    "\u{20bb7}",
];

/// Other characters that the local part of an address may contain.
const ATOMS: &[&str] =
    &["!", "#", "$", "%", "&", "'", "*", "+", "-", "/", "=", "?", "^", "_", "`", "{", "|", "}", "~"];

/// An example of every kind of number of every region that libphonenumber knows.
#[must_use]
pub fn example_phones() -> Vec<String> {
    let mut phones = BTreeSet::new();
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        for kind in [PhoneNumberType::Mobile, PhoneNumberType::FixedLine, PhoneNumberType::FixedLineOrMobile]
        {
            if let Ok(number) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind) {
                phones.insert(number.format_as(PhoneNumberFormat::E164).to_string());
            }
        }
    }
    phones.into_iter().collect()
}

/// A source of random bodies, each with the path that it is posted to.
#[derive(Debug)]
pub struct Bodies {
    dice: Rng,
    phones: Vec<String>,
}

impl Bodies {
    /// Yields the same bodies for the same seed. The brand's activation is `spring`, with an event `signed_in` that has the extras `store`
    /// and `n`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { dice: Rng::with_seed(seed), phones: example_phones() }
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.dice.usize(..texts.len())]
    }

    fn some_of(&mut self, texts: &[&str], most: usize) -> String {
        (0..self.dice.usize(1..=most)).map(|_| self.one_of(texts)).collect()
    }

    /// A number: the beginning of an example, followed by random digits up to any valid length, and spelled in some way.
    fn phone(&mut self) -> String {
        let example = self.dice.usize(..self.phones.len());
        let mut digits = self.phones[example].trim_start_matches('+').to_owned();
        if self.dice.bool() {
            digits.truncate(self.dice.usize(4..=digits.len()));
            let length = self.dice.usize(digits.len()..=digits.len().max(17));
            digits.extend((digits.len()..length).map(|_| self.dice.digit(10)));
        }
        let between = self.one_of(&["", "", " ", "-", ".", "\u{2011}", "\u{2009}"]);
        let spaced: Vec<String> = digits
            .as_bytes()
            .chunks(self.dice.usize(2..6))
            .map(|some| String::from_utf8_lossy(some).into_owned())
            .collect();
        let plus = self.one_of(&["+", "+", "+", "\u{ff0b}", "tel:+", "00"]);
        format!("{}{plus}{}{}", self.one_of(&PASTED), spaced.join(between), self.one_of(&PASTED))
    }

    fn email(&mut self) -> String {
        let local = match self.dice.u8(..5) {
            0 => format!("\"{} {}\"", self.some_of(LETTERS, 12), self.some_of(ATOMS, 4)),
            1 => format!("\"{}\"", self.some_of(LETTERS, 12)),
            2 => format!("{}.{}", self.some_of(LETTERS, 20), self.some_of(ATOMS, 20)),
            3 => "x".repeat(self.dice.usize(1..=66)),
            _ => format!("{}{}", self.some_of(LETTERS, 20), self.some_of(ATOMS, 2)),
        };
        let mut domain: Vec<String> = (0..self.dice.usize(1..4)).map(|_| self.some_of(LETTERS, 20)).collect();
        if self.dice.u8(..8) == 0 {
            domain.push("d".repeat(self.dice.usize(50..=64)));
        }
        domain.push(self.one_of(&["com", "EXAMPLE", "co.uk", "xn--p1ai", "рф", "測試", "x1"]).to_owned());
        let dot = self.one_of(&[".", ".", ".", "\u{3002}"]);
        format!("{}{local}@{}{}", self.one_of(&PASTED), domain.join(dot), self.one_of(&PASTED))
    }

    fn text(&mut self) -> String {
        match self.dice.u8(..6) {
            0 => String::new(),
            1 => "\u{1F600}\"\\\n\t\u{0}".to_owned(),
            2 => "x".repeat(self.dice.usize(..=260)),
            3 => self.dice.u64(..).to_string(),
            _ => self.some_of(LETTERS, 30),
        }
    }

    /// A value of a random kind.
    fn value(&mut self) -> Value {
        match self.dice.u8(..10) {
            0 => json!(self.dice.i64(..)),
            1 => json!(self.dice.u64(..)),
            2 => json!(f64::from_bits(self.dice.u64(..))),
            3 => json!(self.dice.f64()),
            4 => json!([0.0, -0.0, 5e-324, 1.7e308][self.dice.usize(..4)]),
            5 => json!(self.dice.bool()),
            6 => Value::Null,
            _ => json!(self.text()),
        }
    }

    fn attributes(&mut self) -> Map<String, Value> {
        let most = if self.dice.u8(..10) == 0 { 34 } else { 6 };
        (0..self.dice.usize(..=most)).map(|_| (self.some_of(LETTERS, 12), self.value())).collect()
    }

    fn participation(&mut self) -> Value {
        let mut body = json!({ "scope": "spring" });
        let by_phone = self.dice.bool();
        if by_phone {
            body["phone"] = self.phone().into();
            body["consent"] = true.into();
        }
        if !by_phone || self.dice.bool() {
            body["email"] = self.email().into();
        }
        if !by_phone && self.dice.bool() {
            body["consent"] = self.dice.bool().into();
        }
        if self.dice.bool() {
            body["consent_text_id"] = self.text().into();
        }
        if self.dice.bool() {
            body["attributes"] = self.attributes().into();
        }
        body
    }

    fn event(&mut self) -> Value {
        let mut body = json!({ "q_scope": "spring", "event": "signed_in", "email": self.email() });
        for name in ["external_id", "braze_id", "dispatch_id", "sent_at", "store", "n", "other"] {
            if self.dice.u8(..3) == 0 {
                body[name] = self.value();
            }
        }
        if self.dice.u8(..3) == 0 {
            body["external_id"] = self.text().into();
        }
        body
    }
}

/// The sequence has no end.
impl Iterator for Bodies {
    type Item = (&'static str, Value);

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.dice.u8(..3) {
            0 => ("/webhook/braze", self.event()),
            _ => ("/participations", self.participation()),
        })
    }
}
