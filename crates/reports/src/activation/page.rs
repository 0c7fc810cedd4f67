//! The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere. It can be passed on and printed.

mod costs;
mod plots;
mod texts;

use std::fmt::Write;

use domain::ids::Channel;

use self::texts::PageTexts;
use super::{ActivationReport, Funnel, IncentiveReport, Leak, Stage};
use crate::html;
use crate::language::Language;
use crate::plain::shown;

const STYLE: &str = include_str!("page/style.css");

/// The page of a report. `version` is the program's, for the foot.
#[must_use]
pub fn page(report: &ActivationReport, language: Language, version: &str) -> String {
    let texts = PageTexts::of(language);
    let scope = escaped(report.scope.as_str());
    let mut page = String::new();
    add(
        &mut page,
        format_args!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{scope} · {}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
            language.code(),
            texts.title,
        ),
    );
    header(&mut page, report, (language, &texts), &scope);
    key_figures(&mut page, report, (language, &texts));
    page.push_str("<div class=\"two\">\n");
    plots::rewards(&mut page, report, (language, &texts));
    plots::people(&mut page, report, (language, &texts));
    page.push_str("</div>\n<div class=\"two\">\n");
    funnel(&mut page, &report.funnel, (language, &texts));
    ways(&mut page, report, (language, &texts));
    page.push_str("</div>\n<div class=\"two\">\n");
    speed(&mut page, report, (language, &texts));
    incentives(&mut page, &report.incentives, (language, &texts));
    page.push_str("</div>\n<div class=\"two\">\n");
    costs::braze(&mut page, &report.braze, (language, &texts));
    costs::refused(&mut page, report, (language, &texts));
    page.push_str("</div>\n");
    add(
        &mut page,
        format_args!(
            "<footer><p>{}</p><p>{}</p></footer>\n</main>\n</body>\n</html>\n",
            texts.how_counted,
            texts.made(&scope, &exact(report.at), version),
        ),
    );
    page
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _a_string_takes_everything = page.write_fmt(text);
}

/// A text of somebody else's as it may stand in HTML.
fn escaped(text: &str) -> String {
    html::escaped(&shown(text))
}

/// A moment to the minute, in UTC.
fn exact(at: domain::Timestamp) -> String {
    let text = at.to_string();
    let minute: String = text.chars().take("2026-11-27T18:00".len()).collect();
    format!("{} UTC", minute.replace('T', " "))
}

/// A share in percent with one decimal. It is cut, so that only all are 100 %.
fn percent(part: u64, of: u64, language: Language) -> String {
    let thousandths = part.saturating_mul(1_000).checked_div(of).unwrap_or(0);
    let point = if language == Language::French { ',' } else { '.' };
    format!("{}{point}{}\u{a0}%", thousandths / 10, thousandths % 10)
}

fn header(
    page: &mut String,
    report: &ActivationReport,
    (language, texts): (Language, &PageTexts),
    scope: &str,
) {
    let when = match report.open {
        Some((opens, closes)) => format!("{} – {}. ", exact(opens), exact(closes)),
        None => String::new(),
    };
    let under_way = report.funnel.under_way();
    let state = if report.is_final() {
        texts.is_final.to_owned()
    } else if under_way > 0 {
        texts.under_way(&language.number(under_way))
    } else {
        texts.nobody_under_way.to_owned()
    };
    let paused = report.paused_since.map(|since| language.paused(since, report.at));
    let paused = paused.map(|paused| format!("<p class=\"wait\">{paused}</p>\n")).unwrap_or_default();
    add(
        page,
        format_args!(
            "<header>\n<p class=\"kicker\">{} · {scope}</p>\n<h1>{}</h1>\n{paused}<p class=\"dim\">{when}{state}</p>\n</header>\n",
            texts.title,
            texts.headline(report, language),
        ),
    );
}

fn key_figures(page: &mut String, report: &ActivationReport, (language, texts): (Language, &PageTexts)) {
    let funnel = &report.funnel;
    let figures = [
        (texts.took_part, funnel.accepted, None),
        (texts.credited, funnel.credited, Some(funnel.accepted)),
        (texts.rewarded, funnel.rewarded, Some(funnel.credited)),
        (texts.on_profile, funnel.on_profile, Some(funnel.credited)),
    ];
    page.push_str("<dl class=\"key\">\n");
    for (label, figure, of) in figures {
        let share = of.filter(|of| *of > 0).map(|of| percent(figure, of, language)).unwrap_or_default();
        add(
            page,
            format_args!(
                "<div><dt>{label}</dt><dd>{}</dd><dd class=\"dim\">{share}</dd></div>\n",
                language.number(figure)
            ),
        );
    }
    page.push_str("</dl>\n");
}

fn funnel(page: &mut String, funnel: &Funnel, (language, texts): (Language, &PageTexts)) {
    add(page, format_args!("<section>\n<h2>{}</h2>\n<div class=\"funnel\">\n", texts.where_they_went));
    let whole = funnel.accepted;
    stage(page, (texts.took_part, funnel.accepted, whole), whole, language);
    leaks(page, &funnel.not_credited, (funnel.under_way(), texts.still_under_way), language);
    stage(page, (texts.credited, funnel.credited, funnel.accepted), whole, language);
    if funnel.rewarded > 0 || !funnel.without_reward.is_empty() {
        leaks(page, &funnel.without_reward, (funnel.may_still_win(), texts.may_still_win), language);
        stage(page, (texts.rewarded, funnel.rewarded, funnel.credited), whole, language);
    }
    leaks(page, &[], (funnel.not_on_profile(), texts.not_on_profile), language);
    add(page, format_args!("</div>\n<p class=\"note\">{}</p>\n</section>\n", texts.of_the_step_before));
}

