use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Vec<String>, CodesError> {
    CodeList::read(text.as_bytes()).map(CodeList::into_codes)
}

fn doubts(text: &str) -> Vec<String> {
    CodeList::read(text.as_bytes()).unwrap().doubts()
}

#[test]
fn each_line_is_a_code_whatever_the_line_ending() {
    let three = Ok(vec!["A-1".to_owned(), "B-2".to_owned(), "C 3".to_owned()]);
    for text in [
        "A-1\nB-2\nC 3",
        "A-1\n\n  B-2 \t\r\nC 3\n",
        "A-1\r\nB-2\r\nC 3\r\n",
        "A-1\rB-2\rC 3\r",
        "A-1\r\r\nB-2\n\r\tC 3",
        "\u{feff}A-1\nB-2\nC 3",
        "\u{feff}\r\nA-1\rB-2\nC 3",
    ] {
        assert_eq!(read(text), three, "{text:?}");
    }
    assert_eq!(read(""), Ok(vec![]));
    assert_eq!(read("\u{feff}"), Ok(vec![]));
    assert_eq!(
        read("À-1\ncafé\nKOD-ЖЙ\n券-1"),
        Ok(["À-1", "café", "KOD-ЖЙ", "券-1"].map(str::to_owned).to_vec())
    );
}

#[test]
fn a_code_with_an_invisible_character_is_refused_with_its_line() {
    for hidden in [
        '\u{feff}',
        '\u{200b}',
        '\u{200d}',
        '\u{a0}',
        '\u{202f}',
        '\u{3000}',
        '\u{200e}',
        '\u{202e}',
        '\u{ad}',
        '\u{2060}',
        '\u{2028}',
        '\u{85}',
        '\u{b}',
        '\u{1a}',
        '\u{7f}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{e0020}',
    ] {
        let expected = Err(CodesError::Invisible { line: 2, code_point: u32::from(hidden) });
        for text in
            [format!("{hidden}B-2"), format!("B{hidden}-2"), format!("B-2{hidden}"), format!("{hidden}")]
        {
            assert_eq!(read(&format!("A-1\r\n{text}\nC-3")), expected, "{text:?}");
        }
    }
    assert_eq!(read("\u{feff}\u{feff}A-1"), Err(CodesError::Invisible { line: 1, code_point: 0xfeff }));
    for c in ['\u{fffd}', '\u{e000}', '\u{378}'] {
        let expected = Err(CodesError::Meaningless { line: 1, code_point: u32::from(c) });
        assert_eq!(read(&format!("A{c}1")), expected);
    }
    assert_eq!(read("A-1\nB-2\t2026-12-01"), Err(CodesError::Tab(2)));
}

#[test]
fn a_file_in_another_encoding_is_refused_as_such() {
    let utf_16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(CodeList::read(&utf_16("\u{feff}A-1\nB-2\n", bytes)), Err(CodesError::Utf16));
        assert_eq!(CodeList::read(&utf_16("A-1\nB-2\n", bytes)), Err(CodesError::Nul));
        assert_eq!(CodeList::read(&utf_16("券\n", bytes)), Err(CodesError::Nul));
    }
    for error in [CodesError::Utf16, CodesError::Nul, CodesError::NotUtf8(1)] {
        assert!(error.to_string().contains("as UTF-8") && !error.is_new(), "{error}");
    }
    for (bytes, line) in
        [(&b"A-1\nB-2\nCAF\xc9\n"[..], 3), (b"A-1\rB-2\r\nCAF\xc9\r", 3), (b"\xe9", 1), (b"A-1\n\xe2\x82", 2)]
    {
        assert_eq!(CodeList::read(bytes), Err(CodesError::NotUtf8(line)));
    }
}

#[test]
fn a_code_is_not_too_long_and_not_repeated() {
    assert_eq!(read(&"é".repeat(255)).map(|codes| codes.len()), Ok(1));
    assert_eq!(read(&"x".repeat(256)), Err(CodesError::TooLong(1)));
    assert_eq!(read("A-1\nB-2\nA-1 \n"), Err(CodesError::Repeated(3)));
    assert_eq!(read("\u{feff}A-1\nA-1\n"), Err(CodesError::Repeated(2)));
}

#[test]
fn a_shape_shows_how_a_code_looks_without_revealing_it() {
    for (code, shape) in
        [("QWXZ-123", "AAAA-999"), ("qWx 7_é.Ж", "aAa 9_a.A"), ("\"A-1\",x", "\"A-9\",a"), ("券١", "a9")]
    {
        assert_eq!(Shape::of(code).to_string(), shape);
    }
    assert_eq!(Shape::of(&"A".repeat(32)).as_str(), "A".repeat(32));
    assert_eq!(Shape::of(&"A".repeat(33)).as_str(), "A".repeat(32) + "…");
    assert_eq!(CodeList::read(b"\n B-2\n").unwrap().first(), Some(Shape::of("A-1")));
    assert_eq!(format!("{:?}", CodeList::read(b"SECRET-1\n")), "Ok(CodeList(1 codes))");
}

