//! What was sent to Braze, and which requests to take part were refused.

use domain::call::Endpoint;

use super::add;
use super::texts::PageTexts;
use crate::activation::{ActivationReport, BrazeUse};
use crate::html;
use crate::intake::reason;
use crate::language::Language;

/// What was sent to Braze, if anything was counted.
pub(super) fn braze(page: &mut String, used: &BrazeUse, (language, texts): (Language, &PageTexts)) {
    if used.is_empty() {
        return;
    }
    let mut rows: Vec<(String, u64)> = used
        .requests
        .iter()
        .map(|(endpoint, count)| (texts.requests_to(*endpoint).to_owned(), *count))
        .collect();
    rows.push((texts.data_points_sent.to_owned(), used.data_points_sent));
    rows.push((texts.data_points_saved.to_owned(), used.data_points_saved));
    table(page, texts.sent_to_braze, &rows, language);
}

/// The requests that were refused, if there were any.
pub(super) fn refused(
    page: &mut String,
    report: &ActivationReport,
    (language, texts): (Language, &PageTexts),
) {
    if report.refused.is_empty() {
        return;
    }
    let rows: Vec<(String, u64)> =
        report.refused.iter().map(|(code, count)| (html::escaped(&reason(code, language)), *count)).collect();
    table(page, texts.refused_requests, &rows, language);
}

fn table(page: &mut String, title: &str, rows: &[(String, u64)], language: Language) {
    add(page, format_args!("<section>\n<h2>{title}</h2>\n<table>\n<tbody>\n"));
    for (name, count) in rows {
        let count = language.number(*count);
        add(page, format_args!("<tr><th scope=\"row\">{name}</th><td class=\"num\">{count}</td></tr>\n"));
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

impl PageTexts {
    /// Requests to an endpoint, in words.
    fn requests_to(&self, endpoint: Endpoint) -> &'static str {
        match endpoint {
            Endpoint::ExportIds => self.look_ups,
            Endpoint::Track => self.writes,
            Endpoint::StatusGet => self.status_reads,
            Endpoint::StatusSet => self.subscriptions,
        }
    }
}
