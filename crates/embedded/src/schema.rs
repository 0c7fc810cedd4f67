//! The tables. A change is a new step at the end; steps that were released are never edited.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::file_version;

/// An SQL expression for the name of a record's state. A record that cannot be read must not prevent its row from being written or
/// deleted.
macro_rules! state_of {
    ($record:literal) => {
        concat!(
            "ifnull(iif(json_valid(",
            $record,
            "), ",
            $record,
            " ->> '$.state.name', NULL), 'unreadable')"
        )
    };
}

/// Triggers keep the counts that `status` shows up to date, except for new participations since step 14. The index of open participations is dropped in step 20.
const TALLIES: &str = concat!(
    "CREATE TABLE tallies (
         what  TEXT NOT NULL,
         name  TEXT NOT NULL,
         count INTEGER NOT NULL,
         PRIMARY KEY (what, name)
     ) WITHOUT ROWID;
     INSERT INTO tallies SELECT 'participations', ", state_of!("record"), ", count(*) FROM participations GROUP BY 2;
     INSERT INTO tallies SELECT 'messages', queue, count(*) FROM messages GROUP BY 2;
     INSERT INTO tallies SELECT 'notices', iif(due_at IS NULL, 'parked', 'due'), count(*) FROM notices GROUP BY 2;
     CREATE INDEX participations_open ON participations (brand) WHERE due_at IS NOT NULL;

     CREATE TRIGGER participations_come AFTER INSERT ON participations BEGIN
         INSERT INTO tallies VALUES ('participations', ", state_of!("NEW.record"), ", 1)
         ON CONFLICT DO UPDATE SET count = count + 1;
     END;
     CREATE TRIGGER participations_change AFTER UPDATE OF record ON participations
     WHEN ", state_of!("OLD.record"), " <> ", state_of!("NEW.record"), " BEGIN
         INSERT INTO tallies VALUES ('participations', ", state_of!("OLD.record"), ", -1),
                                    ('participations', ", state_of!("NEW.record"), ", 1)
         ON CONFLICT DO UPDATE SET count = count + excluded.count;
     END;
     CREATE TRIGGER participations_go AFTER DELETE ON participations BEGIN
         UPDATE tallies SET count = count - 1 WHERE what = 'participations' AND name = ", state_of!("OLD.record"), ";
     END;

     CREATE TRIGGER messages_come AFTER INSERT ON messages BEGIN
         INSERT INTO tallies VALUES ('messages', NEW.queue, 1) ON CONFLICT DO UPDATE SET count = count + 1;
     END;
     CREATE TRIGGER messages_go AFTER DELETE ON messages BEGIN
         UPDATE tallies SET count = count - 1 WHERE what = 'messages' AND name = OLD.queue;
     END;

     CREATE TRIGGER notices_come AFTER INSERT ON notices BEGIN
         INSERT INTO tallies VALUES ('notices', iif(NEW.due_at IS NULL, 'parked', 'due'), 1)
         ON CONFLICT DO UPDATE SET count = count + 1;
     END;
     CREATE TRIGGER notices_change AFTER UPDATE OF due_at ON notices
     WHEN (OLD.due_at IS NULL) <> (NEW.due_at IS NULL) BEGIN
         INSERT INTO tallies VALUES ('notices', iif(OLD.due_at IS NULL, 'parked', 'due'), -1),
                                    ('notices', iif(NEW.due_at IS NULL, 'parked', 'due'), 1)
         ON CONFLICT DO UPDATE SET count = count + excluded.count;
     END;
     CREATE TRIGGER notices_go AFTER DELETE ON notices BEGIN
         UPDATE tallies SET count = count - 1
         WHERE what = 'notices' AND name = iif(OLD.due_at IS NULL, 'parked', 'due');
     END;"
);

/// An SQL expression for a record's scope. A record that cannot be read counts for no activation.
macro_rules! scope_of {
    ($record:literal) => {
        concat!("ifnull(iif(json_valid(", $record, "), ", $record, " ->> '$.scope', NULL), '')")
    };
}

