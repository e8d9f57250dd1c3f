//! The tables, and their numbered migrations.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::StateError;
use super::legacy::OldStatus;
use crate::account::Durability;

/// One migration for each version, applied in order; never edited once released.
const MIGRATIONS: &[(i64, &str)] = &[
    (
        1,
        r"
    -- A folder on both sides. Keys of its messages mean something in these epochs only.
    CREATE TABLE mailbox (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        remote_name     TEXT NOT NULL,
        local_name      TEXT NOT NULL,
        remote_epoch    TEXT NOT NULL,
        local_epoch     TEXT NOT NULL,
        -- Which repositories the epochs belong to; empty where the epoch alone tells.
        remote_identity TEXT NOT NULL DEFAULT '',
        local_identity  TEXT NOT NULL DEFAULT '',
        -- 'rebuilding' until the messages that both sides have are paired again.
        standing        TEXT NOT NULL DEFAULT 'rebuilding'
                        CHECK (standing IN ('whole', 'rebuilding')),
        UNIQUE (remote_name, local_name)
    ) STRICT;

    -- A message that is on both sides. Keys are INTEGER for numbers, BLOB for names.
    CREATE TABLE pair (
        mailbox     INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
        remote_key  ANY NOT NULL,
        local_key   ANY NOT NULL,
        flags       TEXT NOT NULL DEFAULT '',
        deleted_on  TEXT CHECK (deleted_on IN ('remote', 'local')),
        wire_octets INTEGER,
        message_id  TEXT,
        digest      BLOB,
        PRIMARY KEY (mailbox, remote_key)
    ) STRICT, WITHOUT ROWID;

    -- An operation that was begun and has no outcome yet.
    CREATE TABLE intent (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        mailbox        INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
        kind           TEXT NOT NULL CHECK (kind IN ('deliver', 'append', 'flags')),
        side           TEXT NOT NULL CHECK (side IN ('remote', 'local')),
        source_key     ANY NOT NULL,
        target_key     ANY,
        frontier       TEXT,
        wire_octets    INTEGER,
        message_id     TEXT,
        digest         BLOB,
        flags          TEXT NOT NULL DEFAULT '',
        change_add     TEXT NOT NULL DEFAULT '',
        change_remove  TEXT NOT NULL DEFAULT '',
        settles_add    TEXT NOT NULL DEFAULT '',
        settles_remove TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX intent_by_mailbox ON intent (mailbox);
",
    ),
    (
        2,
        r"
    -- Folders of which the status that OfflineIMAP left counts no more, because they were created
    -- since; all folders if there are no names.
    CREATE TABLE outdated (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        remote_name TEXT,
        local_name  TEXT
    ) STRICT;
",
    ),
    (
        3,
        r"
    -- Whether the user's restrictions leave the message out.
    ALTER TABLE pair ADD COLUMN bounds TEXT NOT NULL DEFAULT 'inside'
                     CHECK (bounds IN ('inside', 'outside'));
    -- Where a `startdate` begins, and which one that is.
    ALTER TABLE mailbox ADD COLUMN start_key ANY;
    ALTER TABLE mailbox ADD COLUMN start_rule TEXT;
    -- The stamps of both sides from before the last sync that left nothing to do, and the
    -- restrictions that held then.
    ALTER TABLE mailbox ADD COLUMN remote_token TEXT;
    ALTER TABLE mailbox ADD COLUMN local_token TEXT;
    ALTER TABLE mailbox ADD COLUMN token_rule TEXT;
",
    ),
];

/// Opens the database as [`open`] does. One that is damaged is moved aside under the name that is
/// returned, and a new one begun: what it knew is found out again from both sides.
pub(super) fn open_or_replace(
    path: &Path,
    durability: Durability,
    old: OldStatus,
) -> Result<(Connection, Option<PathBuf>), StateError> {
    let unclean = beside(path, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);
    let opened = open(path, durability, old).and_then(|db| {
        if unclean && !is_sound(&db) {
            let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(11), None);
            return Err(StateError::Sqlite { path: path.to_owned(), source });
        }
        Ok(db)
    });
    match opened {
        Err(StateError::Sqlite { source, .. }) if is_damage(&source) => {
            let damaged = set_aside(path)
                .map_err(|source| StateError::Io { path: path.to_owned(), source })?;
            Ok((open(path, durability, old)?, Some(damaged)))
        }
        opened => Ok((opened?, None)),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn is_sound(db: &Connection) -> bool {
    let answer = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    // Only a finding counts as damage; not being able to look is another error.
    !answer.is_ok_and(|answer| answer != "ok")
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let target = (1..1000)
        .map(|n| beside(path, &format!(".damaged-{n}")))
        .find(|target| !target.exists())
        .ok_or(std::io::ErrorKind::AlreadyExists)?;
    for suffix in ["-wal", "-shm", ""] {
        match std::fs::rename(beside(path, suffix), beside(&target, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(target)
}

/// Opens the database, creating or migrating it in one transaction.
pub(super) fn open(
    path: &Path,
    durability: Durability,
    old: OldStatus,
) -> Result<Connection, StateError> {
    let failed = |source| StateError::Sqlite { path: path.to_owned(), source };
    let mut db = Connection::open(path).map_err(failed)?;
    configure(&db, durability).map_err(failed)?;
    let found = version(&db).map_err(failed)?;
    let known = MIGRATIONS.iter().map(|(version, _)| *version).max().unwrap_or_default();
    if found > known {
        return Err(StateError::TooNew { path: path.to_owned(), found, known });
    }
    if found < known {
        let transaction =
            db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        migrate(&transaction).map_err(failed)?;
        if found == 0 && old == OldStatus::Outdated {
            transaction.execute("INSERT INTO outdated DEFAULT VALUES", []).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        sync_directory(path)?;
    }
    Ok(db)
}

/// Makes the name of a new database durable; its contents are sqlite's business.
fn sync_directory(path: &Path) -> Result<(), StateError> {
    let Some(directory) = path.parent() else { return Ok(()) };
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| StateError::Io { path: directory.to_owned(), source })
}

fn configure(db: &Connection, durability: Durability) -> rusqlite::Result<()> {
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "full",
            Durability::Relaxed => "normal",
        },
    )?;
    db.pragma_update(None, "foreign_keys", "on")?;
    // A small page cache: the base is read once, in order.
    db.pragma_update(None, "cache_size", -1024)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    // Read again: another process may have migrated before this one got the lock.
    let found = version(transaction)?;
    for (version, migration) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state as a version of this program wrote it that knew so many migrations.
    fn state_of_version(path: &Path, version: usize) {
        let db = Connection::open(path).unwrap();
        for (number, migration) in MIGRATIONS.iter().take(version) {
            db.execute_batch(migration).unwrap();
            db.pragma_update(None, "user_version", number).unwrap();
        }
        db.execute(
            "INSERT INTO mailbox (remote_name, local_name, remote_epoch, local_epoch)
             VALUES ('INBOX', 'INBOX', '1', 'a')",
            [],
        )
        .unwrap();
    }

    #[test]
    fn a_state_of_every_version_is_brought_up_to_date_with_what_it_knows() {
        for version in 1..=MIGRATIONS.len() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.sqlite");
            state_of_version(&path, version);
            let db = open(&path, Durability::Relaxed, OldStatus::Outdated).unwrap();
            let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(count("SELECT count(*) FROM mailbox"), 1, "version {version}");
            assert_eq!(count("SELECT count(*) FROM outdated"), 0, "version {version}");
            assert_eq!(count("PRAGMA user_version"), 3, "version {version}");
        }
    }

    #[test]
    fn the_database_waits_for_the_disk_as_hard_as_was_asked() {
        for (durability, level) in [(Durability::Full, 2), (Durability::Relaxed, 1)] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.sqlite");
            for _ in 0..2 {
                let db = open(&path, durability, OldStatus::Counts).unwrap();
                let asked = db.pragma_query_value(None, "synchronous", |row| row.get(0));
                assert_eq!(asked, Ok(level), "{durability:?}");
            }
        }
    }

    #[test]
    fn damage_behind_an_unclean_end_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.sqlite");
        let (db, _) = open_or_replace(&path, Durability::Full, OldStatus::Counts).unwrap();
        assert!(is_sound(&db));
        db.execute_batch("PRAGMA wal_checkpoint(truncate); PRAGMA writable_schema = on;").unwrap();
        db.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'intent'", []).unwrap();
        drop(db);
        assert!(!is_sound(&Connection::open(&path).unwrap()));
    }
}
