use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    Email::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).as_str().to_owned()
}

#[test]
fn an_address_is_trimmed_and_lower_cased() {
    assert_eq!(canonical("  Ada@Example.COM\n"), "ada@example.com");
}

#[test]
fn ordinary_addresses_are_plain() {
    for text in ["ada@example.com", "ada.b-c_d+1@mail.example.co.uk", "1@2.example"] {
        assert!(is_plain(text), "{text}");
    }
}

#[test]
fn many_spellings_are_one_address() {
    let spellings: [(&str, &[&str]); 6] = [
        (
            "ada@example.com",
            &[
                "ada@example.com",
                "\u{feff}ada@example.com",
                "\u{202a}ada@example.com\u{202c}",
                "ada@example.com\u{200b}\u{a0}\u{3000}",
                "ADA@EXAMPLE.COM",
                "ada@example.com.",
                "\"ada\"@example.com",
                "\"a\\d\\a\"@example.com",
                "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
                "ada@example。com",
                "ＡＤＡ@example.com",
            ],
        ),
        (
            "ada@xn--bcher-kva.example",
            &[
                "ada@bücher.example",
                "ada@BÜCHER.example",
                "ada@bu\u{308}cher.example",
                "ada@XN--BCHER-KVA.example",
            ],
        ),
        (
            "josé@example.com",
            &["josé@example.com", "jose\u{301}@example.com", "JOSÉ@example.com", "\"josé\"@example.com"],
        ),
        ("\"a b\"@example.com", &["\"a b\"@example.com", "\"a\\ b\"@example.com", "\"A B\"@example.com"]),
        ("\"a\\\"\\\\\"@example.com", &["\"a\\\"\\\\\"@example.com"]),
        ("ada+1@example.com", &["ada+1@example.com", "\"ada+1\"@example.com"]),
    ];
    for (one, all) in spellings {
        for spelling in all {
            assert_eq!(canonical(spelling), one, "{spelling:?}");
        }
    }
    assert_ne!(canonical("ada+1@example.com"), canonical("ada@example.com"));
    assert_ne!(canonical("a.da@example.com"), canonical("ada@example.com"));
    assert_ne!(canonical("ırem@example.com"), canonical("irem@example.com"));
}

#[test]
fn a_text_that_cannot_receive_mail_is_refused() {
    let invalid = [
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "ada@example..com",
        "Ada <ada@example.com>",
        "ada@[127.0.0.1]",
        "a@b.c,d@e.f",
        "ada@192.168.0.1",
        "ada@example.123",
        "ada@example.0x7f",
        "ada@１９２.168.0.1",
        "ada@example.com..",
        "ada@-example.com",
        "ada@exa mple.com",
        "ada@xn--a.example",
        "ada@a!b.example",
        "\"\"@example.com",
        "\"a\"b\"@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..b@example.com",
        "ada@.example.com",
        "ada\u{e000}@example.com",
        "ada\u{fffd}@example.com",
        "ada@a@example.com",
        "ada＠a@example.com",
        "mailto:ada@example.com",
    ];
    for text in invalid {
        assert_eq!(Email::parse(text), Err(EmailError::Invalid), "{text}");
    }
    let long = |local: usize, domain: usize| {
        format!("{}@{}.com", "a".repeat(local), vec!["b".repeat(49); domain].join("."))
    };
    assert_eq!(Email::parse(&long(65, 1)), Err(EmailError::Invalid));
    assert_eq!(Email::parse(&long(50, 4)).map(|email| email.0.len()), Ok(254));
    assert_eq!(Email::parse(&long(51, 4)), Err(EmailError::TooLong));
    assert_eq!(Email::parse(&long(64, 4)), Err(EmailError::TooLong));
    assert_eq!(Email::parse(&"a".repeat(LONGEST_TEXT + 1)), Err(EmailError::TooLong));
    for text in ["", " \t", "\u{feff}\u{200b}\u{3164}"] {
        assert_eq!(Email::parse(text), Err(EmailError::Empty), "{text:?}");
    }
}

#[test]
fn an_invisible_character_in_the_middle_is_refused() {
    for c in [
        '\0',
        '\t',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2066}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0061}',
    ] {
        for text in
            [format!("a{c}da@example.com"), format!("ada@exam{c}ple.com"), format!("ada{c}@example.com")]
        {
            assert_eq!(Email::parse(&text), Err(EmailError::Invisible), "{text:?}");
        }
    }
}