/// How many participations each activation has ever accepted. Deleting participations does not lower the count.
const ACCEPTED: &str = concat!(
    "INSERT INTO tallies SELECT 'accepted', ",
    scope_of!("record"),
    ", count(*) FROM participations GROUP BY 2;
     CREATE TRIGGER participations_are_accepted AFTER INSERT ON participations BEGIN
         INSERT INTO tallies VALUES ('accepted', ",
    scope_of!("NEW.record"),
    ", 1)
         ON CONFLICT DO UPDATE SET count = count + 1;
     END;"
);

/// What operators did. A command may create the table in a file of an earlier version.
pub(crate) const AUDIT: &str = "CREATE TABLE IF NOT EXISTS audit (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         record TEXT NOT NULL
     );";

const STEPS: &[M<'_>] = &[M::up(
    // Ids are hashes. Rows are stored in the order of arrival, and only the index of ids is filled at random positions, so a commit
    // touches few pages.
    "CREATE TABLE participations (
         id      BLOB NOT NULL UNIQUE,
         version INTEGER NOT NULL,
         brand   TEXT NOT NULL,
         due_at  INTEGER,
         record  TEXT NOT NULL
     );
     CREATE INDEX participations_due ON participations (due_at, brand) WHERE due_at IS NOT NULL;

     CREATE TABLE profiles (
         contact TEXT PRIMARY KEY,
         record  TEXT NOT NULL
     ) WITHOUT ROWID;

     CREATE TABLE messages (
         number     INTEGER PRIMARY KEY AUTOINCREMENT,
         queue      TEXT NOT NULL,
         brand      TEXT NOT NULL,
         visible_at INTEGER NOT NULL,
         ids        TEXT NOT NULL,
         name       TEXT UNIQUE
     );

     CREATE TABLE limits (
         lane     TEXT PRIMARY KEY,
         requests INTEGER NOT NULL,
         period   INTEGER NOT NULL,
         start    INTEGER NOT NULL,
         booked   INTEGER NOT NULL,
         probe_at INTEGER
     ) WITHOUT ROWID;

     CREATE TABLE settings (
         name  TEXT PRIMARY KEY,
         value TEXT NOT NULL
     ) WITHOUT ROWID;",
), M::up(
    // Ledger lines are stored in the order of acceptance, too. Waiting lines, owed rewards and raffle tickets are found by index.
    "CREATE TABLE ledgers (
         ledger TEXT PRIMARY KEY,
         counts TEXT NOT NULL
     ) WITHOUT ROWID;

     CREATE TABLE awards (
         id          BLOB NOT NULL UNIQUE,
         brand       TEXT NOT NULL,
         ledger      TEXT NOT NULL,
         participant BLOB NOT NULL,
         arrival     INTEGER NOT NULL,
         standing    TEXT NOT NULL,
         place       INTEGER,
         credited    INTEGER NOT NULL,
         due_at      INTEGER,
         record      TEXT NOT NULL
     );
     CREATE INDEX awards_participant ON awards (participant, ledger);
     CREATE INDEX awards_standing ON awards (ledger, standing, arrival) WHERE standing IN ('waiting', 'entered');
     CREATE INDEX awards_owed ON awards (ledger) WHERE standing = 'held' AND credited;
     CREATE INDEX awards_due ON awards (due_at) WHERE due_at IS NOT NULL;

     CREATE TABLE places_put_back (
         ledger TEXT NOT NULL,
         place  INTEGER NOT NULL,
         PRIMARY KEY (ledger, place)
     ) WITHOUT ROWID;

     CREATE TABLE codes (
         number   INTEGER PRIMARY KEY,
         brand    TEXT NOT NULL,
         pool     TEXT NOT NULL,
         code     TEXT NOT NULL,
         given_to BLOB,
         UNIQUE (brand, code)
     );
     CREATE INDEX codes_left ON codes (brand, pool, number) WHERE given_to IS NULL;

     CREATE TABLE pools (
         brand TEXT NOT NULL,
         pool  TEXT NOT NULL,
         codes INTEGER NOT NULL,
         given INTEGER NOT NULL,
         PRIMARY KEY (brand, pool)
     ) WITHOUT ROWID;

     CREATE TABLE notices (
         id       TEXT PRIMARY KEY,
         due_at   INTEGER,
         attempts INTEGER NOT NULL,
         record   TEXT NOT NULL
     ) WITHOUT ROWID;
     CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL;",
), M::up(
    // Booked slots are dropped: they are only valid for the moment.
    "DELETE FROM limits;
     ALTER TABLE limits ADD COLUMN learning INTEGER;
     ALTER TABLE limits ADD COLUMN by_contract INTEGER NOT NULL DEFAULT 0;",
), M::up(
    // A participation that ended before expiry was counted from the activation's close is kept for ninety days.
    "ALTER TABLE participations ADD COLUMN expires_at INTEGER;
     UPDATE participations SET expires_at = (record ->> '$.updated_at') + 7776000000 WHERE due_at IS NULL;
     CREATE INDEX participations_expire ON participations (expires_at) WHERE expires_at IS NOT NULL;",
), M::up(
    // Due rows are read brand by brand.
    "DROP INDEX participations_due;
     CREATE INDEX participations_due ON participations (brand, due_at) WHERE due_at IS NOT NULL;
     DROP INDEX awards_due;
     CREATE INDEX awards_due ON awards (brand, due_at) WHERE due_at IS NOT NULL;",
), M::up(
    "ALTER TABLE notices ADD COLUMN revived_at INTEGER;",
), M::up(
    // How many lines of a ledger wait, in blocks of 256 arrivals (level 1) and of 256 × 256 (level 2), so that the number of lines
    // ahead of a given one is the sum of few rows. Draw results are stored in rows of 256 tickets.
    "CREATE TABLE waiting (
         ledger TEXT NOT NULL,
         level  INTEGER NOT NULL,
         block  INTEGER NOT NULL,
         lines  INTEGER NOT NULL,
         PRIMARY KEY (ledger, level, block)
     ) WITHOUT ROWID;
     INSERT INTO waiting SELECT ledger, 1, arrival >> 8, count(*) FROM awards WHERE standing = 'waiting' GROUP BY 1, 3;
     INSERT INTO waiting SELECT ledger, 2, block >> 8, sum(lines) FROM waiting WHERE level = 1 GROUP BY 1, 3;
     CREATE TRIGGER waiting_begins AFTER INSERT ON awards WHEN NEW.standing = 'waiting' BEGIN
         INSERT INTO waiting VALUES (NEW.ledger, 1, NEW.arrival >> 8, 1), (NEW.ledger, 2, NEW.arrival >> 16, 1)
         ON CONFLICT DO UPDATE SET lines = lines + 1;
     END;
     CREATE TRIGGER waiting_changes AFTER UPDATE OF standing ON awards
     WHEN (OLD.standing = 'waiting') <> (NEW.standing = 'waiting') BEGIN
         INSERT INTO waiting
         VALUES (NEW.ledger, 1, NEW.arrival >> 8, iif(NEW.standing = 'waiting', 1, -1)),
                (NEW.ledger, 2, NEW.arrival >> 16, iif(NEW.standing = 'waiting', 1, -1))
         ON CONFLICT DO UPDATE SET lines = lines + excluded.lines;
     END;
     CREATE TRIGGER waiting_ends AFTER DELETE ON awards WHEN OLD.standing = 'waiting' BEGIN
         UPDATE waiting SET lines = lines - 1
         WHERE ledger = OLD.ledger AND (level, block) IN (VALUES (1, OLD.arrival >> 8), (2, OLD.arrival >> 16));
     END;

     CREATE TABLE drawn (
         ledger  TEXT NOT NULL,
         list    TEXT NOT NULL,
         row     INTEGER NOT NULL,
         tickets BLOB NOT NULL,
         PRIMARY KEY (ledger, list, row)
     );",
), M::up(
    // When the counters were last written, and whether the requests already used in the window are unknown.
    "ALTER TABLE limits ADD COLUMN touched INTEGER;
     ALTER TABLE limits ADD COLUMN resumed INTEGER;",
), M::up(TALLIES), M::up(ACCEPTED), M::up(
    // Participations whose rewards and events are to be read back, fifty in a row. The key begins with the due time.
    "CREATE TABLE read_backs (
         key    TEXT PRIMARY KEY,
         record TEXT NOT NULL
     ) WITHOUT ROWID;",
), M::up(
    // The further keys of lines whose participant has several.
    "CREATE TABLE award_keys (
         participant BLOB NOT NULL,
         ledger      TEXT NOT NULL,
         id          BLOB NOT NULL,
         PRIMARY KEY (participant, ledger, id)
     ) WITHOUT ROWID;
     CREATE INDEX award_keys_of_line ON award_keys (id);
     CREATE TRIGGER award_keys_go AFTER DELETE ON awards BEGIN
         DELETE FROM award_keys WHERE id = OLD.id;
     END;",
), M::up(
    // What headers named, the hour that is counted beside a window of seconds, the end of a wait that Braze asked for, and the end of the
    // backlog of requests that wait for a later window.
    "ALTER TABLE limits ADD COLUMN named INTEGER;
     ALTER TABLE limits ADD COLUMN hour_named INTEGER;
     ALTER TABLE limits ADD COLUMN hour_ends INTEGER;
     ALTER TABLE limits ADD COLUMN hour_booked INTEGER;
     ALTER TABLE limits ADD COLUMN opens INTEGER;
     ALTER TABLE limits ADD COLUMN backlog_start INTEGER;
     ALTER TABLE limits ADD COLUMN backlog_waiting INTEGER;",
), M::up(
    // A ledger line is a part of its participation's row. `moved_lines` moves the lines of the table `awards` there and ends the step.
    // New participations are counted once for each group that is committed (see `group`), and no longer by triggers.
    "DROP TRIGGER participations_come;
     DROP TRIGGER participations_are_accepted;
     DROP TRIGGER waiting_begins;
     DROP TRIGGER waiting_changes;
     DROP TRIGGER waiting_ends;
     DROP TRIGGER award_keys_go;
     DROP INDEX awards_participant;
     DROP INDEX awards_standing;
     DROP INDEX awards_owed;
     DROP INDEX awards_due;
     ALTER TABLE participations ADD COLUMN ledger TEXT;
     ALTER TABLE participations ADD COLUMN participant BLOB;
     ALTER TABLE participations ADD COLUMN arrival INTEGER;
     ALTER TABLE participations ADD COLUMN standing TEXT;
     ALTER TABLE participations ADD COLUMN place INTEGER;
     ALTER TABLE participations ADD COLUMN credited INTEGER;
     ALTER TABLE participations ADD COLUMN award_due_at INTEGER;
     ALTER TABLE participations ADD COLUMN award TEXT;",
), M::up(
    // The figures of reports. The minute of a total is -1. `counted_before` fills the table for an older file.
    "CREATE TABLE rollups (
         scope     TEXT NOT NULL,
         minute    INTEGER NOT NULL,
         channel   TEXT NOT NULL,
         incentive TEXT NOT NULL,
         name      TEXT NOT NULL,
         count     INTEGER NOT NULL,
         PRIMARY KEY (scope, minute, channel, incentive, name)
     ) WITHOUT ROWID;",
), M::up(AUDIT), M::up(
    // A line is found by its number in the order of acceptance. What reports show of each minute has a row of its own, since the figures
    // of a minute are many rows of `rollups`.
    "CREATE INDEX participations_arrival ON participations (ledger, arrival) WHERE arrival > 0;
     CREATE TABLE minutes (
         scope    TEXT NOT NULL,
         minute   INTEGER NOT NULL,
         accepted INTEGER NOT NULL,
         credited INTEGER NOT NULL,
         rewarded INTEGER NOT NULL,
         PRIMARY KEY (scope, minute)
     ) WITHOUT ROWID;
     INSERT INTO minutes
     SELECT scope, minute, sum(iif(name = 'accepted', count, 0)), sum(iif(name = 'credited', count, 0)),
            sum(iif(name = 'rewarded', count, 0))
     FROM rollups WHERE minute >= 0 AND name IN ('accepted', 'credited', 'rewarded') GROUP BY 1, 2;",
), M::up(
    // Calls to Braze, many in a row. Later rows have larger numbers, so the oldest are found by number.
    "CREATE TABLE calls (
         number  INTEGER PRIMARY KEY AUTOINCREMENT,
         brand   TEXT NOT NULL,
         kept_at INTEGER NOT NULL,
         record  TEXT NOT NULL
     );
     CREATE INDEX calls_of_brand ON calls (brand, kept_at);",
), M::up(
    // When the first callback with the result was delivered. A save of the record leaves it alone.
    "ALTER TABLE participations ADD COLUMN told_at INTEGER;",
), M::up(
    // Every acceptance paid for an index of the open participations. The index of due ones has the same rows, and only those that were set
    // aside need one of their own.
    "DROP INDEX participations_open;
     CREATE INDEX participations_set_aside ON participations (id) WHERE due_at IS NOT NULL AND expires_at IS NOT NULL;",
), M::up(
    // A new line that waits is counted by the insert (see `ledger_tx`). For a table with a trigger on inserts, SQLite keeps a journal of each
    // insert. A file whose lines were not moved yet never had this trigger.
    "DROP TRIGGER IF EXISTS waiting_begins;",
)];

