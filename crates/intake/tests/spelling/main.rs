//! One person in several spellings is one participant, and an unusable value that nothing needs does not lose
//! the event.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use axum::body::Body;
use domain::contact::{Contact, Email};
use domain::ids::{ParticipationId, Scope};
use http::{Request, StatusCode};
use ports::{Clock, Ledger, Store};
use serde_json::{Value, json};

mod serving;

use serving::{SMS, ServingIntake, text_of};

#[tokio::test]
async fn several_spellings_of_an_address_or_a_number_are_one_participation() {
    let intake = ServingIntake::serving(SMS);
    let addresses = [
        "ada@bücher.example",
        "\u{feff}Ada@BÜCHER.example.",
        "ada@xn--bcher-kva.example",
        "\"ada\"@bu\u{308}cher.example",
    ];
    let numbers =
        ["+13135550100", "\u{202d}(313) 555-0100\u{202c}", "tel:+1-313-555-0100", "3135550100\u{200b}"];
    let posts = [
        addresses.map(|email| json!({ "scope": "spring", "email": email })),
        numbers.map(|phone| json!({ "scope": "spring", "phone": phone, "consent": true })),
    ];
    for (before, bodies) in posts.iter().enumerate() {
        for body in bodies {
            let (status, answer) = intake.post(body).await;
            assert_eq!(status, StatusCode::ACCEPTED, "{body}: {answer}");
            let scope = Scope::parse("spring").unwrap();
            let phone = domain::contact::Phone::from_e164("+13135550100").unwrap();
            let contact = match before {
                0 => Contact::Email(Email::parse("ada@bücher.example").unwrap()),
                _ => Contact::Phone { phone, email: None },
            };
            let id = intake.id_key.participation(&scope, &contact);
            assert_eq!(intake.memory.get(&[id]).await.unwrap().found.len(), 1, "{body}");
        }
    }
}