#[test]
fn codes_as_they_should_be_raise_no_doubt() {
    for text in [
        "",
        "SPRING20",
        "SPRING",
        "SPRING\nA-1",
        "AAAA-111\nBBBB-222\nCCCC-333",
        "SPRING\nSUMMER\nAUTUMN",
        "QWER-TYUI\nASDF-GHJK\nZXCV-BNMQ",
        "aB-1\nAc-1\nbB-1",
        "A'B-1\nA.B_2",
        "1E10\n2E+X",
    ] {
        assert_eq!(doubts(text), Vec::<String>::new(), "{text:?}");
    }
}

#[test]
fn additions_of_an_export_are_doubted_once_for_each_kind() {
    for (text, expected) in [
        ("Code\nA-1\nB-2", "line 1 looks like a heading"),
        ("CODES\nA-1", "line 1 looks like a heading"),
        ("\u{feff}Promo code\nA-1\nB-2", "line 1 looks like a heading"),
        ("\ncoupon_code\nABC\nDEF", "line 2 looks like a heading"),
        ("Code\nA-1", "line 1 looks like a heading"),
        ("Vouchers:\nA-1", "line 1 looks like a heading"),
        ("Aktionsname\nA-1\nB-2", "line 1 looks like a heading"),
        ("Aktionsname\nABCD-EFGH\nIJKL-MNOP", "line 1 looks like a heading"),
        ("A-1\n\n\"B-2\"\n'C-3'", "line 3 and 1 other have codes in quotes"),
        ("“A-1”\n«B-2»\n„C-3“", "line 1 and 2 others have codes in quotes"),
        ("A-1,2026-12-01\nB-2;x\nC|3\nD-4", "line 1 and 2 others have codes with a comma"),
        ("A-1\nB-2,", "line 2 has a code with a comma"),
        (
            "ABc-1\nD-2\nabC-1\nAbC-1",
            "line 3 and 1 other have codes in which only upper and lower case differ",
        ),
        ("É-1\né-1", "line 2 has a code in which only upper"),
        ("1.23457E+15\n1.23458E+15", "line 1 and 1 other have codes that a spreadsheet"),
    ] {
        let doubts = doubts(text);
        assert!(doubts.len() == 1 && doubts[0].starts_with(expected), "{text:?}: {doubts:#?}");
    }
    let every = doubts("code\n\"A-1\",x\n\"a-1\",X\n\"B-2\",y");
    assert_eq!(every.len(), 4, "{every:#?}");
    assert_eq!(doubts("Code,Expires\nA-1,2026-12-01").len(), 2);
}

proptest! {
    #[test]
    fn whatever_bytes_a_file_has_codes_are_clean_and_never_printed(
        lines in prop::collection::vec("[A-Z]{6}[0-9]{4}[\\PC\u{200b}\u{feff}\t\r]{0,2}", 1..5),
        broken in any::<Option<u8>>(),
    ) {
        let mut bytes = lines.join("\n").into_bytes();
        bytes.extend(broken);
        let told = match CodeList::read(&bytes) {
            Err(error) => error.to_string(),
            Ok(list) => {
                let told = format!("{:?} {:?} {:?}", list.doubts(), list.first(), list);
                for code in list.into_codes() {
                    prop_assert_eq!(code.trim(), code.as_str());
                    prop_assert!(!crate::invisible::has_invisible(&code));
                }
                told
            }
        };
        for line in &lines {
            prop_assert!(!told.contains(&line[..6]), "{}", told);
        }
    }
}

#[test]
fn codes_are_counted_and_kept_in_the_order_of_the_file() {
    let list = CodeList::read(b"B-2\n\nA-1\n").unwrap();
    assert_eq!((list.count(), list.codes()), (2, &["B-2".to_owned(), "A-1".to_owned()][..]));
    assert_eq!(CodeList::default().count(), 0);
}

#[test]
fn files_with_a_character_that_earlier_versions_took_are_refused_by_a_rule_that_is_new() {
    let error = |text: &str| read(text).unwrap_err();
    assert!(error("A\u{200b}-1").is_new() && error("A\u{e000}-1").is_new());
    for text in ["A\u{1b}-1", "A\u{85}-1", "A\tB", "A-1\nA-1"] {
        assert!(!error(text).is_new(), "{text:?}");
    }
}

#[test]
fn a_code_that_is_kept_with_the_mark_of_its_file_is_given_out_without() {
    let kept = with_mark("A-1");
    assert_eq!(kept, "\u{feff}A-1");
    assert_eq!((without_mark(&kept), without_mark("A-1")), ("A-1", "A-1"));
}

#[test]
fn a_code_of_255_characters_fits_whatever_its_length_in_bytes() {
    for c in ["x", "é", "券"] {
        assert_eq!(read(&c.repeat(255)).map(|codes| codes.len()), Ok(1), "{c}");
        assert_eq!(read(&c.repeat(256)), Err(CodesError::TooLong(1)), "{c}");
    }
}
