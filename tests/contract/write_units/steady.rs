//! What batches of ten cost that one busy worker processes one after another.

use domain::participation::Participation;
use testkit::fault_proxy::Call;

use super::counted::CountedActivation;
use super::units::Units;
use super::{CountedFlow, EMAIL, INCENTIVE, TOGETHER, sms};

/// How many batches come, one a second.
const BATCHES: usize = 20;

impl CountedActivation {
    async fn steady(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<Call> {
        let mut ids = Vec::new();
        for batch in 0..BATCHES {
            let these = self.accepted_from(batch * TOGETHER, &make).await;
            self.process(&these).await;
            self.pass(1).await;
            ids.extend(these);
        }
        self.until_ended(&ids).await;
        self.proxy.take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_busy_worker_share_what_is_booked_of_limits() {
    let webhook = format!("[activation.events.signed_in]\nincentive = \"first\"\n{INCENTIVE}");
    let window = "window = \"5m\"\npoll = [{ every = \"1m\" }]\n";
    let double = sms("double") + "double_opt_in_event = \"quikly_sms_opt_in\"\n" + window;
    let won = format!("{EMAIL}incentive = \"first\"\n{INCENTIVE}");
    let mail = EMAIL.to_owned()
        + "event = \"quikly_participated\"\nopt_in = \"double\"\nsubscription_group_id = \"news\"\n"
        + window;
    // Write units of its own and for limits, and read units. How many windows of three seconds the batches fall into depends on the time of day.
    let flows: [CountedFlow<'_>; 6] = [
        ("e-mail, a steady flow", EMAIL, CountedActivation::by_email, (3.0, 0.11, 2.7)),
        ("e-mail, with an incentive, a steady flow", &won, CountedActivation::by_email, (4.3, 0.11, 4.5)),
        (
            "webhook, with an incentive, a steady flow",
            &webhook,
            CountedActivation::by_event,
            (4.3, 0.11, 4.5),
        ),
        ("SMS, single opt-in, a steady flow", &sms("single"), CountedActivation::by_phone, (4.0, 0.16, 3.3)),
        ("e-mail, double opt-in, a steady flow", &mail, CountedActivation::by_email, (5.3, 0.16, 8.1)),
        ("SMS, double opt-in, a steady flow", &double, CountedActivation::by_phone, (6.0, 0.16, 7.3)),
    ];
    for (flow, activation, make, (most, most_limits, most_read)) in flows {
        let counted = CountedActivation::new(activation).await;
        let calls = counted.steady(make).await;
        let Units { own, limits, read, .. } = counted.row_of(BATCHES * TOGETHER, flow, &calls);
        assert!(own <= most, "{flow}: {own} units, and not {most}");
        assert!(limits <= most_limits, "{flow}: {limits} units for limits, and not {most_limits}");
        assert!(read <= most_read, "{flow}: {read} read units, and not {most_read}");
    }
}
