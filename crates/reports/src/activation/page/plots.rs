//! The plots. Their words are HTML beside the drawing, so that they keep their size when it is stretched.

use std::time::Duration;

use domain::Timestamp;
use domain::time::{between, later};

use super::texts::PageTexts;
use super::{add, exact};
use crate::activation::{ActivationReport, Minute};
use crate::language::Language;

/// The most bars of a plot.
const MOST_BARS: u64 = 60;

/// How many minutes a bar may stand for.
const WIDTHS: [u64; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440];

/// The figures of several minutes.
struct Bar {
    from: Timestamp,
    accepted: u64,
    rewarded: u64,
}

/// The minutes put together, so that there are at most [`MOST_BARS`] unless it is longer than two months, and how many minutes a bar
/// stands for.
fn bars(minutes: &[Minute]) -> (Vec<Bar>, u64) {
    let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else { return (Vec::new(), 1) };
    let span = (between(first.from, last.from).as_secs() / 60).saturating_add(1);
    let width = WIDTHS.into_iter().find(|width| span.div_ceil(*width) <= MOST_BARS).unwrap_or(1_440);
    let empty = |number: u64| {
        let from = later(first.from, Duration::from_secs(number.saturating_mul(width).saturating_mul(60)));
        Bar { from, accepted: 0, rewarded: 0 }
    };
    let mut bars: Vec<Bar> = (0..span.div_ceil(width)).map(empty).collect();
    for minute in minutes {
        let number = (between(first.from, minute.from).as_secs() / 60).checked_div(width).unwrap_or(0);
        if let Some(bar) = usize::try_from(number).ok().and_then(|number| bars.get_mut(number)) {
            bar.accepted = bar.accepted.saturating_add(minute.accepted);
            bar.rewarded = bar.rewarded.saturating_add(minute.rewarded);
        }
    }
    (bars, width)
}

/// A height from the top of a drawing that is a thousand high.
fn height(figure: u64, most: u64) -> u64 {
    1_000_u64.saturating_sub(figure.saturating_mul(1_000).checked_div(most).unwrap_or(0))
}

/// How many rewards were given until each moment.
pub(super) fn rewards(
    page: &mut String,
    report: &ActivationReport,
    (language, texts): (Language, &PageTexts),
) {
    let (bars, width) = bars(&report.minutes);
    let sum: u64 = bars.iter().map(|bar| bar.rewarded).sum();
    if sum == 0 {
        return;
    }
    let mut so_far = 0_u64;
    let mut points = vec![(0, 1_000)];
    for (number, bar) in bars.iter().enumerate() {
        so_far = so_far.saturating_add(bar.rewarded);
        points.push((number.saturating_add(1), height(so_far, sum)));
    }
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let (line, end) = (line.join(" "), bars.len());
    let sentence = texts.rewards_until(&language.number(sum));
    begin(page, (texts.rewards_plot, &sentence), sum, language);
    add(
        page,
        format_args!(
            "<svg role=\"img\" aria-label=\"{sentence}\" viewBox=\"0 0 {end} 1000\" preserveAspectRatio=\"none\">\
         <line x1=\"0\" x2=\"{end}\" y1=\"500\" y2=\"500\" class=\"grid\"/>\
         <polygon points=\"{line} {end},1000\" class=\"area\"/><polyline points=\"{line}\" class=\"curve\"/>\
         <line x1=\"0\" x2=\"{end}\" y1=\"1000\" y2=\"1000\" class=\"axis\"/></svg>\n"
        ),
    );
    finish(page, (&bars, width), (texts, language), |bar| bar.rewarded);
}

/// How many took part, minute by minute.
pub(super) fn people(
    page: &mut String,
    report: &ActivationReport,
    (language, texts): (Language, &PageTexts),
) {
    let (bars, width) = bars(&report.minutes);
    let most = bars.iter().map(|bar| bar.accepted).max().unwrap_or(0);
    let Some(busiest) = report.busiest().filter(|_| most > 0) else { return };
    let sentence = texts.busiest(&language.number(busiest.accepted), &exact(busiest.from));
    begin(page, (&texts.people_plot(width), &sentence), most, language);
    let end = bars.len();
    add(
        page,
        format_args!(
            "<svg role=\"img\" aria-label=\"{sentence}\" viewBox=\"0 0 {end} 1000\" preserveAspectRatio=\"none\">\
         <line x1=\"0\" x2=\"{end}\" y1=\"500\" y2=\"500\" class=\"grid\"/>"
        ),
    );
    for (number, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.accepted > 0) {
        let top = height(bar.accepted, most);
        let tall = 1_000_u64.saturating_sub(top);
        add(
            page,
            format_args!(
                "<rect x=\"{number}.08\" y=\"{top}\" width=\"0.84\" height=\"{tall}\" class=\"bar\"/>"
            ),
        );
    }
    add(page, format_args!("<line x1=\"0\" x2=\"{end}\" y1=\"1000\" y2=\"1000\" class=\"axis\"/></svg>\n"));
    finish(page, (&bars, width), (texts, language), |bar| bar.accepted);
}

fn begin(page: &mut String, (title, sentence): (&str, &str), most: u64, language: Language) {
    let half = if most >= 2 { language.number(most / 2) } else { String::new() };
    add(
        page,
        format_args!(
            "<figure>\n<figcaption><h2>{title}</h2><p class=\"dim\">{sentence}</p></figcaption>\n<div class=\"plot\">\
         <div class=\"up\" aria-hidden=\"true\"><span>{}</span><span>{half}</span><span>0</span></div>\n",
            language.number(most)
        ),
    );
}

/// The times below the drawing, and its figures as a table.
fn finish(
    page: &mut String,
    (bars, width): (&[Bar], u64),
    (texts, language): (&PageTexts, Language),
    figure: impl Fn(&Bar) -> u64,
) {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
    let end = later(last.from, Duration::from_secs(width.saturating_mul(60)));
    add(
        page,
        format_args!(
            "<div class=\"along\" aria-hidden=\"true\"><span>{}</span><span>{}</span></div></div>\n\
         <details><summary>{}</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><tbody>\n",
            exact(first.from),
            exact(end),
            texts.figures,
            texts.figures
        ),
    );
    for bar in bars.iter().filter(|bar| figure(bar) > 0) {
        let number = language.number(figure(bar));
        add(
            page,
            format_args!(
                "<tr><th scope=\"row\">{}</th><td class=\"num\">{number}</td></tr>\n",
                exact(bar.from)
            ),
        );
    }
    page.push_str("</tbody></table></div></details>\n</figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(spread: &[u64]) -> Vec<Minute> {
        let minute = |after: &u64| Minute {
            from: later(Timestamp::UNIX_EPOCH, Duration::from_secs(after * 60)),
            accepted: 2,
            credited: 0,
            rewarded: 1,
        };
        spread.iter().map(minute).collect()
    }

    #[test]
    fn a_short_campaign_has_a_bar_for_each_minute_even_where_nothing_happened() {
        let (bars, width) = bars(&minutes(&[0, 3]));
        assert_eq!((bars.iter().map(|bar| bar.accepted).collect::<Vec<_>>(), width), (vec![2, 0, 0, 2], 1));
    }

    #[test]
    fn a_long_campaign_has_few_bars_and_loses_nobody() {
        let (bars, width) = bars(&minutes(&[0, 59, 60, 10_079]));
        assert_eq!((bars.len(), width), (28, 360));
        assert_eq!(bars.iter().map(|bar| bar.accepted).sum::<u64>(), 8);
    }
}
