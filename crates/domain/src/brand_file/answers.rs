//! `[activation.attributes]`: which attributes callers may send.

use toml::de::DeValue;

use crate::Timestamp;
use crate::answers::{AnswerKind, AnswerRule, AnswerRules, MOST_CHOICES, Pattern, ProfileField, TextRule};
use crate::attributes::{AttributeValue, LONGEST_TEXT, MOST_ATTRIBUTES, MOST_ITEMS};
use crate::brand::{EmailActivation, RewardsToBraze};
use crate::brand_file::keys;
use crate::brand_file::section::{Field, Section};
use crate::brand_file::value::{attribute_name, count};

/// The type of an attribute, before its limits are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerType {
    Text,
    Number,
    Boolean,
    Date,
    List,
}

const KINDS: &[(&str, AnswerType)] = &[
    ("text", AnswerType::Text),
    ("number", AnswerType::Number),
    ("boolean", AnswerType::Boolean),
    ("date", AnswerType::Date),
    ("list", AnswerType::List),
];

/// The attributes that a file lists, with their fields.
pub(super) struct Listed<'a> {
    pub(super) rules: AnswerRules,
    fields: Vec<(&'a str, Field<'a>)>,
}

/// Reads the table of an activation. Without one, callers that sign may send any attribute for now.
pub(super) fn listed<'a>(activation: &mut Section<'a>, signs: bool) -> Option<Listed<'a>> {
    let by_page = ["email", "sms"].iter().any(|way| activation.has(way));
    let Some(field) = activation.optional("attributes") else {
        if signs && by_page {
            activation.doubt(
                "attributes",
                "is missing: signed callers can write any attribute to profiles. The next release refuses attributes that \
                 are not listed; an empty table refuses all",
            );
        }
        return None;
    };
    let mut section = field.section(keys::ATTRIBUTES)?;
    let overwrite = section.optional("overwrite").and_then(|field| field.boolean()).unwrap_or(false);
    let mut fields = section.fields();
    fields.retain(|(name, _)| *name != "overwrite");
    section.finish();
    if fields.len() > MOST_ATTRIBUTES {
        field.fault("may list at most 32 attributes");
    }
    if !fields.is_empty() && !by_page {
        field.doubt("is of no use: nobody can take part by e-mail or mobile number");
    }
    let rules = fields.iter().filter_map(|(name, field)| Some(((*name).to_owned(), rule(name, field)?)));
    let rules = AnswerRules { by_name: rules.collect(), overwrite };
    Some(Listed { rules, fields })
}

impl Listed<'_> {
    /// Compares the names with those that the brand itself writes.
    pub(super) fn compare(&self, email: Option<&EmailActivation>, rewards: Option<&RewardsToBraze>) {
        for (name, field) in &self.fields {
            let is_it = |of: &Option<String>| of.as_deref() == Some(name);
            if rewards.is_some_and(|names| {
                [&names.reward, &names.position, &names.incentive].into_iter().any(is_it)
            }) {
                field.fault("is also a name in rewards_to_braze: a consumer could claim a reward");
            }
            if email.is_some_and(|email| email.attributes.get(name).is_some()) {
                field.doubt(
                    "is also among the attributes of [activation.email], whose value is written instead",
                );
            }
        }
    }
}

fn rule(name: &str, field: &Field<'_>) -> Option<AnswerRule> {
    if let Err(error) = attribute_name(name) {
        field.fault(error.to_string());
        return None;
    }
    let mut section = field.section(keys::ATTRIBUTE)?;
    let typed = section.required("type");
    let kind = typed.as_ref().and_then(|field| field.word(KINDS));
    let required = section.optional("required").and_then(|field| field.boolean()).unwrap_or(false);
    let mut limits = AnswerLimits { section, kind };
    let (min_length, max_length) = limits.lengths();
    let pattern = limits.of("pattern", &[AnswerType::Text]).and_then(|field| field.parsed(Pattern::parse));
    let (min, max) = limits.numbers();
    let most = limits.of("most", &[AnswerType::List]).and_then(|field| size(&field, MOST_ITEMS));
    let choices =
        limits.of("choices", &[AnswerType::Text, AnswerType::List]).map(|field| choices(name, &field));
    if choices.is_none() && kind == Some(AnswerType::List) {
        limits.section.missing("choices");
    }
    limits.section.finish();
    let (kind, choices) = (kind?, choices.unwrap_or_default());
    if let (Some(own), Some(field)) = (ProfileField::named(name), typed) {
        let fitting = if own.is_date() { (AnswerType::Date, "date") } else { (AnswerType::Text, "text") };
        if kind != fitting.0 {
            field.fault(format!("must be \"{}\": {name} is a field of Braze's own", fitting.1));
        }
    }
    let kind = match kind {
        AnswerType::Text => {
            AnswerKind::Text(TextRule { min_length: min_length.unwrap_or(0), max_length, pattern, choices })
        }
        AnswerType::Number => AnswerKind::Number { min, max },
        AnswerType::Boolean => AnswerKind::Boolean,
        AnswerType::Date => AnswerKind::Date,
        AnswerType::List => AnswerKind::List { choices, most: most.unwrap_or(MOST_ITEMS) },
    };
    Some(AnswerRule { kind, required })
}

