//! A report as text.

use std::fmt::Write;

use domain::ids::Channel;
use reports::activation::{ActivationReport, Leak, Stage};
use reports::language::Language;
use reports::plain::shown;

/// The report. Numbers and durations are written as in `language`; the words are English.
pub(super) fn report(report: &ActivationReport, language: Language) -> String {
    let mut text = String::new();
    let number = |number: u64| language.number(number);
    let funnel = &report.funnel;
    let state = if report.is_final() { "final" } else { "may still change" };
    let _always = writeln!(text, "{} at {}, {state}", report.scope, report.at);
    if let Some((opens, closes)) = report.open {
        let _always = writeln!(text, "open from {opens} to {closes}");
    }
    if let Some(since) = report.paused_since {
        let _always = writeln!(text, "{}", language.paused(since, report.at));
    }
    let mut section = |title: &str, lines: Vec<(String, String)>| {
        if lines.is_empty() {
            return;
        }
        let _always = writeln!(text, "\n{title}");
        for (name, value) in lines {
            let _always = writeln!(text, "  {name:<44} {value:>12}");
        }
    };
    let leak = |leak: &Leak| (format!("  {}", shown(leak.reason.words())), number(leak.count));
    let mut went = vec![("took part".to_owned(), number(funnel.accepted))];
    went.extend(funnel.not_credited.iter().map(leak));
    went.extend(some("  are still under way", funnel.under_way(), language));
    went.push(("credited".to_owned(), number(funnel.credited)));
    went.extend(funnel.without_reward.iter().map(leak));
    if !report.incentives.is_empty() {
        went.extend(some("  may still win", funnel.may_still_win(), language));
        went.push(("rewarded".to_owned(), number(funnel.rewarded)));
    }
    went.push(("on the profile".to_owned(), number(funnel.on_profile)));
    section("where they went", went);
    let ways = report.by_channel.iter().map(|(channel, funnel)| {
        let name = match channel {
            Channel::Email => "e-mail",
            Channel::Sms => "text message",
            Channel::Event => "app",
        };
        let [accepted, credited, rewarded] = [funnel.accepted, funnel.credited, funnel.rewarded].map(number);
        (name.to_owned(), format!("{accepted} took part, {credited} credited, {rewarded} rewarded"))
    });
    section("by way", ways.collect());
    let speeds = report.speed.iter().map(|(stage, speed)| {
        let name = match stage {
            Stage::Credited => "credited",
            Stage::Rewarded => "rewarded",
            Stage::OnProfile => "on the profile",
        };
        let [half, most, nearly_all] =
            [speed.half, speed.most, speed.nearly_all].map(|within| language.duration(within));
        (name.to_owned(), format!("half within {half}, 95 % within {most}, 99 % within {nearly_all}"))
    });
    section("how fast, from the click", speeds.collect());
    let incentives = report.incentives.iter().map(|incentive| {
        let left = incentive.left().map(|left| format!(", {} left", number(left.into()))).unwrap_or_default();
        let [given, held, waiting] =
            [incentive.given, incentive.held, incentive.waiting].map(|one| number(one.into()));
        (incentive.id.to_string(), format!("{given} given, {held} held{left}, {waiting} in line"))
    });
    section("incentives", incentives.collect());
    if let Some(busiest) = report.busiest() {
        section("busiest minute", vec![(busiest.from.to_string(), number(busiest.accepted))]);
    }
    text
}

/// A line, unless the figure is zero.
fn some(name: &str, figure: u64, language: Language) -> Option<(String, String)> {
    (figure > 0).then(|| (name.to_owned(), language.number(figure)))
}
