//! A report as text.

use std::fmt::Write;

use reports::activation::{ActivationReport, BrazeUse, Leak};
use reports::intake::reason;
use reports::language::Language;
use reports::plain::shown;

use super::words::ReportWords;

/// The report, in a language.
pub(super) fn report(report: &ActivationReport, language: Language) -> String {
    let words = ReportWords::of(language);
    let mut text =
        format!("{}\n", words.at(report.scope.as_str(), &report.at.to_string(), report.is_final()));
    if let Some((opens, closes)) = report.open {
        let _always = writeln!(text, "{}", words.open(&opens.to_string(), &closes.to_string()));
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
    let number = |number: u64| language.number(number);
    section(words.where_they_went, funnel(report, (language, words)));
    let ways = report.by_channel.iter().map(|(channel, funnel)| {
        let figures = [funnel.accepted, funnel.credited, funnel.rewarded].map(number);
        (words.way(*channel).to_owned(), words.of_way(figures))
    });
    section(words.by_way, ways.collect());
    let speeds =
        report.speed.iter().map(|(stage, speed)| (words.stage(*stage).to_owned(), words.speed(speed)));
    section(words.how_fast, speeds.collect());
    let incentives = report.incentives.iter().map(|incentive| {
        let left = incentive.left().map(|left| number(left.into()));
        let figures = [incentive.given, incentive.held, incentive.waiting].map(|one| number(one.into()));
        (incentive.id.to_string(), words.given(figures, left.as_deref()))
    });
    section(words.incentives, incentives.collect());
    let refused = report.refused.iter().map(|(code, count)| (reason(code, language), number(*count)));
    section(words.refused_requests, refused.collect());
    section(words.sent_to_braze, braze(&report.braze, (language, words)));
    if let Some(busiest) = report.busiest() {
        section(words.busiest_minute, vec![(busiest.from.to_string(), number(busiest.accepted))]);
    }
    text
}

/// The funnel. An indented row counts participations that left it at this point, or are under way.
fn funnel(report: &ActivationReport, (language, words): (Language, &ReportWords)) -> Vec<(String, String)> {
    let funnel = &report.funnel;
    let row = |name: &str, count: u64| (name.to_owned(), language.number(count));
    let aside = |name: &str, count: u64| (format!("  {name}"), language.number(count));
    let leak = |leak: &Leak| aside(&shown(leak.reason.words(language)), leak.count);
    let mut rows = vec![row(words.took_part, funnel.accepted)];
    rows.extend(funnel.not_credited.iter().map(leak));
    rows.extend(some(funnel.under_way()).map(|count| aside(words.under_way, count)));
    rows.push(row(words.credited, funnel.credited));
    rows.extend(funnel.without_reward.iter().map(leak));
    if !report.incentives.is_empty() {
        rows.extend(some(funnel.may_still_win()).map(|count| aside(words.may_still_win, count)));
        rows.push(row(words.rewarded, funnel.rewarded));
    }
    rows.push(row(words.on_profile, funnel.on_profile));
    rows
}

fn braze(used: &BrazeUse, (language, words): (Language, &ReportWords)) -> Vec<(String, String)> {
    if used.is_empty() {
        return Vec::new();
    }
    let requests = used.requests.iter().map(|(endpoint, count)| (words.requests(endpoint.path()), *count));
    let points =
        [(words.data_points_sent, used.data_points_sent), (words.data_points_saved, used.data_points_saved)];
    let points = points.map(|(name, count)| (name.to_owned(), count));
    requests.chain(points).map(|(name, count)| (name, language.number(count))).collect()
}

/// A figure, unless it is zero.
fn some(figure: u64) -> Option<u64> {
    (figure > 0).then_some(figure)
}
