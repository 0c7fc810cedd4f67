//! Logs as JSON, so that CloudWatch finds fields by their names. They hold ids, never contacts or secrets.

use std::env;
use std::io::stdout;

use supervision::Lines;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// The log filter, unless `RUST_LOG` is set.
const SHOWN: &str = "info,aws=warn,hyper=warn";

/// Starts logging. `RUST_LOG` filters by target and level. Filters by field are not supported, because they would link a parser.
pub fn start() {
    let told = env::var("RUST_LOG").ok().and_then(|told| told.parse::<Targets>().ok());
    let shown = told.or_else(|| SHOWN.parse().ok()).unwrap_or_default();
    // Each line is written at once, because Lambda freezes the process after the answer.
    tracing_subscriber::registry().with(shown).with(as_json(|| Lines::at_once(stdout))).init();
    supervision::say_where();
}

/// Writes a JSON object for each event, with the fields next to the message.
fn as_json<S, W>(to: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        // An invocation must not fail because its log cannot be written.
        .log_internal_errors(false)
        .with_writer(to)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedLog(Arc<Mutex<Vec<u8>>>);

    impl io::Write for CapturedLog {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_a_field_that_cloudwatch_finds_and_its_message_is_a_sentence() {
        let written = CapturedLog::default();
        let to = written.clone();
        let lines = tracing_subscriber::registry().with(as_json(move || to.clone()));
        tracing::subscriber::with_default(lines, || {
            tracing::warn!(
                event = "connector.told_again",
                receiver = "acme",
                "A receiver accepts callbacks again."
            );
        });
        let line: serde_json::Value = serde_json::from_slice(&written.0.lock()).unwrap();
        assert_eq!(line["event"], "connector.told_again");
        assert_eq!(line["message"], "A receiver accepts callbacks again.");
        assert_eq!((&line["receiver"], &line["level"]), (&"acme".into(), &"WARN".into()));
    }
}
