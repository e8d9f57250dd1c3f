//! The status databases of OfflineIMAP (`spec/ondisk.md` §3), and whether they still count.
//!
//! They are the second kind of sqlite file that the engine knows. Reading one writes nothing beside
//! it, and one is only ever replaced as a whole.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::StateError;
use super::schema::beside;
use super::snapshot::Snapshot;
use crate::legacy::{StatusRow, status_row};

/// Why an old status could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadStatusError {
    /// It is not what OfflineIMAP wrote.
    #[error("'{path}' is damaged: {source}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// It could not be looked at.
    #[error(transparent)]
    Unreadable(#[from] StateError),
}

/// Reads the rows of a status database of any version; none if there is no file, or if it was
/// never filled. `scratch` is a directory for temporary files.
pub(crate) fn read_status(path: &Path, scratch: &Path) -> Result<Vec<StatusRow>, ReadStatusError> {
    let exists =
        path.try_exists().map_err(|source| StateError::Io { path: path.to_owned(), source })?;
    if !exists {
        return Ok(Vec::new());
    }
    rows(path, scratch)?.map_err(|source| match source.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
        ) => StateError::Sqlite { path: path.to_owned(), source }.into(),
        _ => ReadStatusError::Damaged { path: path.to_owned(), source },
    })
}

fn rows(path: &Path, scratch: &Path) -> Result<rusqlite::Result<Vec<StatusRow>>, StateError> {
    let is_left = |suffix: &&str| beside(path, suffix).exists();
    if ["-journal", "-wal"].iter().any(is_left) {
        // What a killed OfflineIMAP left half done is rolled back on opening: in a private copy.
        let copy = Snapshot::of(path, scratch)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        return Ok(Connection::open_with_flags(copy.path(), flags).and_then(|db| rows_of(&db)));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Ok(Connection::open_with_flags(immutable(path), flags).and_then(|db| rows_of(&db)))
}

/// Names a file for sqlite as one that nobody changes, so that nothing is created beside it.
fn immutable(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            // Writing to a string does not fail.
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn rows_of(db: &Connection) -> rusqlite::Result<Vec<StatusRow>> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(11), Some(found)));
    }
    let has_table = db
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'status'")?
        .exists([])?;
    if !has_table {
        return Ok(Vec::new());
    }
    // All versions have these columns; what the others say is not needed here.
    let mut statement = db.prepare("SELECT id, flags FROM status")?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let letters = match row.get_ref(1)? {
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => "".into(),
        };
        rows.extend(status_row(row.get(0)?, &letters));
    }
    Ok(rows)
}

/// Writes a status database as OfflineIMAP 8 does (version 2, rollback journal), in place of the
/// one that may be there. A crash leaves the old file or the new one.
pub(crate) fn write_status(path: &Path, rows: &[StatusRow]) -> Result<(), StateError> {
    let draft = beside(path, ".tmp");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| StateError::Io { path, source }
    };
    remove_if_there(&draft).map_err(io(&draft))?;
    fill(&draft, rows).map_err(|source| StateError::Sqlite { path: draft.clone(), source })?;
    File::open(&draft).and_then(|file| file.sync_all()).map_err(io(&draft))?;
    // The journal of a killed OfflineIMAP would be played into the new database.
    for suffix in ["-journal", "-wal", "-shm"] {
        let left = beside(path, suffix);
        remove_if_there(&left).map_err(io(&left))?;
    }
    fs::rename(&draft, path).map_err(io(path))
}

fn fill(path: &Path, rows: &[StatusRow]) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    // The file has its name only once it is whole.
    db.pragma_update(None, "journal_mode", "memory")?;
    let transaction = db.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
         INSERT INTO metadata VALUES('db_version', '2');
         CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50), mtime INTEGER, \
                              labels VARCHAR(256));",
    )?;
    let mut insert = transaction.prepare("INSERT INTO status VALUES (?1, ?2, 0, '')")?;
    for row in rows {
        insert.execute(params![row.uid.get(), row.flags.letters()])?;
    }
    drop(insert);
    transaction.commit()?;
    db.close().map_err(|(_, error)| error)
}

/// The directories in which OfflineIMAP kept its status, beside the state.
pub(crate) const STATUS_DIRECTORIES: [&str; 2] = ["LocalStatus-sqlite", "LocalStatus"];

/// Its presence beside the state says that the state is newer than the files of OfflineIMAP, even
/// if the state was damaged or removed since.
pub(crate) const MARKER: &str = "LocalStatus-is-outdated";

const MARKER_TEXT: &str = "The LocalStatus files in this directory are older than state.sqlite, \
                           and are not looked at any more.\n\
                           'offlineimap state export' brings them up to date.\n";

/// Whether the old status files may be newer than a state that is created now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldStatus {
    /// There has been no state before: they count.
    Counts,
    /// There has been one.
    Outdated,
}

impl OldStatus {
    /// Tells which it is for the state at `path`.
    pub(super) fn beside(path: &Path) -> Result<Self, StateError> {
        let marker = path.with_file_name(MARKER);
        match marker.try_exists() {
            Ok(true) => Ok(Self::Outdated),
            Ok(false) => Ok(Self::Counts),
            Err(source) => Err(StateError::Io { path: marker, source }),
        }
    }
}

/// Notes durably that there is a state at `path` now, if there is an old status beside it.
pub(super) fn mark(path: &Path) -> Result<(), StateError> {
    let marker = path.with_file_name(MARKER);
    if marker.exists() || !STATUS_DIRECTORIES.iter().any(|it| path.with_file_name(it).is_dir()) {
        return Ok(());
    }
    let write = || {
        let mut file = File::create(&marker)?;
        file.write_all(MARKER_TEXT.as_bytes())?;
        file.sync_all()?;
        sync_directory_of(&marker)
    };
    write().map_err(|source| StateError::Io { path: marker.clone(), source })
}