#[tokio::test]
async fn who_took_part_under_an_earlier_form_keeps_the_id_and_gets_no_second_prize() {
    let earlier = [
        ("\"grace\"@example.com", "\"grace\"@example.com"),
        ("\"grace\"@example.com", "\"Grace\"@Example.com"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ];
    for (stored, typed) in earlier {
        let intake = ServingIntake::serving("");
        let id = intake.stored_before(stored).await;
        let (status, answer) = intake.post(&json!({ "scope": "spring", "email": typed })).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{typed}: {answer}");
        let canonical = Contact::Email(Email::parse(typed).unwrap());
        let other = intake.id_key.participation(&Scope::parse("spring").unwrap(), &canonical);
        if other != id {
            assert!(
                intake.memory.get(&[other]).await.unwrap().found.is_empty(),
                "{typed} took part a second time"
            );
        }
        let body = json!({ "q_scope": "spring", "event": "signed_in", "email": typed }).to_string();
        let (status, answer) = intake.webhook(body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let by_event = ParticipationId::parse(answer["id"].as_str().unwrap()).unwrap();
        let awards = intake.memory.awards(&[id, by_event]).await.unwrap().found;
        assert_eq!(awards.len(), 2);
        assert_eq!(awards[0].participant, awards[1].participant, "{typed} is two participants");
        assert_eq!(awards.iter().filter(|award| award.has_place()).count(), 1, "{typed} has two places");
    }
}

#[tokio::test]
async fn numbers_of_other_countries_and_services_are_refused_with_a_code() {
    let refused = async |sms: &str, phone: &str| {
        let (status, answer) = ServingIntake::serving(sms)
            .post(&json!({ "scope": "spring", "phone": phone, "consent": true }))
            .await;
        (status.as_u16(), answer["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
    };
    let (any, listed) = (
        format!("{SMS}regions = \"any\"\n"),
        format!("{SMS}regions = [\"US\", \"GB\"]\nfixed_lines = true\n"),
    );
    for (sms, phone, expected) in [
        (SMS, "+447400123456", (422, "phone-other-country")),
        (SMS, "+14165550100", (422, "phone-other-country")),
        (SMS, "+19002345678", (422, "phone-premium-rate")),
        (SMS, "+80012345678", (422, "phone-toll-free")),
        (&any, "+447400123456", (202, "")),
        (&any, "+442079460000", (422, "phone-fixed-line")),
        (&any, "+870301234567", (422, "phone-international")),
        (&listed, "+442079460000", (202, "")),
        (&listed, "+4915123456789", (422, "phone-other-country")),
    ] {
        assert_eq!(refused(sms, phone).await, (expected.0, expected.1.to_owned()), "{phone}");
    }
}

#[tokio::test]
async fn identifiers_are_trimmed_and_what_names_nobody_falls_back_to_the_address() {
    let intake = ServingIntake::serving("");
    let cases = [
        (r#","external_id":"\n  u1\n""#, Some("external u1")),
        (r#","external_id":"u2 ""#, Some("external u2")),
        (",\"external_id\":\"\u{feff}u3\u{200b}\"", Some("external u3")),
        (r#","external_id":3"#, Some("external 3")),
        (r#","external_id":"\u202au4\u202c","x":1"#, Some("external u4")),
        (r#","external_id":"","braze_id":" b1 ""#, Some("braze b1")),
        (r#","external_id":"null""#, None),
        (r#","external_id":"nil""#, None),
        (r#","external_id":"None" "#, None),
        (r#","external_id":"undefined""#, None),
        (r#","external_id":"{{${user_id}}}""#, None),
        (r#","external_id":"{% if x %}""#, None),
        (r#","external_id":"${user_id}","braze_id":"b2""#, Some("braze b2")),
        (",\"external_id\":\"u\u{3164}5\"    ", None),
        (r#","external_id":["u6"],"y":12345"#, None),
        (r#","external_id":true,"y":123456"#, None),
        (r#","external_id":{{${user_id}}},"y":1234567"#, None),
    ];
    for (members, expected) in cases {
        let participation = intake.event(members).await;
        let profile = participation.event().as_ref().and_then(|event| event.profile.as_ref());
        assert_eq!(text_of(profile).as_deref(), expected, "{members}");
    }
    let health = intake.health().await;
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["degraded"][0]["kind"], "unrendered-liquid", "{health}");
    assert_eq!(health["webhooks"]["dropped"]["unrendered-liquid"], 7, "{health}");
    assert_eq!(health["webhooks"]["dropped"]["unusable-identifier"], 1, "{health}");
}

#[tokio::test]
async fn an_address_that_is_a_piece_of_a_template_is_refused_as_that() {
    let intake = ServingIntake::serving("");
    for email in ["{{${email_address}}}", "null", "nil"] {
        let body = json!({ "q_scope": "spring", "event": "signed_in", "email": email }).to_string();
        let (status, answer) = intake.webhook(body).await;
        assert_eq!(
            (status.as_u16(), &answer["type"]),
            (422, &json!("urn:quikly-braze:unrendered-liquid")),
            "{email}"
        );
    }
    let health = intake.health().await;
    assert_eq!(health["webhooks"]["refused"]["unrendered-liquid"], 3, "{health}");
    assert_eq!(health["degraded"][0]["kind"], "unrendered-liquid", "{health}");
}

#[tokio::test]
async fn what_nothing_uses_costs_no_event() {
    let intake = ServingIntake::serving("");
    let members = [
        r#","name":"x\ud83d""#,
        r#","tags":["a","b"]"#,
        r#","address":{"city":"Detroit","city":"x"}"#,
        r#","spent":1e400,"a":1"#,
        r#","visits":,"aa":1"#,
        r#","sent_at":"2026-11-23 16:57:00 +0000""#,
        r#","sent_at":"2026-11-23 16:57:00.123 UTC""#,
        r#","sent_at":"yesterday""#,
        r#","sent_at":["x"],"b":22"#,
        ",\"note\":\"two\nlines\"",
        r#","x":1,"x":2"#,
        r#","external_id":"a","external_id":"b""#,
    ];
    for members in members {
        intake.event(members).await;
    }
    let many: String = (0..200).map(|number| format!(",\"k{number}\":\"v\"")).collect();
    intake.event(&many).await;
    intake.event(&format!(",\"long\":\"{}\"", "x".repeat(5_000))).await;
    let body = |email: &str| json!({ "q_scope": "spring", "event": "signed_in", "email": email }).to_string();
    let with_bom = format!("\u{feff}{}", body("bom@example.com"));
    assert_eq!(intake.webhook(with_bom).await.0, StatusCode::ACCEPTED);
    for twice in ["\"email\":\"other@example.com\"", "\"event\":\"fast\"", "\"q_scope\":\"autumn\""] {
        let body = body("twice@example.com").replacen('{', &format!("{{{twice},"), 1);
        assert_eq!(intake.webhook(body).await.0, StatusCode::BAD_REQUEST, "{twice}");
    }
    assert_eq!(intake.webhook("[]").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_slash_or_a_content_type_costs_no_event_and_a_wrong_path_is_counted() {
    let intake = ServingIntake::serving("");
    let body =
        || json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com" }).to_string();
    for content_type in [
        "text/plain",
        "application/json, application/json",
        "application/x-www-form-urlencoded",
        "application/json",
    ] {
        for path in ["/webhook/braze", "/webhook/braze/"] {
            assert_eq!(
                intake.webhook_as(path, content_type, body()).await.0,
                StatusCode::ACCEPTED,
                "{path} {content_type}"
            );
        }
    }
    assert_eq!(
        intake.webhook_as("/webhook/brazee", "application/json", body()).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        intake.webhook_as("/webhook/braze//", "application/json", body()).await.0,
        StatusCode::NOT_FOUND
    );
    let put =
        Request::put("/webhook/braze").header("authorization", "Bearer qb_1").body(Body::empty()).unwrap();
    assert_eq!(intake.send(put).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let stranger =
        Request::post("/webhook/brazee").header("authorization", "Bearer other").body(Body::empty()).unwrap();
    assert_eq!(intake.send(stranger).await.0, StatusCode::NOT_FOUND);
    let health = intake.health().await;
    assert_eq!(health["webhooks"]["refused"]["no-such-path"], 2, "{health}");
    assert_eq!(health["webhooks"]["refused"]["method-not-allowed"], 1, "{health}");
}

#[tokio::test]
async fn a_moment_ahead_of_the_clock_is_refused_where_the_incentive_measures_from_it() {
    let intake = ServingIntake::serving("");
    let now = intake.clock.now();
    let post = async |event: &str, sent_at: Value| {
        let email = "ada@example.com";
        let body =
            json!({ "q_scope": "spring", "event": event, "email": email, "sent_at": sent_at }).to_string();
        let (status, answer) = intake.webhook(body).await;
        (status.as_u16(), answer["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
    };
    let ahead = |seconds: i64| json!(now.as_second() + seconds);
    for (event, sent_at, expected) in [
        ("fast", ahead(3_600), (422, "sent-at-ahead")),
        ("fast", ahead(86_400), (422, "sent-at-ahead")),
        ("fast", json!("9999-01-01T00:00:00Z"), (422, "sent-at-ahead")),
        ("fast", json!("yesterday"), (422, "sent-at-unreadable")),
        ("fast", json!(null), (422, "sent-at-missing")),
        ("fast", ahead(240), (202, "")),
        ("fast", ahead(-60), (202, "")),
        ("signed_in", ahead(86_400), (202, "")),
    ] {
        assert_eq!(
            post(event, sent_at.clone()).await,
            (expected.0, expected.1.to_owned()),
            "{event} {sent_at}"
        );
    }
}

#[tokio::test]
async fn extras_are_what_the_file_says_and_neither_empty_nor_unrendered() {
    let intake = ServingIntake::serving("");
    let extras = async |members: &str| {
        let attributes = intake.event(members).await.attributes().clone();
        let names: Vec<String> = attributes.iter().map(|(name, _)| name.to_owned()).collect();
        (names.join(","), attributes)
    };
    for (members, names) in [
        (r#","store":"""#, ""),
        (r#","store":"  ","a":1"#, ""),
        (r#","store":"{{custom_attribute.${store}}}""#, ""),
        (r#","store":"Detroit","visits":"42","vip":"true""#, "store,vip,visits"),
        (r#","store":"x","visits":"many","vip":"perhaps","c":1"#, "store"),
        (r#","other":"x","b":1"#, ""),
    ] {
        assert_eq!(extras(members).await.0, names, "{members}");
    }
    use domain::attributes::AttributeValue::{Boolean, Integer};
    let attributes = extras(r#","visits":"42","vip":"true","d":1"#).await.1;
    let values: Vec<_> = attributes.iter().map(|(_, value)| value.clone()).collect();
    assert!(values == [Boolean(true), Integer(42)]);
}
