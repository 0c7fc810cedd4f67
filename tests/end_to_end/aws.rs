//! The command line against AWS, emulated.

use aws::dynamo::{BrandTable, Dynamo, KEPT_FOR, Tables};
use ports::Ledger;
use ports::ledger::Stock;
use tests::emulator::{endpoint, prefix};

use crate::process::{run_with, write};

const GOOD: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/quikly-braze/ENVIRONMENT/braze/acme\" }\n\
    [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
    [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 2\ncodes = \"codes.txt\"\n";

#[tokio::test]
async fn brands_are_pushed_with_their_codes_and_only_if_all_are_right() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let config = aws::emulator(endpoint).await;
    let ledgers = Dynamo::new(&config, Tables::of(&environment), KEPT_FOR);
    ledgers.make_tables().await.unwrap();
    let table = BrandTable::new(&config, &environment);
    table.make().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(&directory.path().join(name), text);
    let good = GOOD.replace("ENVIRONMENT", &environment);
    file("acme.toml", &good);
    file("codes.txt", "A-1\nB-2\nC-3\n");
    let path = directory.path().display().to_string();
    let push = || {
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "emulated"),
            ("AWS_SECRET_ACCESS_KEY", "emulated"),
        ];
        run_with(&["brands", "push", "--brands", &path, "--environment", &environment], &variables)
    };
    let (code, said) = push();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("codes.txt has 3 codes, 0 given out") && said.contains("1 written"), "{said}");
    assert!(push().1.contains("0 written, 0 removed, 1 unchanged"));
    file("zest.toml", "id = \"zest\"\ncolour = 1\n");
    let (code, said) = push();
    assert_eq!(code, Some(1));
    assert!(said.contains("zest.toml:2: colour: is not a known key"), "{said}");
    file(
        "zest.toml",
        &good.replace("acme", "zest").replace("/braze/", "/intake/").replace("spring", "summer"),
    );
    let (code, said) = push();
    assert_eq!(code, Some(1));
    assert!(said.contains("zest: braze.api_key: is SSM parameter") && said.contains("/braze/"), "{said}");
    let kept = table.read().await.unwrap();
    assert_eq!((kept.len(), kept[0].name.as_str(), kept[0].text.as_str()), (1, "acme.toml", good.as_str()));
    let brand = domain::identity::BrandId::parse("acme").unwrap();
    let pool = domain::incentive::Pool::of_file("codes.txt").unwrap();
    let stock = ledgers.import_codes(&brand, &pool, &[]).await.unwrap();
    assert_eq!(stock, Stock { codes: 3, given: 0 });
}
