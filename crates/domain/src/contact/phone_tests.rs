use proptest::prelude::*;

use super::*;

fn region(text: &str) -> Region {
    Region::parse(text).unwrap()
}

fn canonical(text: &str, country: &str) -> Result<String, PhoneError> {
    Phone::parse(text, region(country)).map(|phone| phone.0)
}

#[test]
fn a_number_is_read_in_the_forms_that_people_write() {
    for text in ["+1 313 555 0100", "(313) 555-0100", "313.555.0100", "1-313-555-0100", " 3135550100 "] {
        assert_eq!(canonical(text, "US"), Ok("+13135550100".into()), "{text}");
    }
    assert_eq!(canonical("0151 23456789", "DE"), Ok("+4915123456789".into()));
    assert_eq!(canonical("+4915123456789", "US"), Ok("+4915123456789".into()));
}

#[test]
fn a_number_is_read_in_the_forms_that_are_pasted() {
    let pasted = [
        "\u{202a}+1 (313) 555-0100\u{202c}",
        "\u{202d}+13135550100\u{202c}",
        "\u{2066}+13135550100\u{2069}",
        "\u{200e}+1 313\u{a0}555\u{a0}0100\u{200f}",
        "+1\u{2011}313\u{2011}555\u{2011}0100",
        "+1 313–555–0100",
        "+1 313—555−0100",
        "+1313\u{200b}555\u{200b}0100",
        "\u{feff}3135550100",
        "3135550100\u{2060}",
        "tel:+13135550100",
        "TEL: +1-313-555-0100",
        "tel:+1-313-555-0100;phone-context=example.com",
        "tel:313-555-0100;phone-context=+1",
        "＋１ ３１３ ５５５ ０１００",
        "（３１３）５５５－０１００",
        "٣١٣٥٥٥٠١٠٠",
        "+१३१३५५५०१००",
        "0013135550100",
        "01113135550100".trim_start_matches("011"),
        "+1 (0)313 555 0100",
        "[313] 555/0100",
        "313\t555\n0100",
        "+ 1 313 555 0100",
    ];
    for text in pasted {
        assert_eq!(canonical(text, "US"), Ok("+13135550100".into()), "{text:?}");
    }
    for text in ["+44 (0)7400 123456", "0044 7400 123456", "07400\u{2009}123456", "01144 7400 123456"] {
        let country = if text.starts_with("011") { "US" } else { "GB" };
        assert_eq!(canonical(text, country), Ok("+447400123456".into()), "{text:?}");
    }
    assert_eq!(canonical("0044 7400 123456", "US"), Ok("+447400123456".into()));
    assert_eq!(canonical("+39 06 698 12345", "US"), Ok("+390669812345".into()));
}

/// Each of these texts is refused for this reason.
fn are_refused(texts: &[&str], why: PhoneError) {
    for text in texts {
        assert_eq!(canonical(text, "US"), Err(why), "{text:?}");
    }
}

#[test]
fn a_text_that_is_not_a_number_is_refused_with_a_reason() {
    are_refused(&["", "\u{feff}\u{200b} \u{202c}"], PhoneError::Empty);
    let words =
        ["call me", "call 3135550100", "3135550100 please", "+1 800 FLOWERS", "ada@example.com", "tel:"];
    are_refused(&words, PhoneError::NotANumber);
    are_refused(&["+1313555010a", &"1".repeat(41), &"\u{200b}".repeat(300)], PhoneError::NotANumber);
    let extensions = [
        "+1 313 555 0100 ext. 5",
        "313-555-0100 x12",
        "tel:+13135550100;ext=5",
        "tel:+13135550100;isub=5",
        "3135550100#5",
    ];
    are_refused(&extensions, PhoneError::Extension);
    are_refused(&["+1 555", "+1 013 555 0100"], PhoneError::Invalid);
    assert!(Region::parse("Atlantis").is_err());
}

#[test]
fn a_number_is_the_same_line_however_braze_shows_it() {
    let same = [
        ("+13135550100", "1 (313) 555-0100", "US"),
        ("+13135550100", "+13135550100", "DE"),
        ("+13135550113", "3135550113", "US"),
        ("+13135550114", "(313) 555-0114", "US"),
        ("+13135550114", "tel:313-555-0114", "US"),
        ("+13135550114", "\u{202a}+1 313 555 0114\u{202c}", "US"),
        ("+13135550114", "001 313 555 0114", "GB"),
        ("+447400123458", "07400 123458", "GB"),
        ("+447400123458", "+44 (0)7400 123458", "GB"),
        ("+525541637145", "+5215541637145", "MX"),
        ("+525541637145", "+5215541637145", "US"),
        ("+525541637145", "1 55 4163 7145", "MX"),
        ("+5491123456789", "+541123456789", "AR"),
        ("+5491123456789", "011 15-2345-6789", "AR"),
        ("+5511961234567", "+551161234567", "BR"),
        ("+5511961234567", "(11) 6123-4567", "BR"),
        ("+2290195123456", "+22995123456", "BJ"),
        ("+84701234567", "+841201234567", "VN"),
        ("+84701234567", "0120 123 4567", "VN"),
        ("+390612345678", "06 1234 5678", "IT"),
    ];
    for (ours, shown, country) in same {
        assert!(Phone::from_e164(ours).unwrap().is(shown, region(country)), "{ours} {shown} {country}");
    }
    let other = [
        ("+13135550100", "+13135550101", "US"),
        ("+13135550114", "(313) 555-0114", "GB"),
        ("+447400123458", "07400 123458", "US"),
        ("+447400123458", "07400 123459", "GB"),
        ("+13135550114", "", "US"),
        ("+13135550114", "unknown", "US"),
        ("+13135550114", "555-0114", "US"),
        ("+13135550114", "+1 313 555 0114 ext. 2", "US"),
        ("+5491123456789", "+541123456780", "AR"),
        ("+390612345678", "+39612345678", "IT"),
    ];
    for (ours, shown, country) in other {
        assert!(!Phone::from_e164(ours).unwrap().is(shown, region(country)), "{ours} {shown} {country}");
    }
}

