//! Code files: where they may be, and how a spreadsheet changes them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::brand_files::{CODES, access, change, webhook};
use crate::process::{run_with, write};
use crate::secrets::{KEY, OTHER_TOKEN, SECRET, TOKEN};
use crate::server::{BrandFixture, KEY_VARIABLE, OTHER_KEY_VARIABLE, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const SOON: Duration = Duration::from_secs(60);

fn check(brands: &Path, more: &[&str]) -> (Option<i32>, String) {
    let brands = brands.display().to_string();
    let variables = [(KEY_VARIABLE, KEY), (OTHER_KEY_VARIABLE, KEY), (SECRET_VARIABLE, SECRET)];
    run_with(&[&["check", "--brands", &brands], more].concat(), &variables)
}

/// Gives the other brand an incentive with this code file.
fn give_other(brands: &Path, codes: &str) {
    let file = brands.join("other.toml");
    let incentive = CODES.replace("codes.txt", codes);
    let text = fs::read_to_string(&file).unwrap().replace("[activation.events.signed_in]\n", &incentive);
    write(&file, &text);
}

fn name(brands: &Path, codes: &str) {
    change(&brands.join("acme.toml"), "codes.txt", codes);
}

#[tokio::test]
async fn a_code_file_that_is_not_the_brands_own_is_refused_and_the_other_brand_works() {
    let workspace = SimProcess::start("0s").await;
    let access = access();
    let brand = BrandFixture { access: &access, more: CODES, codes: 4, ..BrandFixture::at(&workspace) };
    let elsewhere = |brands: &Path| {
        write(&brands.join("../elsewhere/codes.txt"), "HIDDEN-1\nHIDDEN-2\nHIDDEN-3\nHIDDEN-4\n");
    };
    let (acme, other) = ((TOKEN, "spring"), (OTHER_TOKEN, "other-spring"));
    type Change<'a> = &'a dyn Fn(&Path);
    let cases: [(Change<'_>, _, _, _); 6] = [
        (
            &|brands| name(brands, "/etc/passwd"),
            acme,
            other,
            "must be the name of a file next to the brand file",
        ),
        (
            &|brands| {
                elsewhere(brands);
                name(brands, "../elsewhere/codes.txt");
            },
            acme,
            other,
            "must be the name of a file next to the brand file",
        ),
        (
            &|brands| {
                elsewhere(brands);
                fs::remove_file(brands.join("codes.txt")).unwrap();
                symlink("../elsewhere/codes.txt", brands.join("codes.txt")).unwrap();
            },
            acme,
            other,
            "is a link that leads out of the directory",
        ),
        (&|brands| give_other(brands, "codes.txt"), other, acme, "is the file of codes of"),
        (&|brands| give_other(brands, "Codes.txt"), other, acme, "is the file of codes of"),
        (
            &|brands| {
                fs::hard_link(brands.join("codes.txt"), brands.join("more.txt")).unwrap();
                give_other(brands, "more.txt");
            },
            other,
            acme,
            "is the file of codes of",
        ),
    ];
    for (change, refused, works, why) in cases {
        let server = ServeProcess::start_changed(&brand, change, &["--requests-per-client", "0"]).await;
        let (code, said) = check(&server.brands(), &[]);
        assert!(code == Some(1) && said.contains(why), "{why}: {said}");
        server.logs(why).await;
        for said in [said, server.said()] {
            assert!(!said.contains("HIDDEN") && !said.contains("CODE-"), "{said}");
        }
        assert_eq!(webhook(&server, refused.0, refused.1, "ada@example.com").await.0, 503, "{why}");
        assert_eq!(webhook(&server, works.0, works.1, "ada@example.com").await.0, 202, "{why}");
    }
}

#[tokio::test]
async fn codes_that_a_spreadsheet_saved_are_given_out_as_they_are_meant_and_oddities_are_reported_once() {
    let workspace = SimProcess::start("0s").await;
    let access = access();
    let brand = BrandFixture { access: &access, more: CODES, ..BrandFixture::at(&workspace) };
    let codes = |text: &'static str| move |brands: &Path| write(&brands.join("codes.txt"), text);
    let server = ServeProcess::start_changed(
        &brand,
        codes("\u{feff}CODE-1\r\nCODE-2\rcode-2\n\"CODE-3\",x\n"),
        &["--requests-per-client", "0"],
    )
    .await;
    let (_, body) = webhook(&server, TOKEN, "spring", "ada@example.com").await;
    let shown = server.reaches(body["id"].as_str().unwrap(), "credited", SOON).await;
    assert_eq!(shown["reward"], "CODE-1");

    let (code, said) = check(&server.brands(), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("acme: 4 activation(s), ok\n  codes.txt: 4 codes, the first like AAAA-9\n"),
        "{said}"
    );
    let odd = [
        "codes \"codes.txt\": line 3 has a code in which only upper and lower case differ from an earlier one",
        "codes \"codes.txt\": line 4 has a code in quotes",
        "codes \"codes.txt\": line 4 has a code with a comma",
    ];
    for odd in odd {
        assert_eq!(said.matches(odd).count(), 1, "{said}");
        server.logs_times(1, odd).await;
    }
    let (_, said) = check(&server.brands(), &["--json"]);
    let checked: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(checked[0]["codes"], json!([{ "file": "codes.txt", "count": 4, "first_like": "AAAA-9" }]));
    let warnings = checked[0]["findings"].as_array().unwrap().iter();
    let warnings: Vec<&Value> = warnings.filter(|found| found["field"] == "codes \"codes.txt\"").collect();
    assert!(
        warnings.len() == 3 && warnings.iter().all(|found| found["severity"] == "warning"),
        "{warnings:?}"
    );

    for (bytes, why) in [
        (&b"\xff\xfeC\0O\0D\0E\0-\x001\0\n\0"[..], "is UTF-16 text: save it as UTF-8"),
        (b"CODE-1\nCODE-\xe9\n", "line 2 is not UTF-8: save the file as UTF-8"),
        ("CODE-1\nCODE-2\u{200b}\n".as_bytes(), "line 2 has an invisible character (U+200B)"),
        ("CODE-1\n\u{a0}CODE-2\n".as_bytes(), "line 2 has an invisible character (U+00A0)"),
    ] {
        fs::write(server.brands().join("codes.txt"), bytes).unwrap();
        let (code, said) = check(&server.brands(), &[]);
        assert!(code == Some(1) && said.contains(why) && !said.contains("CODE-"), "{why}: {said}");
        // The running process continues with the earlier file.
        assert_eq!(webhook(&server, TOKEN, "summer", "ada@example.com").await.0, 202);
    }
}