/// One stage: how many are there, and which part of the stage before that is.
fn stage(page: &mut String, (label, here, before): (&str, u64, u64), whole: u64, language: Language) {
    let width = percent(here, whole, Language::English).replace("\u{a0}%", "");
    let share = if before == 0 || here == before { String::new() } else { percent(here, before, language) };
    let number = language.number(here);
    add(
        page,
        format_args!(
            "<div class=\"stage\"><b>{label}</b><svg role=\"img\" aria-label=\"{label}: {number}\" viewBox=\"0 0 100 16\" \
         preserveAspectRatio=\"none\"><rect width=\"100\" height=\"16\" class=\"track\"/><rect width=\"{width}\" height=\"16\" \
         class=\"bar\"/></svg><b class=\"num\">{number}</b><span class=\"num dim\">{share}</span></div>\n"
        ),
    );
}

fn leaks(page: &mut String, left: &[Leak], (staying, why): (u64, &str), language: Language) {
    page.push_str("<ul>\n");
    for leak in left {
        let words = escaped(leak.reason.words(language));
        add(
            page,
            format_args!("<li><span class=\"num\">{}</span> {words}</li>\n", language.number(leak.count)),
        );
    }
    if staying > 0 {
        let number = language.number(staying);
        add(page, format_args!("<li class=\"wait\"><span class=\"num\">{number}</span> {why}</li>\n"));
    }
    page.push_str("</ul>\n");
}

fn ways(page: &mut String, report: &ActivationReport, (language, texts): (Language, &PageTexts)) {
    add(
        page,
        format_args!(
            "<section>\n<h2>{}</h2>\n<table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">{}</th>\
         <th scope=\"col\" class=\"num\">{}</th><th scope=\"col\" class=\"num\">{}</th></tr></thead>\n<tbody>\n",
            texts.by_way, texts.way, texts.took_part, texts.credited, texts.rewarded
        ),
    );
    let row = |page: &mut String, name: &str, funnel: &Funnel| {
        let [accepted, credited, rewarded] =
            [funnel.accepted, funnel.credited, funnel.rewarded].map(|figure| language.number(figure));
        add(
            page,
            format_args!(
                "<tr><th scope=\"row\">{name}</th><td class=\"num\">{accepted}</td><td class=\"num\">{credited}</td>\
             <td class=\"num\">{rewarded}</td></tr>\n"
            ),
        );
    };
    for (channel, funnel) in &report.by_channel {
        let name = match channel {
            Channel::Email => texts.by_email,
            Channel::Sms => texts.by_sms,
            Channel::Event => texts.by_event,
        };
        row(page, name, funnel);
    }
    let counted: u64 = report.by_channel.values().map(|funnel| funnel.accepted).sum();
    let unprocessed = report.funnel.accepted.saturating_sub(counted);
    if unprocessed > 0 {
        row(page, texts.not_processed, &Funnel { accepted: unprocessed, ..Funnel::default() });
    }
    row(page, texts.together, &report.funnel);
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn speed(page: &mut String, report: &ActivationReport, (language, texts): (Language, &PageTexts)) {
    if report.speed.is_empty() {
        return;
    }
    add(
        page,
        format_args!(
            "<section>\n<h2>{}</h2>\n<table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">{}</th>\
         <th scope=\"col\" class=\"num\" title=\"p95\">{}</th><th scope=\"col\" class=\"num\" title=\"p99\">{}</th></tr></thead>\n<tbody>\n",
            texts.how_fast,
            texts.from_the_click,
            texts.half_within,
            texts.most_within,
            texts.nearly_all_within
        ),
    );
    for (stage, speed) in &report.speed {
        let name = match stage {
            Stage::Durable => texts.durable,
            Stage::Credited => texts.credited,
            Stage::Rewarded => texts.rewarded,
            Stage::OnProfile => texts.on_profile,
        };
        let [half, most, nearly_all] =
            [speed.half, speed.most, speed.nearly_all].map(|within| language.duration(within));
        add(
            page,
            format_args!(
                "<tr><th scope=\"row\">{name}</th><td class=\"num\">{half}</td><td class=\"num\">{most}</td>\
             <td class=\"num\">{nearly_all}</td></tr>\n"
            ),
        );
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn incentives(page: &mut String, incentives: &[IncentiveReport], (language, texts): (Language, &PageTexts)) {
    if incentives.is_empty() {
        return;
    }
    add(
        page,
        format_args!(
            "<section>\n<h2>{}</h2>\n<table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">{}</th>\
         <th scope=\"col\" class=\"num\">{}</th><th scope=\"col\" class=\"num\">{}</th><th scope=\"col\" class=\"num\">{}</th></tr></thead>\n<tbody>\n",
            texts.incentives, texts.incentive, texts.given, texts.held, texts.left, texts.waiting
        ),
    );
    for incentive in incentives {
        let number = |number: u32| language.number(number.into());
        let left = incentive.left().map_or_else(|| "–".to_owned(), number);
        add(
            page,
            format_args!(
                "<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{left}</td>\
             <td class=\"num\">{}</td></tr>\n",
                escaped(incentive.id.as_str()),
                number(incentive.given),
                number(incentive.held),
                number(incentive.waiting),
            ),
        );
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

#[cfg(test)]
mod tests;
