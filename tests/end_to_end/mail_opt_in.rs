//! E-mail double opt-in: the mail's link, the push, and the polls of the real binary.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually_async;

use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const GROUP: &str = "8f1c6f0e-0000-4000-8000-000000000009";
const LATER: Duration = Duration::from_secs(120);

/// A workspace in which the event makes the brand send a mail.
async fn asking() -> SimProcess {
    let workspace = SimProcess::start("1s").await;
    workspace.has_email_groups(&[GROUP]).await;
    workspace.asks_by_event("quikly_confirm", GROUP).await;
    workspace
}

fn confirming(poll: &str, window: &str) -> String {
    format!(
        "event = \"quikly_confirm\"\nopt_in = \"double\"\nsubscription_group_id = \"{GROUP}\"\n\
         poll = [{{ every = \"{poll}\" }}]\nwindow = \"{window}\""
    )
}

async fn follows_the_link(workspace: &SimProcess, email: &str) {
    eventually_async("the mail has come", LATER, async || workspace.confirms(email).await.then_some(()))
        .await;
}

#[tokio::test]
async fn a_link_that_is_followed_credits_by_push_or_within_a_poll_and_one_that_is_not_expires() {
    let workspace = asking().await;
    let (slow, fast) = (confirming("10m", "1h"), confirming("1s", "1m"));
    let braze = "settle = \"2s\"";
    let pushed = BrandFixture { email: &slow, braze, ..BrandFixture::with_webhooks(&workspace) };
    let server = ServeProcess::start(&pushed).await;
    let id = server.take_part("spring", "ada@example.com").await;
    let shown = server.reaches(&id, "awaiting_opt_in", LATER).await;
    assert_eq!(shown["credited"], false);
    let body = json!({ "q_scope": "spring", "event": "$subscription", "email": "ada@example.com" });
    let tell = async || {
        let authorization = format!("Bearer {TOKEN}");
        let (status, _, answer) = server.webhook(Some(&authorization), body.to_string().into()).await;
        assert_eq!((status, answer), (202, json!({ "id": id })));
    };
    tell().await;
    follows_the_link(&workspace, "ada@example.com").await;
    let shown: Value = server.show(&id).await;
    assert_eq!((&shown["state"], &shown["credited"]), (&json!("awaiting_opt_in"), &json!(false)));
    tell().await;
    let shown = server.reaches(&id, "enrolled", Duration::from_secs(10)).await;
    assert_eq!(shown["credited"], true);
    server.said_nothing_of(&["ada@example.com".to_owned()]);

    let polled = BrandFixture { email: &fast, braze, ..BrandFixture::at(&workspace) };
    let server = ServeProcess::start(&polled).await;
    let confirms = server.take_part("spring", "bob@example.com").await;
    let waits = server.take_part("spring", "cid@example.com").await;
    for id in [&confirms, &waits] {
        server.reaches(id, "awaiting_opt_in", LATER).await;
    }
    follows_the_link(&workspace, "bob@example.com").await;
    let shown = server.reaches(&confirms, "enrolled", LATER).await;
    assert_eq!(shown["credited"], true);
    let shown = server.reaches(&waits, "expired", LATER).await;
    assert_eq!(shown["credited"], false);
}
