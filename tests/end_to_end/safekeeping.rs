//! The key that ids are made with, the permissions of the data file, and addresses that no list of processes may show.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::process::{run_told, run_with};
use crate::secrets::KEY;
use crate::server::{BrandFixture, KEY_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const ID_KEY: &str = "QUIKLY_BRAZE_ID_KEY";
const LATER: Duration = Duration::from_secs(60);

#[tokio::test]
async fn with_another_id_key_neither_serve_nor_a_command_starts_and_nothing_is_changed() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    server.end_in_order().await;
    let (brands, data) = (server.brands().display().to_string(), server.data().display().to_string());
    let before = fs::read(&data).unwrap();
    let another = "7".repeat(64);
    let serve = ["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"];
    let commands: [&[&str]; 5] = [
        &serve,
        &["forget", "--data", &data, "--email", "ada@example.com"],
        &["dead", "list", "--data", &data],
        &["dead", "retry", "--all", "--data", &data],
        &["status", "--data", &data],
    ];
    for command in commands {
        let (code, said) = run_with(command, &[(ID_KEY, &another), (KEY_VARIABLE, KEY)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("another id key") && said.contains(&data), "{said}");
        assert!(!said.contains(&another), "{said}");
        let (code, said) = run_with(command, &[(ID_KEY, "no key"), (KEY_VARIABLE, KEY)]);
        assert!(code == Some(1) && said.contains("64 hexadecimal digits"), "{said}");
    }
    assert_eq!(fs::read(&data).unwrap(), before, "nothing was changed");
    server.start_again().await;
    assert_eq!(server.take_part("spring", "ada@example.com").await, id);
}

#[tokio::test]
async fn a_data_file_that_others_can_read_is_refused_with_the_command_that_fixes_it() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    assert_eq!(fs::metadata(server.data()).unwrap().permissions().mode() & 0o777, 0o600);
    server.end_in_order().await;
    let (brands, data) = (server.brands().display().to_string(), server.data().display().to_string());
    fs::set_permissions(&data, Permissions::from_mode(0o644)).unwrap();
    let serve = ["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"];
    let commands: [&[&str]; 2] = [&serve, &["status", "--data", &data]];
    for command in commands {
        let (code, said) = run_with(command, &[(KEY_VARIABLE, KEY)]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("chmod 600 {data}")), "{said}");
        let errors = said.lines().filter(|line| line.starts_with("quikly-braze:"));
        assert_eq!(errors.count(), 1, "{said}");
    }
    let mends = std::process::Command::new("chmod").args(["600", &data]).status().unwrap();
    assert!(mends.success());
    server.start_again().await;
}

#[tokio::test]
async fn the_person_to_forget_can_be_named_on_standard_input() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for (number, ending) in [&["--email", "-"] as &[&str], &["--email"]].into_iter().enumerate() {
        let address = format!("c{number}@example.com");
        let id = server.take_part("spring", &address).await;
        server.reaches(&id, "enrolled", LATER).await;
        let data = server.data().display().to_string();
        let command = [&["forget", "--data", &data, "--json"], ending].concat();
        let (code, said) = run_told(&command, &format!("  {address}\n"));
        assert!(code == Some(0) && said.contains("\"participations\":1"), "{said}");
        let (code, said) = run_told(&command, "\n");
        assert!(code == Some(1) && said.contains("standard input"), "{said}");
    }
    let data = server.data().display().to_string();
    let (code, said) = run_told(&["forget", "--data", &data, "--phone", "-"], "+13135550177\n");
    assert!(code == Some(3) && said.contains("nobody found"), "{said}");
}
