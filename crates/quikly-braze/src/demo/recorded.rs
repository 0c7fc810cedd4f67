//! The calls to Braze as the connector has recorded them, once a second.

use std::collections::VecDeque;
use std::time::Duration;

use domain::Timestamp;
use domain::call::BrazeCall;
use domain::ids::{BrandId, ParticipationId};
use domain::time::earlier;
use ports::CallReading;
use reports::calls::CallStream;
use reports::language::Language;
use reports::plain;
use reports::timeline::why;
use serde_json::{Value, json};

/// How far back calls are read.
const SHOWN_FOR: Duration = Duration::from_secs(900);

/// How many calls are remembered while they are read.
const MOST: usize = 400;

/// How many calls the page shows.
const MOST_SHOWN: usize = 40;

/// The last calls, the newest first.
pub(super) struct RecordedCalls(VecDeque<BrazeCall>);

impl RecordedCalls {
    /// Reads the last calls of some brands.
    pub(super) async fn read(
        reading: &dyn CallReading,
        brands: &[BrandId],
        now: Timestamp,
    ) -> ports::Result<Self> {
        let mut stream = CallStream::new(reading, brands, earlier(now, SHOWN_FOR));
        let mut last = VecDeque::new();
        while let Some((_, batch)) = stream.next().await? {
            for call in batch.calls {
                last.push_front(call);
            }
            last.truncate(MOST);
        }
        Ok(Self(last))
    }

    /// All of them, as the page shows them.
    pub(super) fn shown(&self, language: Language) -> Vec<Value> {
        self.0.iter().take(MOST_SHOWN).map(|call| shown(call, language)).collect()
    }

    /// Those that name a participation, the oldest first. A call names a few of those that it is about.
    pub(super) fn about(&self, id: ParticipationId, language: Language) -> Vec<Value> {
        let about = self.0.iter().rev().filter(|call| call.participations.contains(&id));
        about.map(|call| shown(call, language)).collect()
    }
}

fn shown(call: &BrazeCall, language: Language) -> Value {
    json!({
        "at": call.at.to_string(),
        "path": call.endpoint.path(),
        "status": call.status,
        "failed": call.has_failed(),
        "why": call.cause.map(|cause| why(cause, language)),
        "objects": call.objects,
        "took": language.duration(call.took),
        "message": call.message.as_deref().map(plain::shown),
    })
}
