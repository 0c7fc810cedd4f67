//! Commands that read, on a data file that is read-only, locked, on a full disk, or of another version: each answers, or says in one
//! sentence what is wrong. None changes the file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::process::{binary, ended};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

/// The id of a user who may not write other users' files.
const NOBODY: u32 = 65_534;

/// A data file, the brands in it, and somebody who takes part.
struct BadStore {
    directory: TempDir,
    id: String,
}

impl BadStore {
    /// A copy of the file as it was after a step of the schema.
    fn of_step(step: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let brands = directory.path().join("brands");
        fs::create_dir(&brands).unwrap();
        for brand in ["acme", "slow"] {
            let name = format!("{brand}.toml");
            fs::copy(fixtures.join(format!("steps-{name}")), brands.join(&name)).unwrap();
        }
        let data = directory.path().join("data.sqlite");
        fs::copy(fixtures.join(format!("steps/step-{step:02}.sqlite")), &data).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o600)).unwrap();
        let file = Connection::open(&data).unwrap();
        // Who wrote the file kept its id key elsewhere.
        file.execute("DELETE FROM settings WHERE name = 'id_key_fingerprint'", []).unwrap();
        let own = "INSERT INTO settings (name, value) VALUES ('id_key', ?) ON CONFLICT DO NOTHING";
        file.execute(own, ["07".repeat(32)]).unwrap();
        let id = file.query_row("SELECT lower(hex(id)) FROM participations LIMIT 1", [], |row| row.get(0));
        Self { directory, id: id.unwrap() }
    }

    fn newest() -> Self {
        Self::of_step(steps())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data.sqlite")
    }

    fn commands(&self) -> Vec<Vec<String>> {
        commands(&self.data(), &self.directory.path().join("brands"), &self.id)
    }
}

/// How many steps the schema has.
fn steps() -> usize {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/steps")).unwrap().count()
}

/// Every command that only reads.
fn commands(data: &Path, brands: &Path, id: &str) -> Vec<Vec<String>> {
    let commands = [
        "find --id ID --brands BRANDS",
        "find --email nobody@example.com --brands BRANDS",
        "find --scope spring --arrival 1 --brands BRANDS",
        "find --code NO-SUCH-CODE --brands BRANDS",
        "show ID --brands BRANDS",
        "report spring --brands BRANDS",
        "winners spring",
        "calls --since 1h",
        "intake --brands BRANDS",
        "status",
        "status --scope spring",
        "dead list",
        "export participations --scope spring",
        "export winners --scope spring",
        "consents --scope spring",
        "person preview --email nobody@example.com",
        "audit",
    ];
    let (data, brands) = (data.display().to_string(), brands.display().to_string());
    let word = |word: &str| match word {
        "ID" => id.to_owned(),
        "BRANDS" => brands.clone(),
        word => word.to_owned(),
    };
    let whole = |command: &str| {
        command.split(' ').map(word).chain(["--data".to_owned(), data.clone()]).collect::<Vec<String>>()
    };
    commands.into_iter().map(whole).collect()
}

/// What a command came to: its arguments, its exit code, and what it said.
struct RanCommand {
    command: String,
    code: Option<i32>,
    said: String,
}

impl RanCommand {
    /// Fails unless it answered, or found nobody.
    fn answers(&self) {
        let found_nobody = self.code == Some(3) && self.said.contains("nobody found");
        let is_nobody = self.code == Some(1) && self.said.contains("nobody");
        assert!(self.code == Some(0) || found_nobody || is_nobody, "{}: {}", self.command, self.said);
    }

    /// Fails unless it says one sentence with these words about the file, and that it failed.
    fn says(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}: {}", self.command, self.said);
        // A table may have begun, on the other output.
        let sentences = self.said.lines().filter(|line| line.starts_with("quikly-braze: ")).count();
        assert_eq!(sentences, 1, "{}: {}", self.command, self.said);
        for word in words {
            assert!(self.said.contains(word), "{}: no {word:?} in: {}", self.command, self.said);
        }
    }
}

