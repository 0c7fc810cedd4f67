//! `[activation.attributes]`.

use super::*;
use crate::answers::{AnswerKind, AnswerRules};

/// A file whose activation lists these attributes. Their first line is line 18 of the file.
fn listing(attributes: &str) -> String {
    format!("{GOOD}[activation.attributes]\n{attributes}")
}

fn rules(attributes: &str) -> AnswerRules {
    let brands = read(&listing(attributes)).unwrap();
    brands.activation(&Scope::parse("acme-spring").unwrap()).unwrap().1.answers.clone().unwrap()
}

fn faults(attributes: &str) -> Vec<String> {
    read(&listing(attributes)).unwrap_err()
}

#[test]
fn each_type_is_read_with_its_limits() {
    let rules = rules(
        "first_name = { type = \"text\", required = true, min_length = 2, max_length = 40, pattern = \"[A-Z].*\" }\n\
         colour = { type = \"text\", choices = [\"teal\", \"plum\"] }\n\
         shoe_size = { type = \"number\", min = 30, max = 50.5 }\n\
         member = { type = \"boolean\" }\n\
         dob = { type = \"date\" }\n\
         likes = { type = \"list\", choices = [\"a\", \"b\", \"c\"], most = 2 }\n",
    );
    let kind = |name: &str| &rules.by_name[name].kind;
    assert!(
        matches!(kind("first_name"), AnswerKind::Text(rule) if rule.min_length == 2 && rule.max_length == Some(40))
    );
    assert!(
        matches!(kind("first_name"), AnswerKind::Text(rule) if rule.pattern.as_ref().unwrap().matches("Ada"))
    );
    assert!(matches!(kind("colour"), AnswerKind::Text(rule) if rule.choices == ["teal", "plum"]));
    assert!(matches!(kind("shoe_size"), AnswerKind::Number { min: Some(30.0), max: Some(50.5) }));
    assert!(matches!(kind("member"), AnswerKind::Boolean));
    assert!(matches!(kind("dob"), AnswerKind::Date));
    assert!(matches!(kind("likes"), AnswerKind::List { choices, most: 2 } if choices.len() == 3));
    let required: Vec<&str> = rules.missing(|_| false).collect();
    assert_eq!((required, rules.overwrite), (vec!["first_name"], false));
}

#[test]
fn an_empty_table_lists_nothing_and_no_table_is_another_thing() {
    assert!(rules("").by_name.is_empty());
    let brands = read(GOOD).unwrap();
    assert!(brands.activation(&Scope::parse("acme-spring").unwrap()).unwrap().1.answers.is_none());
}

#[test]
fn answers_overwrite_only_if_the_file_says_so() {
    assert!(rules("overwrite = true\n").overwrite);
    let not_a_boolean = faults("overwrite = { type = \"text\" }\n");
    assert_eq!(not_a_boolean, ["acme.toml:19: activation[0].attributes.overwrite: must be true or false"]);
}

#[test]
fn a_flaw_is_reported_on_its_line() {
    for (attribute, message) in [
        ("a = \"text\"", "a: must be a table"),
        ("a = {}", "a.type: is missing"),
        (
            "a = { type = \"integer\" }",
            "a.type: must be \"text\" or \"number\" or \"boolean\" or \"date\" or \"list\"",
        ),
        ("a = { type = \"date\", min = 1 }", "a.min: is only for an attribute of type \"number\""),
        (
            "a = { type = \"number\", choices = [1] }",
            "a.choices: is only for an attribute of type \"text\" or \"list\"",
        ),
        ("a = { type = \"text\", maximum = 1 }", "a.maximum: is not a known key"),
        ("a = { type = \"text\", required = 1 }", "a.required: must be true or false"),
        ("a = { type = \"text\", max_length = 256 }", "a.max_length: must be from 1 to 255"),
        (
            "a = { type = \"text\", min_length = 3, max_length = 2 }",
            "a.max_length: must be at least min_length",
        ),
        ("a = { type = \"number\", min = 3, max = 2.5 }", "a.max: must be at least min"),
        ("a = { type = \"number\", min = nan }", "a.min: must be a number"),
        ("a = { type = \"number\", max = \"3\" }", "a.max: must be a number"),
        ("a = { type = \"list\" }", "a.choices: is missing"),
        ("a = { type = \"list\", choices = [] }", "a.choices: must have 1 to 100 choices"),
        ("a = { type = \"list\", choices = [\"x\", \"x\"] }", "a.choices[1]: stands in the list already"),
        ("a = { type = \"list\", choices = [\"x\", \"\"] }", "a.choices[1]: must not be empty"),
        ("a = { type = \"list\", choices = [\" x\"] }", "a.choices[0]: must be written as \"x\""),
        (
            "a = { type = \"text\", choices = [\"<x\"] }",
            "a.choices[0]: must not contain control characters or <",
        ),
        (
            "a = { type = \"text\", choices = [\"{{x\"] }",
            "a.choices[0]: is a piece of a template that was not rendered",
        ),
        ("a = { type = \"list\", choices = [\"x\"], most = 26 }", "a.most: must be from 1 to 25"),
        ("email = { type = \"text\" }", "email: this name is reserved"),
        ("_a = { type = \"text\" }", "_a: this name is reserved"),
        ("dob = { type = \"text\" }", "dob.type: must be \"date\": dob is a field of Braze's own"),
        (
            "country = { type = \"number\" }",
            "country.type: must be \"text\": country is a field of Braze's own",
        ),
        ("gender = { type = \"text\", choices = [\"m\"] }", "gender.choices[0]: must be written as \"M\""),
        ("gender = { type = \"text\", choices = [\"X\"] }", "gender.choices[0]: must be M, F, O, N or P"),
    ] {
        let expected = format!("acme.toml:19: activation[0].attributes.{message}");
        assert_eq!(faults(&format!("{attribute}\n")), [expected], "{attribute}");
    }
}

#[test]
fn a_pattern_that_is_no_regular_expression_is_refused() {
    let faults = faults("a = { type = \"text\", pattern = \"[a-\" }\n");
    let expected = "acme.toml:19: activation[0].attributes.a.pattern: is not a regular expression: unclosed character class";
    assert_eq!(faults, [expected]);
}

#[test]
fn a_name_that_shows_a_reward_cannot_be_listed() {
    let rewards =
        "quikly_reward = { type = \"text\" }\n[activation.rewards_to_braze]\nreward = \"quikly_reward\"\n";
    let message = "is also a name in rewards_to_braze: a consumer could claim a reward";
    assert_eq!(faults(rewards), [format!("acme.toml:19: activation[0].attributes.quikly_reward: {message}")]);
}

#[test]
fn at_most_32_attributes_are_listed() {
    let listed =
        |number: usize| (0..number).map(|n| format!("a{n} = {{ type = \"boolean\" }}\n")).collect::<String>();
    assert_eq!(rules(&listed(32)).by_name.len(), 32);
    assert_eq!(
        faults(&listed(33)),
        ["acme.toml:18: activation[0].attributes: may list at most 32 attributes"]
    );
}
