//! A disk that is full, read-only or damaged: the error is clear, and no accepted participation is lost.

use std::fs::{self, File, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually_async;

use crate::process::{binary, ended, run_with, write};
use crate::secrets::KEY;
use crate::server::{BrandFixture, KEY_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

/// The time by which the tick has found the participations whose messages did not fit on the disk.
const FOUND: Duration = Duration::from_secs(180);
const BRAND: &str =
    "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/key\" }\n";

/// The id of a user who may not write other users' files.
const NOBODY: u32 = 65_534;

/// Takes part. Returns the status, the content type and the answer.
async fn takes_part(server: &ServeProcess, number: u32) -> (u16, String, Value) {
    let body = format!(r#"{{"scope":"spring","email":"consumer-{number}@example.com"}}"#);
    server.send("POST", "/participations", Some("application/json"), body.into_bytes()).await
}

/// Takes part until the disk is full and is reported as full. Returns the accepted participations.
async fn fill_up(server: &ServeProcess) -> Vec<String> {
    let (mut accepted, mut refused) = (Vec::new(), None);
    for number in 0..20_000 {
        let (status, kind, answer) = takes_part(server, number).await;
        if status != 202 {
            refused = Some((status, kind, answer));
            break;
        }
        accepted.push(answer["id"].as_str().unwrap().to_owned());
    }
    let (status, kind, answer) = refused.unwrap();
    assert_eq!((status, kind.as_str()), (503, "application/problem+json"), "{answer}");
    let (status, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    assert_eq!(status, 503);
    assert!(health["detail"].as_str().unwrap().contains("cannot be stored"), "{health}");
    assert_eq!(server.show(&accepted[0]).await["id"], Value::from(accepted[0].clone()), "reads still work");
    server.logs(r#"event="intake.store_failed""#).await;
    accepted
}

/// A workspace whose limit of look-ups in a minute covers all participations that fit on the disk: between a hundred and five hundred,
/// depending on where checkpoints occur.
async fn quick_workspace() -> SimProcess {
    let workspace = SimProcess::start("0s").await;
    workspace.set_limits(json!({ "export_ids_per_minute": 100_000 })).await;
    workspace
}

#[tokio::test]
async fn a_participation_that_does_not_fit_on_the_disk_is_not_accepted_and_nothing_else_is_lost() {
    let workspace = quick_workspace().await;
    // No file may grow beyond a megabyte: writes to the process's log then fail as on a full disk.
    let mut server = ServeProcess::start_under("-f 2048", &BrandFixture::at(&workspace)).await;
    let accepted = fill_up(&server).await;

    // Now there is space again.
    server.kill_and_restart().await;
    for id in &accepted {
        server.reaches(id, "enrolled", LATER).await;
    }
    assert_eq!(server.send("GET", "/healthz", None, Vec::new()).await.0, 200);
}

/// A process on a small disk, and its workspace. `None` if no such disk can be mounted here; the test with `ulimit -f`
/// and unit tests then have to do.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
async fn on_a_small_disk() -> Option<(SimProcess, ServeProcess)> {
    let workspace = quick_workspace().await;
    let server = ServeProcess::start_on_small_disk(&BrandFixture::at(&workspace)).await;
    if server.is_none() {
        println!("no small disk can be mounted here: this test was skipped");
    }
    Some((workspace, server?))
}

#[tokio::test]
async fn once_the_disk_has_space_again_the_process_continues_without_a_restart() {
    let Some((_workspace, server)) = on_a_small_disk().await else { return };
    let accepted = fill_up(&server).await;
    let (_, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    assert!(health["detail"].as_str().unwrap().contains("the store is full"), "{health}");

    server.make_room();
    let (status, _, answer) = takes_part(&server, 20_000).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(server.send("GET", "/healthz", None, Vec::new()).await.0, 200);
    for id in accepted.iter().map(String::as_str).chain(answer["id"].as_str()) {
        server.reaches(id, "enrolled", FOUND).await;
    }
}

/// The kinds of faults that the health reports.
async fn wrong(server: &ServeProcess) -> Vec<String> {
    let (status, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    assert_eq!(status, 200, "{health}");
    let wrong = health["degraded"].as_array().cloned().unwrap_or_default();
    wrong.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_disk_that_is_filling_up_is_reported_before_it_is_full() {
    let Some((_workspace, server)) = on_a_small_disk().await else { return };
    assert_eq!(wrong(&server).await, [""; 0]);
    // A tenth of the disk is 300 KB.
    let more = server.fill_disk_but(200_000);
    eventually_async("the health reports it", LATER, async || {
        (wrong(&server).await == ["disk_low"]).then_some(())
    })
    .await;
    server.logs(r#"event="serve.disk_low""#).await;
    assert_eq!(takes_part(&server, 1).await.0, 202, "participations are still accepted");

    fs::remove_file(more).unwrap();
    eventually_async("there is room again", LATER, async || wrong(&server).await.is_empty().then_some(()))
        .await;
    server.logs("There is room for the data file again").await;
}

/// A brand directory and a used data file, which every user may read.
fn used(directory: &Path) -> (String, String) {
    write(&directory.join("brands/acme.toml"), BRAND);
    let data = directory.join("data.sqlite");
    drop(embedded::DataFile::open(&data, std::sync::Arc::new(ports::clock::SystemClock)).unwrap());
    (directory.join("brands").display().to_string(), data.display().to_string())
}

#[test]
fn a_read_only_file_is_named_and_not_served() {
    let directory = tempfile::tempdir().unwrap();
    let (brands, data) = used(directory.path());
    for (path, mode) in [(directory.path(), 0o555), (Path::new(&data), 0o444)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut command = Command::new(binary());
    command.args(["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Root may write any file.
        command.uid(NOBODY);
    }
    let (code, said) = ended(command);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&data) && said.contains("cannot be written"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[tokio::test]
async fn a_damaged_page_is_named_and_not_served() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for number in 0..200 {
        server.take_part("spring", &format!("consumer-{number}@example.com")).await;
    }
    let data = server.data();
    server.end_in_order().await;
    let size = fs::metadata(&data).unwrap().len();
    let mut file = File::options().write(true).open(&data).unwrap();
    file.seek(SeekFrom::Start(size / 2 / 1_024 * 1_024)).unwrap();
    file.write_all(&[0xA5; 1_024]).unwrap();
    drop(file);
    let brands = data.with_file_name("brands").display().to_string();
    let shown = data.display().to_string();
    let (code, said) = run_with(
        &["serve", "--brands", &brands, "--data", &shown, "--listen", "127.0.0.1:0"],
        &[(KEY_VARIABLE, KEY)],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&shown) && said.contains("is damaged"), "{said}");
}
