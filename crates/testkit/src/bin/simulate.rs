//! Plays runs: `--seeds N [--from S]` plays many on all cores, `--seed S` plays one, and shrinks and prints it if it breaks a
//! promise, `--plan FILE` plays a run that was kept. `--people` plays runs in which profiles change often. `--without RULE`
//! (no-condition, no-settling, no-due-time, no-asking, no-telling, no-confirming, no-reading-back) looks for the first seed
//! whose run shows that the rule is missing, and shrinks that run.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it is for")]
#![expect(clippy::expect_used, clippy::exit, reason = "a tool ends where it fails")]

use testkit::simulation::{Broken, Mutation, Plan, Played, play, play_all, play_logged, shrink};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let plan_of = if has("--people") { Plan::of_people } else { Plan::of };
    if let Some(rule) = after("--without") {
        let rule: Mutation = serde_json::from_value(rule.into()).expect("a rule");
        let found = (0..).find_map(|seed| Some((play(&plan_of(seed), Some(rule)).err()?, seed)));
        let (broken, seed) = found.expect("a seed that notices");
        eprintln!("seed {seed}");
        return cut_down(&plan_of(seed), &broken, Some(rule));
    }
    let number = |name: &str| after(name).map(|text| text.parse::<u64>().expect("a number"));
    if let Some(file) = after("--plan") {
        let text = std::fs::read_to_string(file).expect("the file");
        return look_at(&serde_json::from_str(&text).expect("a plan"));
    }
    if let Some(seed) = number("--seed") {
        return look_at(&plan_of(seed));
    }
    let (from, count) = (number("--from").unwrap_or(0), number("--seeds").unwrap_or(1_000));
    let (played, broken) = play_all(from..from + count, plan_of);
    for (seed, broken) in &broken {
        println!("seed {seed}: {broken:?}");
    }
    show(&played);
    if !broken.is_empty() {
        println!("{} of {count} seeds from {from} break a promise", broken.len());
        std::process::exit(1);
    }
    println!("{count} seeds from {from}: every promise kept");
}

fn show(played: &Played) {
    println!("ended: {:#?}\nfaults: {:#?}\npeople: {:#?}", played.ended, played.faults, played.people);
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
    eprintln!("{}\n{broken:?}", play_logged(&least, rule).1);
}