#[test]
fn neither_debug_nor_display_shows_the_address() {
    let email = Email::parse("ada@example.com").unwrap();
    for shown in [format!("{email:?}"), email.to_string()] {
        assert!(!shown.contains("ada") && !shown.contains("example"), "{shown}");
    }
}

#[test]
fn an_address_that_an_earlier_version_stored_is_read_unchanged() {
    for text in [
        "ada@bücher.example",
        "\"grace\"@example.com",
        "ada\u{3164}@example.com",
        "ada@192.168.0.1",
        &format!("a@{}.com", "b.".repeat(125)),
    ] {
        let stored = Email::from_stored(text).unwrap();
        assert_eq!(stored.as_str(), text);
    }
    for text in ["", "ada", "@", "ada@", "@example.com"] {
        assert!(Email::from_stored(text).is_err(), "{text}");
    }
}

#[test]
fn the_forms_of_earlier_versions_are_known_if_they_differed() {
    let earlier = |text: &str| {
        let forms = Email::parse(text).unwrap().earlier_forms(text);
        forms.into_iter().map(|email| email.0).collect::<Vec<_>>()
    };
    assert!(earlier("ada@example.com").is_empty());
    assert!(earlier(" Ada@Example.com ").is_empty());
    assert_eq!(earlier("\"Grace\"@example.com"), ["\"grace\"@example.com"]);
    assert_eq!(earlier("ada@Bücher.example"), ["ada@bücher.example"]);
    assert_eq!(earlier("ada@xn--bcher-kva.example"), ["ada@bücher.example"]);
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_it_accepts_it_accepts_again(text in "\\PC{0,80}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
        }
    }

    #[test]
    fn the_canonical_form_is_its_own_and_fits_into_what_is_stored(
        local in "[\"a-zA-ZäÖßİıſﬁﬃ①㎒é\u{301}\u{308}\\\\ .+ｚ０日本ΣςЖ]{1,12}", host in "[a-zA-ZäßİıſΣςé\u{301}日本Ж。．-]{1,12}",
    ) {
        let text = format!("{local}@{host}.com");
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            prop_assert_eq!(Email::from_stored(email.as_str()), Ok(email.clone()));
            prop_assert_eq!(email.canonical(), email);
        }
    }

    #[test]
    fn a_plain_address_is_canonical_by_all_the_rules(
        local in "[a-z0-9._+-]{0,8}|[a-z.]{60,68}", sub in "[a-z0-9.-]{0,8}|xn--[a-z-]{0,4}|[a-z]{60,66}|([a-z]{50}\\.){3,5}a",
        top in "[a-z0-9-]{0,4}|0x[a-f0-9]{1,3}|[a-z]{60,66}",
    ) {
        let text = format!("{local}@{sub}.{top}");
        if is_plain(&text) {
            prop_assert_eq!(Email::parse_any(&text).map(|email| email.0), Ok(text));
        }
    }

    #[test]
    fn case_and_what_surrounds_it_do_not_make_another_consumer(
        local in "[a-zA-Z0-9]{1,20}", host in "[a-zA-Z0-9]{1,20}",
        before in "[ \t\u{200b}\u{feff}\u{202a}\u{2800}]{0,3}", after in "[ \n\u{a0}\u{202c}\u{3164}]{0,3}",
    ) {
        let plain = Email::parse(&format!("{local}@{host}.com").to_lowercase()).unwrap();
        let dressed = Email::parse(&format!("{before}{local}@{host}.COM{after}")).unwrap();
        let quoted = Email::parse(&format!("{before}\"{local}\"@{host}.COM.{after}")).unwrap();
        prop_assert_eq!(&plain, &dressed);
        prop_assert_eq!(plain, quoted);
    }
}

#[test]
fn the_part_before_the_at_has_64_bytes_at_most() {
    let of = |local: String| Email::parse(&format!("{local}@example.com")).map(|_| ());
    assert_eq!((of("a".repeat(64)), of("é".repeat(32))), (Ok(()), Ok(())));
    assert_eq!(
        (of("a".repeat(65)), of("é".repeat(33))),
        (Err(EmailError::Invalid), Err(EmailError::Invalid))
    );
}

#[test]
fn a_text_of_2048_bytes_is_looked_at() {
    let hidden = |length: usize| format!("a\u{200b}{}", "a".repeat(length - 4));
    assert_eq!(Email::parse(&hidden(LONGEST_TEXT)), Err(EmailError::Invisible));
    assert_eq!(Email::parse(&hidden(LONGEST_TEXT + 1)), Err(EmailError::TooLong));
}