/// Takes the state at `path` out of use, because everything it knows was exported: the next sync
/// takes the old files over again. Nobody may have it open.
pub(crate) fn retire(path: &Path) -> Result<(), StateError> {
    let io = |source| StateError::Io { path: path.to_owned(), source };
    // In this order: what is left of a crash is either still in use or rebuilt.
    remove_if_there(&path.with_file_name(MARKER)).map_err(io)?;
    let target = beside(path, ".exported");
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(beside(path, suffix), beside(&target, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    sync_directory_of(path).map_err(io)
}

/// Makes the names in the directory of a file durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(directory: &Path, sql: &str) -> PathBuf {
        let path = directory.join("q\"x ?a=%40#\u{e4}");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    fn shown(path: &Path) -> Result<Vec<String>, ReadStatusError> {
        let scratch = tempfile::tempdir().unwrap();
        let rows = read_status(path, scratch.path())?;
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        Ok(rows.iter().map(|row| format!("{} {}", row.uid, row.flags.letters())).collect())
    }

    const VERSION_1: &str = "
        CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
        INSERT INTO metadata VALUES('db_version','1');
        CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50));
        INSERT INTO status VALUES(1,'S');
        INSERT INTO status VALUES(7,NULL);
        INSERT INTO status VALUES(12,'FSabc');";

    #[test]
    fn every_version_and_both_schemas_of_version_2_are_read() {
        let upgrade = "ALTER TABLE status ADD COLUMN mtime INTEGER DEFAULT 0;
                       ALTER TABLE status ADD COLUMN labels VARCHAR(256) DEFAULT '';
                       UPDATE metadata SET value = '2';";
        let version_2 = "
            CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
            INSERT INTO metadata VALUES('db_version','2');
            CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50), mtime INTEGER,
                                 labels VARCHAR(256));
            INSERT INTO status VALUES(1,'S',0,NULL);
            INSERT INTO status VALUES(7,NULL,0,'Work, two words');
            INSERT INTO status VALUES(12,'FSabc',0,'');";
        for sql in [VERSION_1.to_owned(), format!("{VERSION_1}{upgrade}"), version_2.to_owned()] {
            let directory = tempfile::tempdir().unwrap();
            let path = database(directory.path(), &sql);
            assert_eq!(shown(&path).unwrap(), ["1 S", "7 ", "12 FS"], "{sql}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_looks_like_offlineimaps_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = database(directory.path(), VERSION_1);
        fs::write(beside(&path, "-journal"), "of another database").unwrap();
        let rows = [status_row(3, "SF").unwrap(), status_row(4_294_967_295, "").unwrap()];
        write_status(&path, &rows).unwrap();
        assert_eq!(shown(&path).unwrap(), ["3 FS", "4294967295 "]);
        let names: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["q\"x ?a=%40#\u{e4}"], "nothing else is left");
        let db = Connection::open(&path).unwrap();
        let text = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("PRAGMA journal_mode"), "delete");
        assert_eq!(text("SELECT value FROM metadata WHERE key = 'db_version'"), "2");
        assert_eq!(
            text("SELECT sql FROM sqlite_master WHERE name = 'status'"),
            "CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50), mtime INTEGER, \
             labels VARCHAR(256))"
        );
        assert_eq!(text("SELECT mtime || '/' || labels FROM status WHERE id = 3"), "0/");
    }

    #[test]
    fn reading_touches_neither_the_file_nor_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = database(directory.path(), VERSION_1);
        let (before, bytes) = (fs::metadata(directory.path()).unwrap(), fs::read(&path).unwrap());
        shown(&path).unwrap();
        let after = fs::metadata(directory.path()).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert_eq!(bytes, fs::read(&path).unwrap());
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_rolled_back_in_the_copy() {
        let directory = tempfile::tempdir().unwrap();
        let path = database(directory.path(), VERSION_1);
        let db = Connection::open(&path).unwrap();
        // A page cache of nothing makes sqlite write before it commits.
        db.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;").unwrap();
        let many = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 9000)
                    INSERT INTO status SELECT i, 'RS' FROM n; UPDATE status SET flags = 'T';";
        db.execute_batch(many).unwrap();
        let crashed = tempfile::tempdir().unwrap();
        let copy = crashed.path().join("INBOX");
        fs::copy(&path, &copy).unwrap();
        fs::copy(beside(&path, "-journal"), beside(&copy, "-journal")).unwrap();
        assert!(fs::metadata(&copy).unwrap().len() > 50_000, "nothing was written yet");
        assert_eq!(shown(&copy).unwrap(), ["1 S", "7 ", "12 FS"]);
    }

    #[test]
    fn a_status_that_was_never_filled_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("INBOX");
        assert_eq!(shown(&path).unwrap(), Vec::<String>::new());
        fs::write(&path, "").unwrap();
        assert_eq!(shown(&path).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn something_else_is_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("INBOX");
        fs::write(&path, "not a database, but long enough to be looked at".repeat(100)).unwrap();
        assert!(matches!(shown(&path), Err(ReadStatusError::Damaged { .. })));
        fs::remove_file(&path).unwrap();
        let path = database(directory.path(), VERSION_1);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(5000).unwrap();
        assert!(matches!(shown(&path), Err(ReadStatusError::Damaged { .. })));
    }
}
