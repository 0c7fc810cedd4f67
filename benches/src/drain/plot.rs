//! A plot of how many participations wait in each second, with the line that the limit allows at best.

use std::fmt::Write as _;
use std::fs;

use testkit::drain::{Burst, Drained, Flow, Limit};

const LIMIT: Limit = Limit::a_minute(250);
const COUNT: usize = 10_000;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/burst-of-10000.svg");

/// The burst that is drawn.
pub(crate) const BURST: Burst = Burst::new(Flow::Email, COUNT, LIMIT);

/// Draws the plot into `docs`.
pub(crate) fn draw(drained: &Drained) -> anyhow::Result<()> {
    let last = drained.ended_after.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts that are drawn")]
    let point = |after: f64, waiting: usize| {
        (70.0 + 700.0 * after / last, 370.0 - 330.0 * waiting as f64 / COUNT as f64)
    };
    let measured =
        drained.backlog.iter().step_by(5).map(|(after, left)| point(after.as_secs_f64(), *left)).collect();
    let mut best = Vec::new();
    for window in 0..=LIMIT.windows(COUNT) {
        let opens = (LIMIT.window.as_secs_f64() * f64::from(u32::try_from(window)?)).min(last);
        let before = COUNT.saturating_sub(window * LIMIT.requests as usize);
        let after = COUNT.saturating_sub((window + 1) * LIMIT.requests as usize);
        best.extend([point(opens, before), point(opens, after)]);
    }
    let minutes = (0..=4).map(|quarter| {
        let after = last * f64::from(quarter) / 4.0;
        let (x, _) = point(after, 0);
        format!("<text x=\"{x:.0}\" y=\"390\" text-anchor=\"middle\">{:.0} min</text>", after / 60.0)
    });
    let counts = (0..=4).map(|quarter| {
        let waiting = COUNT * quarter / 4;
        let (_, y) = point(0.0, waiting);
        format!("<text x=\"62\" y=\"{:.0}\" text-anchor=\"end\">{waiting}</text>", y + 4.0)
    });
    let labels: String = minutes.chain(counts).collect();
    fs::write(FILE, svg(&labels, &line(best), &line(measured)))?;
    Ok(())
}

fn line(points: Vec<(f64, f64)>) -> String {
    points.into_iter().fold(String::new(), |mut line, (x, y)| {
        let _infallible = write!(line, "{x:.1},{y:.1} ");
        line
    })
}

fn svg(labels: &str, best: &str, measured: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 410\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"800\" height=\"410\" fill=\"white\"/>\n\
         <text x=\"70\" y=\"22\" font-size=\"14\">Ten thousand by e-mail at once, 250 look-ups a minute: how many wait</text>\n\
         <path d=\"M70,40 V370 H770\" fill=\"none\" stroke=\"#444\"/>\n{labels}\n\
         <polyline points=\"{best}\" fill=\"none\" stroke=\"#d95f02\" stroke-width=\"5\" opacity=\"0.5\"/>\n\
         <polyline points=\"{measured}\" fill=\"none\" stroke=\"#1b5e9e\" stroke-width=\"1.5\"/>\n\
         <text x=\"560\" y=\"60\" fill=\"#1b5e9e\">measured</text>\n\
         <text x=\"560\" y=\"78\" fill=\"#d95f02\">the best that the limit allows</text>\n</svg>\n"
    )
}