#[test]
fn a_number_of_an_old_plan_is_the_number_that_replaced_it() {
    for (old, new, country) in [
        ("+5215541637145", "+525541637145", "US"),
        ("(11) 6123-4567", "+5511961234567", "BR"),
        ("+22995123456", "+2290195123456", "US"),
        ("0120 123 4567", "+84701234567", "VN"),
    ] {
        assert_eq!(canonical(old, country), Ok(new.into()), "{old}");
    }
}

#[test]
fn a_number_does_not_print_itself() {
    let phone = Phone::from_e164("+13135550100").unwrap();
    assert!(!format!("{phone:?}").contains("555") && !phone.to_string().contains("555"));
    assert!(Phone::from_e164("13135550100").is_err());
}

#[test]
fn valid_numbers_of_unusual_length_are_read_back() {
    for text in ["+49576164841893011", "+431115", "+2908456"] {
        let phone = Phone::parse(text, region("US")).map_err(|error| (text, error)).unwrap();
        assert_eq!(Phone::from_e164(phone.as_str()), Ok(phone));
    }
    for text in ["", "+", "+1", "+03135550100", "+1313555010a", &format!("+{}", "1".repeat(21))] {
        assert_eq!(Phone::from_e164(text), Err(PhoneError::NotANumber), "{text}");
    }
}

proptest! {
    #[test]
    fn whatever_number_of_whatever_country_is_accepted_can_be_read_back(text in "[+][1-9][0-9]{1,22}") {
        if let Ok(phone) = Phone::parse(&text, region("US")) {
            prop_assert_eq!(Phone::from_e164(phone.as_str()), Ok(phone.clone()));
            prop_assert_eq!(Phone::parse(phone.as_str(), region("DE")), Ok(phone.clone()));
            prop_assert!(phone.is(&text, region("US")), "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_number_parser_panic(text in "(tel:)?[-+(). /0-9;=a-zext\u{200b}０-９٠-٩]{0,45}", any in "\\PC{0,60}") {
        let phone = Phone::from_e164("+13135550100").unwrap();
        for text in [text, any] {
            let _ = phone.is(&text, region("US"));
            if let Ok(phone) = Phone::parse(&text, region("US")) {
                prop_assert_eq!(Phone::parse(phone.as_str(), region("US")), Ok(phone.clone()));
            }
        }
    }

    #[test]
    fn invisible_characters_and_punctuation_do_not_make_another_number(
        parts in proptest::collection::vec("[ ()\u{a0}\u{2011}\u{2013}\u{200b}\u{202a}\u{202c}\u{2066}.-]{0,2}", 4),
    ) {
        let [a, b, c, d] = &parts[..] else { unreachable!() };
        let text = format!("{a}+1{b}313{c}555{d}0100");
        // libphonenumber does not accept every character at the beginning of a text.
        if let Ok(phone) = Phone::parse(&text, region("US")) {
            prop_assert_eq!(phone.as_str(), "+13135550100");
        }
    }
}

#[test]
fn a_number_of_an_old_plan_that_no_plan_of_today_has_cannot_exist() {
    assert_eq!(Phone::parse("+55 20 6123 4567", region("BR")), Err(PhoneError::Invalid));
}

#[test]
fn a_text_of_512_bytes_is_looked_at() {
    let padded = |length: usize| format!("+13135550100{}", " ".repeat(length - 12));
    assert!(Phone::parse(&padded(512), region("US")).is_ok());
    assert_eq!(Phone::parse(&padded(513), region("US")), Err(PhoneError::NotANumber));
}

#[test]
fn of_the_parameters_of_a_number_only_an_extension_is_called_one() {
    are_refused(&["tel:+13135550100;ext=5", "tel:+13135550100;ISUB=5"], PhoneError::Extension);
    are_refused(&["tel:+13135550100;colour=red", "tel:+13135550100;colour"], PhoneError::NotANumber);
}
