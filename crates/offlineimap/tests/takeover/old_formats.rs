//! Status files of every age.

use std::fmt::Write as _;
use std::fs;

use crate::elder::{FOLDERS, Inheritance, ORDINARY, contents, python};

/// Prints the rows of a status database as `uid flags`.
const DUMP: &str = "
import sqlite3, sys
for uid, flags in sqlite3.connect(sys.argv[1]).execute('SELECT id, flags FROM status ORDER BY id'):
    print(uid, flags)
";

/// Makes a database of version 1 from one of version 2, as the program of that time wrote it.
const DOWNGRADE: &str = "
import sqlite3, os, sys
path = sys.argv[1]
rows = sqlite3.connect(path).execute('SELECT id, flags FROM status').fetchall()
os.remove(path)
db = sqlite3.connect(path)
db.executescript('''
    CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128));
    INSERT INTO metadata VALUES('db_version', '1');
    CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50));
''')
db.executemany('INSERT INTO status VALUES (?, ?)', rows)
db.commit()
";

/// Makes the labels, and flags where there are none, what old programs left: nothing.
const FORGET: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('UPDATE status SET labels = NULL')
db.execute(\"UPDATE status SET flags = NULL WHERE flags = ''\")
db.commit()
";

/// Puts every status database of an account into another form.
fn rewrite(account: &Inheritance, script: &str) {
    for path in contents(&account.status()).into_keys() {
        python(script, &path);
    }
}

/// Replaces every status database by a text file.
fn replace_by_text(account: &Inheritance, format: u8) {
    let plain = account.rig.metadata().join("Account-Test/LocalStatus");
    fs::create_dir(&plain).unwrap();
    for path in contents(&account.status()).into_keys() {
        let mut text =
            format!("OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT {format}\n");
        for row in python(DUMP, &path).lines() {
            let (uid, flags) = row.split_once(' ').unwrap();
            match format {
                1 => writeln!(text, "{uid}:{flags}").unwrap(),
                _ => writeln!(text, "{uid}|{flags}|0|").unwrap(),
            }
        }
        fs::write(plain.join(path.file_name().unwrap()), text).unwrap();
        fs::remove_file(path).unwrap();
    }
}

/// Whatever the status looks like, what was pending is carried over and nothing is transferred.
fn is_taken_over_with_its_changes(account: &Inheritance, when: &str) {
    account.change_both_sides();
    drop(account.rig.overheard());
    let ended = account.rig.sync();
    let moved = account.rig.moved();
    account.assert_changes_are_everywhere(when);
    assert_eq!((moved.downloads.len(), moved.uploads), (FOLDERS.len(), FOLDERS.len()), "{when}");
    assert!(!ended.output.contains("WARNING"), "{when}: {}", ended.output);
    account.rig.does_nothing(when);
}

#[test]
fn a_database_of_version_1_is_taken_over() {
    let account = Inheritance::new(ORDINARY);
    rewrite(&account, DOWNGRADE);
    is_taken_over_with_its_changes(&account, "version 1");
}

#[test]
fn a_database_that_was_upgraded_is_taken_over() {
    let account = Inheritance::new(ORDINARY);
    rewrite(&account, DOWNGRADE);
    // OfflineIMAP upgrades it in place, which gives it the other of the two schemas.
    account.sync_by_elder();
    rewrite(&account, FORGET);
    is_taken_over_with_its_changes(&account, "version 2, upgraded");
}

#[test]
fn a_text_of_format_1_is_taken_over() {
    let account = Inheritance::new(ORDINARY);
    replace_by_text(&account, 1);
    is_taken_over_with_its_changes(&account, "text, format 1");
}

#[test]
fn a_text_of_format_2_is_taken_over() {
    let account = Inheritance::new(ORDINARY);
    replace_by_text(&account, 2);
    is_taken_over_with_its_changes(&account, "text, format 2");
}
