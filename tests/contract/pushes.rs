//! What `brands push` writes: brand files, and their codes.

use std::collections::{BTreeMap, BTreeSet};

use aws::dynamo::{BrandTable, Dynamo, Pushed, Tables};
use domain::brand_file::BrandFile;
use parking_lot::Mutex;
use testkit::emulator::{config, endpoint, prefix};
use testkit::fault_proxy::{Call, FaultProxy};

use crate::game::{acme, pool};

#[tokio::test]
async fn the_brand_table_holds_what_was_pushed_last() {
    let table = BrandTable::new(&config().await, &prefix());
    table.make().await.unwrap();
    let file = |name: &str, text: &str| BrandFile { name: name.into(), text: text.into() };
    let read = async || -> Vec<(String, String)> {
        let files = table.read().await.unwrap().into_iter().map(Result::unwrap);
        files.map(|file| (file.name, file.text)).collect()
    };
    let (acme, zest) = (file("acme.toml", "id = \"acme\""), file("zest.toml", "id = \"zest\""));
    let pushed = table.push(&[zest.clone(), acme.clone()]).await.unwrap();
    assert_eq!(pushed, Pushed { written: 2, removed: 0, unchanged: 0 });
    let changed = file("acme.toml", "id = \"acme\" # changed");
    let pushed = table.push(std::slice::from_ref(&changed)).await.unwrap();
    assert_eq!(pushed, Pushed { written: 1, removed: 1, unchanged: 0 });
    assert_eq!(read().await, [(changed.name.clone(), changed.text.clone())]);
    let unchanged = Pushed { written: 0, removed: 0, unchanged: 1 };
    assert_eq!(table.push(std::slice::from_ref(&changed)).await.unwrap(), unchanged);
    let left = BTreeSet::from([changed.name.clone()]);
    let there = table.read().await.unwrap();
    let admin = table.push_over(&there, std::slice::from_ref(&zest), &left).await.unwrap();
    assert_eq!((admin, read().await.len()), (Pushed { written: 1, removed: 0, unchanged: 0 }, 2));
    let late = table.push_over(&there, &[file("zest.toml", "id = \"zest\" # late"), acme], &left).await;
    assert!(ports::error::in_full(&late.unwrap_err()).contains("somebody else has pushed meanwhile"));
    let expected = [(changed.name, changed.text), (zest.name, zest.text)];
    assert_eq!(read().await, expected, "the late push has written nothing");
}

/// The calls of an import, by action. A write of several items is recorded as one for each item.
fn counted(calls: &[Call]) -> BTreeMap<&str, usize> {
    calls.iter().fold(BTreeMap::new(), |mut counts, call| {
        *counts.entry(call.action.as_str()).or_default() += 1;
        counts
    })
}

#[tokio::test]
async fn codes_are_looked_up_a_hundred_at_a_time_and_an_imported_list_costs_one_call() {
    let proxy = FaultProxy::before(endpoint().await);
    let dynamo = Dynamo::new(&aws::emulator(proxy.url()).await, Tables::of(&prefix()));
    dynamo.make_tables().await.unwrap();
    let (brand, pool) = (acme(), pool());
    let list: Vec<String> = (0..250).map(|number| format!("CODE-{number:04}")).collect();
    let done = Mutex::new(Vec::new());
    let _making = proxy.take();
    let stock =
        dynamo.import_codes_with(&brand, &pool, &list, |count| done.lock().push(count)).await.unwrap();
    assert_eq!((stock.codes, stock.given), (250, 0));
    assert_eq!(*done.lock(), [250, 250]);
    let calls = proxy.take();
    assert_eq!(counted(&calls)["dynamodb:BatchGetItem"], 3);
    let again = dynamo.import_codes_with(&brand, &pool, &list, |_| {}).await.unwrap();
    assert_eq!((again, counted(&proxy.take())), (stock, BTreeMap::from([("dynamodb:GetItem", 1)])));
    let more: Vec<String> = (0..260).map(|number| format!("CODE-{number:04}")).collect();
    assert_eq!(dynamo.import_codes_with(&brand, &pool, &more, |_| {}).await.unwrap().codes, 260);
}

#[tokio::test]
async fn an_interrupted_import_continues_where_it_stopped() {
    let proxy = FaultProxy::before(endpoint().await);
    let dynamo = Dynamo::new(&aws::emulator(proxy.url()).await, Tables::of(&prefix()));
    dynamo.make_tables().await.unwrap();
    let (brand, pool) = (acme(), pool());
    let list: Vec<String> = (0..150).map(|number| format!("CODE-{number:04}")).collect();
    proxy.let_through(2);
    assert!(dynamo.import_codes_with(&brand, &pool, &list, |_| {}).await.is_err());
    proxy.let_through(usize::MAX);
    let _before = proxy.take();
    assert_eq!(dynamo.import_codes_with(&brand, &pool, &list, |_| {}).await.unwrap().codes, 150);
    // Two items for each code that was not there, the counters of two transactions, and the mark of the whole list.
    assert_eq!(counted(&proxy.take())["dynamodb:UpdateItem"], 2 * (150 - 98) + 2 + 1);
}

/// The calls of 30 ms that fit, one after another, into two minutes.
const IN_TWO_MINUTES: usize = 4_000;

#[tokio::test]
async fn a_hundred_thousand_codes_need_no_more_calls_in_a_row_than_fit_into_two_minutes() {
    let proxy = FaultProxy::before(endpoint().await);
    let dynamo = Dynamo::new(&aws::emulator(proxy.url()).await, Tables::of(&prefix()));
    dynamo.make_tables().await.unwrap();
    let list: Vec<String> = (0..1_000).map(|number| format!("CODE-{number:04}")).collect();
    let _making = proxy.take();
    dynamo.import_codes_with(&acme(), &pool(), &list, |_| {}).await.unwrap();
    // Two items for each code, the counters of each transaction, and the mark of the whole list.
    let transactions = counted(&proxy.take())["dynamodb:UpdateItem"] - 2 * list.len() - 1;
    assert_eq!(transactions, list.len().div_ceil(49));
    // A thousand codes are looked up side by side. The counters, the first code's mark and the list's mark are calls of their own.
    let in_a_row = (transactions + 1) * 100 + 3;
    assert!(in_a_row <= IN_TWO_MINUTES, "{in_a_row}");
}
