//! The tables, and their numbered migrations.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StateError;
use crate::account::Durability;

/// One migration for each version, applied in order; never edited once released.
const MIGRATIONS: &[(i64, &str)] = &[(
    1,
    r"
    -- A folder on both sides. Keys of its messages mean something in these epochs only.
    CREATE TABLE mailbox (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        remote_name  TEXT NOT NULL,
        local_name   TEXT NOT NULL,
        remote_epoch TEXT NOT NULL,
        local_epoch  TEXT NOT NULL,
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
)];

/// Opens the database, creating or migrating it in one transaction.
pub(super) fn open(path: &Path, durability: Durability) -> Result<Connection, StateError> {
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
        transaction.commit().map_err(failed)?;
    }
    Ok(db)
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