/// Runs the commands at the same time, since some wait for long. `prepared` is the program with what goes before its arguments.
fn run_all(commands: Vec<Vec<String>>, prepared: impl Fn() -> Command + Sync) -> Vec<RanCommand> {
    let ran = |command: Vec<String>| {
        let mut prepared = prepared();
        prepared.args(&command);
        let (code, said) = ended(prepared);
        RanCommand { command: command.join(" "), code, said }
    };
    let ran = &ran;
    thread::scope(|scope| {
        let running: Vec<_> = commands.into_iter().map(|command| scope.spawn(move || ran(command))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn program() -> Command {
    Command::new(binary())
}

/// The program, run by a user who may not write other users' files.
fn program_of_nobody() -> Command {
    let mut program = program();
    program.uid(NOBODY).gid(NOBODY);
    program
}

/// Everything in the data file.
fn contents(data: &Path) -> Vec<u8> {
    fs::read(data).unwrap()
}

#[test]
fn commands_that_read_answer_on_the_newest_file_and_change_nothing() {
    let store = BadStore::newest();
    let before = contents(&store.data());
    run_all(store.commands(), program).iter().for_each(RanCommand::answers);
    assert_eq!(contents(&store.data()), before);
}

#[test]
fn on_a_file_of_an_earlier_version_commands_answer_or_say_that_serve_upgrades_it() {
    // Steps 3 to 11 changed nothing that these commands read.
    for step in (1..steps()).filter(|step| !(3..12).contains(step)) {
        let store = BadStore::of_step(step);
        let before = contents(&store.data());
        for ran in run_all(store.commands(), program) {
            if ran.code == Some(1) && ran.said.contains("earlier version") {
                ran.says(&["serve"]);
            } else {
                ran.answers();
            }
        }
        assert_eq!(contents(&store.data()), before, "step {step}");
    }
}

#[test]
fn on_a_file_of_a_newer_version_every_command_says_so_and_what_to_do() {
    let store = BadStore::newest();
    Connection::open(store.data()).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = contents(&store.data());
    for ran in run_all(store.commands(), program) {
        ran.says(&["data.sqlite", "newer version", "update"]);
    }
    assert_eq!(contents(&store.data()), before);
}

#[test]
fn a_locked_file_is_said_to_be_locked_and_answers_afterwards() {
    let store = BadStore::newest();
    let holder = Connection::open(store.data()).unwrap();
    holder.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for ran in run_all(store.commands(), program) {
        ran.says(&["data.sqlite", "is locked by another program"]);
    }
    drop(holder);
    run_all(store.commands(), program).iter().for_each(RanCommand::answers);
}

/// Gives a path to the user who may not write other users' files.
fn give_away(path: &Path, mode: u32) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn on_a_read_only_file_commands_answer_and_in_a_read_only_directory_they_say_what_to_do() {
    let store = BadStore::newest();
    if chown(store.data(), Some(NOBODY), Some(NOBODY)).is_err() {
        println!("files cannot be given away here: this test was skipped");
        return;
    }
    let before = contents(&store.data());
    give_away(&store.directory.path().join("brands"), 0o700);
    give_away(&store.data(), 0o400);
    give_away(store.directory.path(), 0o700);
    run_all(store.commands(), program_of_nobody).iter().for_each(RanCommand::answers);
    for ending in ["-wal", "-shm"] {
        let _it_may_be_gone = fs::remove_file(store.directory.path().join(format!("data.sqlite{ending}")));
    }
    give_away(store.directory.path(), 0o500);
    for ran in run_all(store.commands(), program_of_nobody) {
        ran.says(&["data.sqlite", "cannot be written", "copy"]);
    }
    give_away(store.directory.path(), 0o700);
    assert_eq!(contents(&store.data()), before);
}

#[tokio::test]
async fn beside_a_server_whose_disk_is_full_commands_answer() {
    let workspace = SimProcess::start("0s").await;
    let Some(server) = ServeProcess::start_on_small_disk(&BrandFixture::at(&workspace)).await else {
        println!("no small disk can be mounted here: this test was skipped");
        return;
    };
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", std::time::Duration::from_secs(60)).await;
    // The disk is mounted for the server alone. The path of the file that fills it names the server's process.
    let ballast = server.fill_disk_but(0);
    let process = ballast.components().nth(2).unwrap().as_os_str().to_str().unwrap().to_owned();
    let beside_it = move || {
        let mut entered = Command::new("nsenter");
        entered.arg(format!("--mount=/proc/{process}/ns/mnt")).arg("--");
        entered
    };
    if !beside_it().arg("true").status().is_ok_and(|status| status.success()) {
        println!("the server's disk cannot be entered here: this test was skipped");
        return;
    }
    let commands = commands(&server.data(), &server.brands(), &id);
    let prepared = move || {
        let mut entered = beside_it();
        entered.arg(binary());
        entered
    };
    let ran = tokio::task::spawn_blocking(|| run_all(commands, prepared)).await.unwrap();
    ran.iter().for_each(RanCommand::answers);
    assert_eq!(server.show(&id).await["state"], "enrolled");
}
