use domain::Timestamp;
use domain::ids::Scope;
use domain::rollup::{Rollup, RollupKey};
use ports::reports::ActivationFigures;

use super::*;

fn report(figures: &[(&str, u64)]) -> ActivationReport {
    let scope = Scope::parse("spring").unwrap();
    let mut rollup = Rollup::default();
    for (name, count) in figures {
        let name = (*name).to_owned();
        let key =
            RollupKey { scope: scope.clone(), minute: None, channel: Channel::Email, incentive: None, name };
        rollup.add(key, *count);
    }
    let figures = ActivationFigures { accepted: None, rollup, ..ActivationFigures::default() };
    ActivationReport::new(&scope, &figures, None, Timestamp::UNIX_EPOCH).unwrap()
}

#[test]
fn the_page_says_in_its_heading_how_many_took_part() {
    let report = report(&[("accepted", 12_484), ("credited", 12_113)]);
    let english = page(&report, Language::English, "1.0.0");
    assert!(english.contains("<h1>12,484 took part, and 12,113 are credited.</h1>"), "{english}");
    let french = page(&report, Language::French, "1.0.0");
    assert!(french.contains("<html lang=\"fr\">") && french.contains("participations, dont"), "{french}");
}

#[test]
fn a_pause_stands_under_the_heading() {
    let since = Timestamp::from_second(60).unwrap();
    let paused = ActivationReport { paused_since: Some(since), at: since, ..report(&[("accepted", 1)]) };
    for language in Language::ALL {
        let sentence = language.paused(since, since);
        assert!(page(&paused, language, "1.0.0").contains(&format!("<p class=\"wait\">{sentence}</p>")));
        assert!(!page(&report(&[("accepted", 1)]), language, "1.0.0").contains("<p class=\"wait\">"));
    }
}

#[test]
fn a_reason_that_this_version_does_not_know_is_text_and_no_markup() {
    let report = report(&[("accepted", 2), ("uncredited <img src=x onerror=\"alert(1)\">&\u{202e}", 1)]);
    let page = page(&report, Language::English, "1.0.0");
    assert!(page.contains("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;\\u{202e}"), "{page}");
    assert!(!page.contains("<img"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&report(&[("accepted", 1)]), Language::English, "1.0.0");
    for loads in ["http:", "https:", "<script", "url(", "@import", " src="] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn a_share_is_never_rounded_up() {
    assert_eq!(percent(9_999, 10_000, Language::English), "99.9\u{a0}%");
    assert_eq!(percent(1, 3, Language::French), "33,3\u{a0}%");
    assert_eq!(percent(0, 0, Language::English), "0.0\u{a0}%");
}