/// The keys of an attribute that depend on its type.
struct AnswerLimits<'a> {
    section: Section<'a>,
    kind: Option<AnswerType>,
}

impl<'a> AnswerLimits<'a> {
    /// Takes a key that only these types have. If the type is wrong, its limits are not reported, too.
    fn of(&mut self, key: &str, kinds: &[AnswerType]) -> Option<Field<'a>> {
        let field = self.section.optional(key)?;
        if self.kind.is_none_or(|kind| kinds.contains(&kind)) {
            return Some(field);
        }
        let named = |kind: &AnswerType| {
            KINDS.iter().find(|(_, known)| known == kind).map(|(name, _)| format!("\"{name}\""))
        };
        let names: Vec<String> = kinds.iter().filter_map(named).collect();
        field.fault(format!("is only for an attribute of type {}", names.join(" or ")));
        None
    }

    fn lengths(&mut self) -> (Option<usize>, Option<usize>) {
        let least = self.of("min_length", &[AnswerType::Text]).and_then(|field| size(&field, LONGEST_TEXT));
        let longest = self.of("max_length", &[AnswerType::Text]);
        let most = longest.as_ref().and_then(|field| size(field, LONGEST_TEXT));
        if let (Some(field), Some(least), Some(most)) = (longest, least, most)
            && most < least
        {
            field.fault("must be at least min_length");
        }
        (least, most)
    }

    fn numbers(&mut self) -> (Option<f64>, Option<f64>) {
        let least = self.of("min", &[AnswerType::Number]).and_then(|field| number(&field));
        let greatest = self.of("max", &[AnswerType::Number]);
        let most = greatest.as_ref().and_then(number);
        if let (Some(field), Some(least), Some(most)) = (greatest, least, most)
            && most < least
        {
            field.fault("must be at least min");
        }
        (least, most)
    }
}

fn size(field: &Field<'_>, most: usize) -> Option<usize> {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    count(field, most).and_then(|size| usize::try_from(size.get()).ok())
}

fn number(field: &Field<'_>) -> Option<f64> {
    let number = match field.value.get_ref() {
        DeValue::Integer(number) => {
            #[expect(clippy::cast_precision_loss, reason = "limits of 16 digits and more are not exact")]
            let number =
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64);
            number
        }
        DeValue::Float(number) => number.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    };
    if number.is_none() {
        field.fault("must be a number");
    }
    number
}

/// The choices that can be written to the attribute as they are.
fn choices(name: &str, field: &Field<'_>) -> Vec<String> {
    let Some(items) = field.items() else { return Vec::new() };
    if !(1..=MOST_CHOICES).contains(&items.len()) {
        field.fault("must have 1 to 100 choices");
        return Vec::new();
    }
    let mut choices: Vec<String> = Vec::new();
    for item in items {
        let Some(text) = item.text() else { continue };
        if choices.iter().any(|earlier| earlier == text) {
            item.fault("stands in the list already");
        } else if let Err(why) = choice(name, text) {
            item.fault(why);
        } else {
            choices.push(text.to_owned());
        }
    }
    choices
}

/// Checks that a consumer can choose a text: an answer that is this text is written unchanged.
fn choice(name: &str, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let any = AnswerRule { kind: AnswerKind::Text(TextRule::default()), required: false };
    let rules = AnswerRules { by_name: [(name.to_owned(), any)].into(), overwrite: false };
    let given = AttributeValue::Text(text.to_owned());
    match rules.check(name, Some(given.clone()), Timestamp::UNIX_EPOCH) {
        Ok(written) if written == given => Ok(()),
        Ok(AttributeValue::Text(written)) => Err(format!("must be written as \"{written}\"")),
        Ok(_) => Err("must be a string".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
