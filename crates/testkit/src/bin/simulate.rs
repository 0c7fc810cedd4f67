//! Plays runs: `--seeds N [--from S]` plays many, `--seed S` plays one, and shrinks and prints it if it breaks a promise, `--plan FILE`
//! plays a run that was kept. `--without RULE` (no-condition, no-settling, no-due-time, no-asking, no-telling) looks for the first seed
//! whose run shows that the rule is missing, and shrinks that run.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it is for")]
#![expect(clippy::expect_used, clippy::exit, reason = "a tool ends where it fails")]

use std::collections::BTreeMap;

use testkit::simulation::{Broken, Mutation, Plan, play, shrink};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(rule) = after("--without") {
        let rule: Mutation = serde_json::from_value(rule.into()).expect("a rule");
        let plan = (0..).map(Plan::of).find_map(|plan| Some((play(&plan, Some(rule)).err()?, plan)));
        let (broken, plan) = plan.expect("a seed that notices");
        return cut_down(&plan, &broken, Some(rule));
    }
    let number = |name: &str| after(name).map(|text| text.parse::<u64>().expect("a number"));
    if let Some(file) = after("--plan") {
        let text = std::fs::read_to_string(file).expect("the file");
        return look_at(&serde_json::from_str(&text).expect("a plan"));
    }
    if let Some(seed) = number("--seed") {
        return look_at(&Plan::of(seed));
    }
    let (from, count) = (number("--from").unwrap_or(0), number("--seeds").unwrap_or(1_000));
    let (mut ended, mut faults) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, u64>::new());
    for seed in from..from + count {
        match play(&Plan::of(seed), None) {
            Ok(played) => {
                played.ended.into_iter().for_each(|(name, count)| *ended.entry(name).or_default() += count);
                played.faults.into_iter().for_each(|(name, count)| *faults.entry(name).or_default() += count);
            }
            Err(broken) => {
                println!("seed {seed}: {broken:?}");
                std::process::exit(1);
            }
        }
    }
    println!("{count} seeds from {from}: every promise kept\nended: {ended:#?}\nfaults: {faults:#?}");
}

/// Plays one run, and shrinks it if it breaks a promise.
fn look_at(plan: &Plan) {
    match play(plan, None) {
        Ok(played) => println!("{}\nevery promise kept: {:?}", played.log, played.ended),
        Err(broken) => {
            cut_down(plan, &broken, None);
            std::process::exit(1);
        }
    }
}

fn cut_down(plan: &Plan, broken: &Broken, rule: Option<Mutation>) {
    let least = shrink(plan, broken, rule);
    println!("{least}");
    eprintln!("{broken:?}");
}