/// The end of step 14, once every line is in its participation's row. Building the indexes only now is much faster than moving lines
/// under them, and the triggers must not count a line that only moves. The insert of a line counts it.
pub(crate) const LINES_ARE_IN_ROWS: &str = "
     CREATE INDEX participations_participant ON participations (participant, ledger) WHERE participant IS NOT NULL;
     CREATE INDEX participations_standing ON participations (ledger, standing, arrival)
         WHERE standing IN ('waiting', 'entered');
     CREATE INDEX participations_owed ON participations (ledger) WHERE standing = 'held' AND credited;
     CREATE INDEX participations_award_due ON participations (brand, award_due_at) WHERE award_due_at IS NOT NULL;
     CREATE TRIGGER waiting_changes AFTER UPDATE OF standing ON participations
     WHEN (OLD.standing IS 'waiting') <> (NEW.standing IS 'waiting') BEGIN
         INSERT INTO waiting
         VALUES (NEW.ledger, 1, NEW.arrival >> 8, iif(NEW.standing = 'waiting', 1, -1)),
                (NEW.ledger, 2, NEW.arrival >> 16, iif(NEW.standing = 'waiting', 1, -1))
         ON CONFLICT DO UPDATE SET lines = lines + excluded.lines;
     END;
     CREATE TRIGGER waiting_ends AFTER DELETE ON participations WHEN OLD.standing = 'waiting' BEGIN
         UPDATE waiting SET lines = lines - 1
         WHERE ledger = OLD.ledger AND (level, block) IN (VALUES (1, OLD.arrival >> 8), (2, OLD.arrival >> 16));
     END;
     CREATE TRIGGER award_keys_go AFTER DELETE ON participations WHEN OLD.award IS NOT NULL BEGIN
         DELETE FROM award_keys WHERE id = OLD.id;
     END;
     DROP TABLE awards;";

/// Whether a newer version has migrated the file.
pub(crate) fn is_newer(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(file_version::steps(connection)? > STEPS.len())
}

/// Migrates a file to this version. A large file takes a few seconds, so a log line announces it.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    let version = file_version::steps(connection)?;
    if version > 0 && version < STEPS.len() {
        tracing::warn!(
            event = "embedded.upgrading",
            version,
            to = STEPS.len(),
            "The data file is being upgraded; with a million participations this takes some seconds."
        );
    }
    Migrations::from_slice(STEPS).to_latest(connection)
}

/// Migrates a new file to an earlier step.
#[cfg(test)]
pub(crate) fn migrate_to(connection: &mut Connection, step: usize) {
    Migrations::from_slice(STEPS).to_version(connection, step).expect("every step can be reached");
}
