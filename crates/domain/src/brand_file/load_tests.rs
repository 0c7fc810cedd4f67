use super::*;
use crate::brand::BrokenBrand;
use crate::token::TokenHash;

fn brand_file(id: &str, scope: &str) -> String {
    format!(
        "id = \"{id}\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"KEY\" }}\n[webhook]\ntokens_sha256 = [\"{}\"]\n\
         [intake]\norigins = [\"https://{id}.example\"]\n[[activation]]\nscope = \"{scope}\"\nopens = 2026-11-01T00:00:00Z\n\
         closes = 2026-12-01T00:00:00Z\n[activation.email]\n",
        TokenHash::of(id)
    )
}

fn given(name: &str, text: &str) -> Given {
    Ok(BrandFile { name: name.into(), text: text.into() })
}

fn load(files: &[Given], former: Option<&Loaded>) -> Loaded {
    read_each(files, &SomeMissing, Strictness::Strict, former)
}

fn id(text: &str) -> BrandId {
    BrandId::parse(text).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn standings(loaded: &Loaded) -> Vec<(&str, FileStanding)> {
    loaded.files.iter().map(|file| (file.name.as_str(), file.standing)).collect()
}

/// Whether everything that identifies the owner of the file is known.
fn is_known(broken: &BrokenBrand) -> bool {
    broken.id == Some(id("acme"))
        && broken.may_have_scope(&scope("spring"))
        && broken.may_have_token(&TokenHash::of("acme"))
}

#[test]
fn a_file_that_cannot_be_used_harms_no_other() {
    let acme = brand_file("acme", "spring");
    let good = given("zest.toml", &brand_file("zest", "summer"));
    for (what, broken) in [
        ("an unknown key", format!("colour = 1\n{acme}")),
        ("a wrong value", acme.replace("http://127.0.0.1:1", "http://example.com")),
        ("a missing secret", acme.replace("KEY", "MISSING")),
        ("a table that is not closed", acme.replace("[braze]", "[braze")),
        ("a text that is not closed", acme.replace("api_key = { env = \"KEY\" }", "api_key = { env = \"KEY")),
        ("another type", acme.replace("[braze]\nendpoint", "[braze.x]\nendpoint")),
        ("a key twice", acme.replace("id = \"acme\"", "id = \"acme\"\nid = \"acme\"")),
        ("a merge that went wrong", acme.replace("[braze]", "<<<<<<< HEAD\n[braze]")),
    ] {
        let loaded = load(&[given("acme.toml", &broken), good.clone()], None);
        assert_eq!(
            standings(&loaded),
            [("acme.toml", FileStanding::Broken), ("zest.toml", FileStanding::Used)],
            "{what}"
        );
        assert!(loaded.brands.brand(&id("zest")).is_some() && loaded.brands.brand(&id("acme")).is_none());
        assert!(is_known(&loaded.brands.broken()[0]), "{what}: {:?}", loaded.brands.broken());
        assert!(loaded.brands.may_be_broken(&id("acme")) && !loaded.brands.may_be_broken(&id("zest")));
        assert!(!loaded.files[0].findings.is_empty() && loaded.files[1].findings.is_empty(), "{what}");
    }
}

#[test]
fn participations_of_an_unreadable_file_are_not_given_up() {
    let unreadable = |remains: Option<&str>| {
        Err(UnreadableFile {
            name: "x.toml".into(),
            why: "cannot be read".into(),
            remains: remains.map(str::to_owned),
        })
    };
    let good = given("zest.toml", &brand_file("zest", "summer"));
    let loaded = load(&[unreadable(Some("")), good.clone()], None);
    assert_eq!(standings(&loaded), [("x.toml", FileStanding::Broken), ("zest.toml", FileStanding::Used)]);
    assert_eq!(loaded.files[0].findings[0].to_string(), "x.toml: cannot be read");
    let brands = &loaded.brands;
    assert!(brands.may_be_broken(&id("any")) && !brands.may_be_broken(&id("zest")));
    assert!(brands.may_be_broken_scope(&scope("any")) && !brands.may_be_broken_scope(&scope("summer")));
    assert!(brands.may_be_broken_token("any"));
    let loaded = load(&[unreadable(Some(&brand_file("acme", "spring"))), good.clone()], None);
    assert!(is_known(&loaded.brands.broken()[0]));
    assert!(!loaded.brands.may_be_broken(&id("any")), "its id is known");
    // Such as a directory, which is not a brand's file at all.
    let loaded = load(&[unreadable(None), good], None);
    assert!(loaded.brands.broken().is_empty() && loaded.refused().count() == 1);
}

#[test]
fn a_brand_stays_as_it_was_if_its_new_file_cannot_be_used() {
    let (acme, zest) = (brand_file("acme", "spring"), given("zest.toml", &brand_file("zest", "summer")));
    let before = load(&[given("acme.toml", &acme), zest.clone()], None);
    let bad = acme.replace("spring", "autumn") + "colour = 1\n";
    let loaded = load(&[given("acme.toml", &bad), zest.clone()], Some(&before));
    assert_eq!(standings(&loaded), [("acme.toml", FileStanding::Former), ("zest.toml", FileStanding::Used)]);
    assert!(loaded.brands.activation(&scope("spring")).is_some(), "as it was");
    assert!(loaded.brands.broken().is_empty());
    assert!(loaded.files[0].findings[0].to_string().ends_with("is not a known key"));
    // It also stays like this under another name, and even if nothing in it can be read.
    let unreadable =
        Err(UnreadableFile { name: "acme.toml".into(), why: "?".into(), remains: Some(String::new()) });
    let again = load(&[unreadable, zest.clone()], Some(&loaded));
    assert_eq!(standings(&again), [("acme.toml", FileStanding::Former), ("zest.toml", FileStanding::Used)]);
    let renamed = load(&[given("renamed.toml", &bad), zest], Some(&again));
    assert_eq!(
        standings(&renamed),
        [("renamed.toml", FileStanding::Former), ("zest.toml", FileStanding::Used)]
    );
    let gone = load(&[], Some(&renamed));
    assert!(gone.brands.brand(&id("acme")).is_none(), "a file that is gone is no broken file");
    assert!(!gone.brands.may_be_broken(&id("acme")));
}

#[test]
fn a_new_file_cannot_take_what_a_brand_has() {
    let zest = given("zest.toml", &brand_file("zest", "summer"));
    let before = load(std::slice::from_ref(&zest), None);
    let thief = given("a.toml", &brand_file("a", "summer"));
    let loaded = load(&[thief.clone(), zest.clone()], Some(&before));
    assert_eq!(standings(&loaded), [("a.toml", FileStanding::Broken), ("zest.toml", FileStanding::Used)]);
    // This also holds while its own file cannot be used.
    let bad = given("zest.toml", &(brand_file("zest", "other") + "colour = 1\n"));
    let loaded = load(&[thief.clone(), bad], Some(&before));
    assert_eq!(standings(&loaded), [("a.toml", FileStanding::Broken), ("zest.toml", FileStanding::Former)]);
    assert_eq!(loaded.brands.activation(&scope("summer")).unwrap().0.id, id("zest"));
    // Without an earlier state, the order of the files decides.
    let loaded = load(&[thief, zest], None);
    assert_eq!(standings(&loaded), [("a.toml", FileStanding::Used), ("zest.toml", FileStanding::Broken)]);
    assert_eq!(
        loaded.files[1].findings[0].to_string(),
        "zest.toml:10: activation[0].scope: \"summer\" is already taken in a.toml"
    );
}

#[test]
fn a_broken_copy_of_a_file_leaves_the_brand_alone() {
    let (good, bad) = (brand_file("acme", "spring"), brand_file("acme", "spring") + "colour = 1\n");
    let loaded = load(&[given("acme.toml", &good), given("copy.toml", &bad)], None);
    assert_eq!(standings(&loaded), [("acme.toml", FileStanding::Used), ("copy.toml", FileStanding::Broken)]);
    assert!(
        !loaded.brands.may_be_broken(&id("acme")) && !loaded.brands.may_be_broken_scope(&scope("spring"))
    );
    let again = load(&[given("acme.toml", &good), given("copy.toml", &bad)], Some(&loaded));
    assert_eq!(standings(&again), standings(&loaded));
}

#[test]
fn a_token_is_the_same_in_either_case() {
    let (acme, zest) = (brand_file("acme", "spring"), brand_file("zest", "summer"));
    let token = |brand: &str| TokenHash::of(brand).to_string();
    let shouted = zest.replace(&token("zest"), &token("acme").to_uppercase());
    let loaded = load(&[given("acme.toml", &acme), given("zest.toml", &shouted)], None);
    assert_eq!(standings(&loaded), [("acme.toml", FileStanding::Used), ("zest.toml", FileStanding::Broken)]);
}

/// A brand file with a pool of codes.
fn with_codes(id: &str, scope: &str, codes: &str) -> Given {
    let incentive = format!(
        "[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 1\ncodes = \"{codes}\"\n"
    );
    given(&format!("{id}.toml"), &(brand_file(id, scope) + &incentive))
}

#[test]
fn a_file_of_codes_is_one_brands_and_a_pair_that_was_pushed_goes_on() {
    // The same name, a name that some file systems treat as the same, and another name.
    for other in ["codes.txt", "CODES.txt", "link.txt"] {
        let files = [with_codes("acme", "spring", "codes.txt"), with_codes("zest", "summer", other)];
        let loaded = load(&files, None);
        assert_eq!(
            standings(&loaded),
            [("acme.toml", FileStanding::Used), ("zest.toml", FileStanding::Broken)],
            "{other}"
        );
        let found = &loaded.files[1].findings;
        assert_eq!((found.len(), found[0].severity), (1, Severity::Rule), "{found:#?}");
        let expected = format!(
            "zest.toml:18: activation[0].incentive[0].codes: \"{other}\" is the file of codes of acme.toml, too"
        );
        assert!(found[0].to_string().starts_with(&expected), "{found:#?}");
        let pushed = read_each(&files, &SomeMissing, Strictness::Lenient, None);
        assert_eq!(
            standings(&pushed),
            [("acme.toml", FileStanding::Used), ("zest.toml", FileStanding::Used)],
            "{other}"
        );
        assert_eq!(pushed.files[1].findings, *found);
        // This also holds if one of them is broken later.
        let broken = [files[0].clone(), given("zest.toml", "id = \"zest\"\ncolour = 1\n")];
        let again = read_each(&broken, &SomeMissing, Strictness::Lenient, Some(&pushed));
        assert_eq!(
            standings(&again),
            [("acme.toml", FileStanding::Used), ("zest.toml", FileStanding::Former)]
        );
    }
    let apart = [with_codes("acme", "spring", "codes.txt"), with_codes("zest", "summer", "more.txt")];
    assert!(load(&apart, None).into_findings().is_empty());
}

#[test]
fn a_file_that_claims_what_another_one_has_leaves_both_brands_as_they_were() {
    let (acme, zest) = (with_codes("acme", "spring", "a.txt"), with_codes("zest", "summer", "z.txt"));
    let before = load(&[acme.clone(), zest.clone()], None);
    for thief in [with_codes("acme", "spring", "z.txt"), with_codes("acme", "summer", "a.txt")] {
        let loaded = load(&[thief, zest.clone()], Some(&before));
        assert_eq!(
            standings(&loaded),
            [("acme.toml", FileStanding::Former), ("zest.toml", FileStanding::Used)]
        );
        assert_eq!(loaded.brands.activation(&scope("spring")).unwrap().0.id, id("acme"));
        assert!(
            loaded.files[0].findings[0].message.contains("zest.toml") && loaded.files[1].findings.is_empty()
        );
    }
    // Even its name cannot be taken.
    let thief = given("acme.toml", &brand_file("zest", "spring"));
    let loaded = load(&[thief, zest.clone()], Some(&before));
    assert_eq!(standings(&loaded)[1], ("zest.toml", FileStanding::Used));
    assert_eq!(loaded.brands.activation(&scope("summer")).unwrap().0.id, id("zest"));
    // Files may be exchanged, even while one of them cannot be used.
    let (Ok(one), Ok(other)) = (&acme, &zest) else { panic!("both are readable") };
    let other = other.text.clone() + "colour = 1\n";
    let loaded = load(&[given("acme.toml", &other), given("zest.toml", &one.text)], Some(&before));
    assert_eq!(standings(&loaded), [("acme.toml", FileStanding::Former), ("zest.toml", FileStanding::Used)]);
    assert!(loaded.brands.brand(&id("acme")).is_some() && loaded.brands.brand(&id("zest")).is_some());
    // A file may take what another file gives up at the same moment.
    let swapped = [with_codes("acme", "summer", "z.txt"), with_codes("zest", "spring", "a.txt")];
    let loaded = load(&swapped, Some(&before));
    assert_eq!(standings(&loaded), [("acme.toml", FileStanding::Used), ("zest.toml", FileStanding::Used)]);
}

#[test]
fn a_brand_that_stays_as_it_was_keeps_its_file_of_codes() {
    let before = load(&[with_codes("acme", "spring", "codes.txt")], None);
    let bad = given("acme.toml", "id = \"acme\"\ncolour = 1\n");
    for other in ["codes.txt", "link.txt"] {
        let loaded = load(&[with_codes("a", "summer", other), bad.clone()], Some(&before));
        assert_eq!(
            standings(&loaded),
            [("a.toml", FileStanding::Broken), ("acme.toml", FileStanding::Former)],
            "{other}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn whatever_a_file_is_cut_to_its_brand_waits_and_others_work(at in 0_usize..400) {
        let acme = brand_file("acme", "spring");
        let cut: String = acme.chars().take(at).collect();
        let files = [given("acme.toml", &cut), given("zest.toml", &brand_file("zest", "summer"))];
        let loaded = load(&files, None);
        proptest::prop_assert_eq!(loaded.files[1].standing, FileStanding::Used);
        proptest::prop_assert_eq!(loaded.files[0].standing == FileStanding::Used, loaded.brands.brand(&id("acme")).is_some());
    }
}

#[test]
fn every_file_that_is_not_in_use_as_it_is_now_is_told() {
    let files = [
        given("acme.toml", &(brand_file("acme", "spring") + "colour = 1\n")),
        given("zest.toml", &brand_file("zest", "summer")),
        given("more.toml", "id = 1"),
    ];
    let loaded = load(&files, None);
    let refused: Vec<&str> = loaded.refused().map(|file| file.name.as_str()).collect();
    assert_eq!(refused, ["acme.toml", "more.toml"]);
}

#[test]
fn a_file_that_was_in_use_takes_something_new_before_a_new_file_does() {
    let before = load(&[given("zest.toml", &brand_file("zest", "summer"))], None);
    let both =
        [given("a.toml", &brand_file("a", "winter")), given("zest.toml", &brand_file("zest", "winter"))];
    let loaded = load(&both, Some(&before));
    assert_eq!(standings(&loaded), [("a.toml", FileStanding::Broken), ("zest.toml", FileStanding::Used)]);
}

#[test]
fn what_keeps_a_brand_from_going_on_as_it_was_is_said_once_by_the_name_that_its_file_uses() {
    let zest = with_codes("zest", "summer", "codes.txt");
    let Ok(acme) = with_codes("acme", "spring", "CODES.txt") else { panic!("it is readable") };
    let pair = [zest.clone(), Ok(acme.clone())];
    let pushed = read_each(&pair, &SomeMissing, Strictness::Lenient, None);
    // This holds whether the broken file still names the codes or not.
    for broken in ["id = \"acme\"\ncolour = 1\n".to_owned(), format!("colour = 1\n{}", acme.text)] {
        let loaded = load(&[zest.clone(), given("acme.toml", &broken)], Some(&pushed));
        assert_eq!(standings(&loaded)[1], ("acme.toml", FileStanding::Broken));
        let findings = loaded.files[1].findings.iter().filter(|finding| finding.message.contains("codes of"));
        let told: Vec<&str> = findings.map(|finding| &finding.message[..40]).collect();
        assert_eq!(told, ["\"CODES.txt\" is the file of codes of zest"]);
    }
}
