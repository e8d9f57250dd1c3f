//! Mailboxes and pairs as rows.

use std::num::NonZeroU32;

use offlineimap_core::{
    Base, Bounds, Digest, Epoch, Fingerprint, Flags, FolderPair, Key, MailboxName, Pair, PerSide,
    Side, Token,
};
use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Change, Era, Known, MailboxId, MailboxRow, Settled, Standing, StartedAt};

pub(super) fn mailboxes(db: &Connection) -> rusqlite::Result<Vec<MailboxRow>> {
    db.prepare("SELECT id, remote_name, local_name FROM mailbox ORDER BY id")?
        .query_map([], |row| {
            Ok(MailboxRow {
                id: MailboxId(row.get(0)?),
                folder: FolderPair {
                    remote: MailboxName::new(row.get::<_, String>(1)?),
                    local: MailboxName::new(row.get::<_, String>(2)?),
                },
            })
        })?
        .collect()
}

pub(super) fn base(db: &Connection, folder: &FolderPair) -> rusqlite::Result<Known> {
    let found = db
        .query_row(
            "SELECT id, remote_epoch, local_epoch, remote_identity, local_identity, standing,
                    start_key, start_rule, remote_token, local_token, token_rule
             FROM mailbox WHERE remote_name = ?1 AND local_name = ?2",
            params![folder.remote.as_str(), folder.local.as_str()],
            |row| {
                let epochs = PerSide {
                    remote: Epoch::new(row.get::<_, String>(1)?),
                    local: Epoch::new(row.get::<_, String>(2)?),
                };
                let identities = PerSide { remote: row.get(3)?, local: row.get(4)? };
                let standing = match row.get_ref(5)?.as_str()? {
                    "whole" => Standing::Whole,
                    _ => Standing::Rebuilding,
                };
                let started_at = match (row.get_ref(6)?, row.get::<_, Option<String>>(7)?) {
                    (ValueRef::Null, _) | (_, None) => None,
                    (_, Some(rule)) => Some(StartedAt { key: key(row, 6)?, rule }),
                };
                let [remote, local] = [row.get::<_, Option<String>>(8)?, row.get(9)?];
                let tokens = PerSide { remote, local }.map(|text| text.map(Token::new));
                let settled = row.get::<_, Option<String>>(10)?;
                let settled = settled.map(|rule| Settled { tokens, rule });
                let known = Known {
                    id: Some(MailboxId(row.get(0)?)),
                    identities,
                    standing,
                    started_at,
                    settled,
                    base: Base::default(),
                };
                Ok((MailboxId(row.get(0)?), epochs, known))
            },
        )
        .optional()?;
    let Some((id, epochs, known)) = found else { return Ok(Known::default()) };
    let pairs = db
        .prepare_cached(
            "SELECT remote_key, local_key, flags, deleted_on, bounds FROM pair
             WHERE mailbox = ?1 ORDER BY remote_key",
        )?
        .query_map([id.0], |row| {
            Ok(Pair {
                remote: key(row, 0)?,
                local: key(row, 1)?,
                flags: flags(row, 2)?,
                deleted_on: row.get_ref(3)?.as_str_or_null()?.map(side).transpose()?,
                bounds: match row.get_ref(4)?.as_str()? {
                    "outside" => Bounds::Outside,
                    _ => Bounds::Inside,
                },
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Known { base: Base::new(epochs, pairs), ..known })
}

pub(super) fn enter_mailbox(
    db: &Connection,
    folder: &FolderPair,
    era: &Era,
) -> rusqlite::Result<MailboxId> {
    db.query_row(
        "INSERT INTO mailbox (remote_name, local_name, remote_epoch, local_epoch,
                              remote_identity, local_identity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (remote_name, local_name)
         DO UPDATE SET remote_epoch = ?3, local_epoch = ?4,
                       remote_identity = ?5, local_identity = ?6, standing = 'rebuilding',
                       start_key = NULL, start_rule = NULL, remote_token = NULL,
                       local_token = NULL, token_rule = NULL
         RETURNING id",
        params![
            folder.remote.as_str(),
            folder.local.as_str(),
            era.epochs.remote.as_str(),
            era.epochs.local.as_str(),
            era.identities.remote,
            era.identities.local,
        ],
        |row| row.get(0).map(MailboxId),
    )
}

pub(super) fn purge(db: &Connection, folder: &FolderPair) -> rusqlite::Result<()> {
    let names = params![folder.remote.as_str(), folder.local.as_str()];
    db.execute("DELETE FROM mailbox WHERE remote_name = ?1 OR local_name = ?2", names)?;
    db.execute(
        "INSERT INTO outdated (remote_name, local_name) SELECT ?1, ?2
         WHERE NOT EXISTS (SELECT 1 FROM outdated WHERE remote_name = ?1 AND local_name = ?2)",
        names,
    )?;
    Ok(())
}

/// Remembers that what OfflineIMAP knew of any folder counts no more.
pub(super) fn outdate_all(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO outdated (remote_name, local_name) SELECT NULL, NULL
         WHERE NOT EXISTS
            (SELECT 1 FROM outdated WHERE remote_name IS NULL AND local_name IS NULL)",
        [],
    )?;
    Ok(())
}

pub(super) fn is_outdated(db: &Connection, folder: &FolderPair) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM outdated
         WHERE remote_name = ?1 OR local_name = ?2
            OR (remote_name IS NULL AND local_name IS NULL)",
    )?
    .exists(params![folder.remote.as_str(), folder.local.as_str()])
}

/// Forgets all pairs but these, and gives these their local keys.
pub(super) fn keep_pairs(db: &Connection, id: MailboxId, pairs: &[Pair]) -> rusqlite::Result<()> {
    // What is known of the content of a surviving pair stays.
    let mut statement =
        db.prepare("UPDATE pair SET local_key = ?3 WHERE mailbox = ?1 AND remote_key = ?2")?;
    db.execute("CREATE TEMP TABLE IF NOT EXISTS kept (remote_key ANY PRIMARY KEY) STRICT", [])?;
    db.execute("DELETE FROM kept", [])?;
    let mut keep = db.prepare("INSERT OR IGNORE INTO kept VALUES (?1)")?;
    for pair in pairs {
        keep.execute([value(&pair.remote)])?;
        statement.execute(params![id.0, value(&pair.remote), value(&pair.local)])?;
    }
    db.execute(
        "DELETE FROM pair WHERE mailbox = ?1
         AND remote_key NOT IN (SELECT remote_key FROM kept)",
        [id.0],
    )?;
    db.execute("DELETE FROM kept", [])?;
    Ok(())
}

pub(super) fn apply(db: &Connection, id: MailboxId, changes: &[Change]) -> rusqlite::Result<()> {
    for change in changes {
        apply_one(db, id, change)?;
    }
    Ok(())
}

fn apply_one(db: &Connection, id: MailboxId, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Insert(pair, content) => {
            db.prepare_cached(
                "INSERT OR REPLACE INTO pair (mailbox, remote_key, local_key, flags, deleted_on,
                                              wire_octets, message_id, digest, bounds)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                id.0,
                value(&pair.remote),
                value(&pair.local),
                flags_text(&pair.flags),
                pair.deleted_on.map(side_text),
                content.as_ref().and_then(|it| i64::try_from(it.wire_octets).ok()),
                content.as_ref().and_then(|it| it.message_id.as_deref()),
                content.as_ref().and_then(|it| it.digest.as_ref()).map(|it| it.as_bytes().to_vec()),
                bounds_text(pair.bounds),
            ])?;
        }
        Change::SetLocal { pair, local } => {
            db.prepare_cached(
                "UPDATE pair SET local_key = ?3 WHERE mailbox = ?1 AND remote_key = ?2",
            )?
            .execute(params![id.0, value(pair), value(local)])?;
        }
        Change::Learn { pair, change } => {
            let known: Option<Flags> = db
                .prepare_cached("SELECT flags FROM pair WHERE mailbox = ?1 AND remote_key = ?2")?
                .query_row(params![id.0, value(pair)], |row| flags(row, 0))
                .optional()?;
            if let Some(known) = known {
                db.prepare_cached(
                    "UPDATE pair SET flags = ?3 WHERE mailbox = ?1 AND remote_key = ?2",
                )?
                .execute(params![
                    id.0,
                    value(pair),
                    flags_text(&change.apply(&known))
                ])?;
            }
        }
        Change::MarkDeleted { pair, on } => {
            db.prepare_cached(
                "UPDATE pair SET deleted_on = ?3 WHERE mailbox = ?1 AND remote_key = ?2",
            )?
            .execute(params![id.0, value(pair), side_text(*on)])?;
        }
        Change::SetBounds { pair, bounds } => {
            db.prepare_cached(
                "UPDATE pair SET bounds = ?3 WHERE mailbox = ?1 AND remote_key = ?2",
            )?
            .execute(params![id.0, value(pair), bounds_text(*bounds)])?;
        }
        Change::StartAt(StartedAt { key, rule }) => {
            db.execute(
                "UPDATE mailbox SET start_key = ?2, start_rule = ?3 WHERE id = ?1",
                params![id.0, value(key), rule],
            )?;
        }
        Change::Settled(Settled { tokens, rule }) => {
            db.execute(
                "UPDATE mailbox SET remote_token = ?2, local_token = ?3, token_rule = ?4
                 WHERE id = ?1",
                params![
                    id.0,
                    tokens.remote.as_ref().map(Token::as_str),
                    tokens.local.as_ref().map(Token::as_str),
                    rule
                ],
            )?;
        }
        Change::Unsettled => {
            db.execute(
                "UPDATE mailbox SET remote_token = NULL, local_token = NULL, token_rule = NULL
                 WHERE id = ?1",
                [id.0],
            )?;
        }
        Change::Forget { pair } => {
            db.prepare_cached("DELETE FROM pair WHERE mailbox = ?1 AND remote_key = ?2")?
                .execute(params![id.0, value(pair)])?;
        }
        Change::Rebuilt => {
            db.execute("UPDATE mailbox SET standing = 'whole' WHERE id = ?1", [id.0])?;
        }
        Change::Close(intent) => {
            db.prepare_cached("DELETE FROM intent WHERE id = ?1")?.execute([intent])?;
        }
    }
    Ok(())
}

/// Reads `wire_octets, message_id, digest` from three columns.
pub(super) fn fingerprint(row: &Row<'_>, at: usize) -> rusqlite::Result<Fingerprint> {
    let digest: Option<Vec<u8>> = row.get(at + 2)?;
    Ok(Fingerprint {
        wire_octets: u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default(),
        message_id: row.get::<_, Option<String>>(at + 1)?.map(Into::into),
        digest: digest.and_then(|it| it.try_into().ok()).map(Digest::from_bytes),
    })
}

pub(super) fn key(row: &Row<'_>, at: usize) -> rusqlite::Result<Key> {
    let malformed =
        |kind| rusqlite::Error::FromSqlConversionFailure(at, kind, "not a message key".into());
    match row.get_ref(at)? {
        ValueRef::Integer(number) => u32::try_from(number)
            .ok()
            .and_then(NonZeroU32::new)
            .map(Key::number)
            .ok_or_else(|| malformed(Type::Integer)),
        ValueRef::Blob(name) => Ok(Key::name(name)),
        other @ (ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_)) => {
            Err(malformed(other.data_type()))
        }
    }
}

pub(super) fn value(key: &Key) -> Value {
    match (key.as_number(), key.as_name()) {
        (Some(number), _) => Value::Integer(number.get().into()),
        (None, name) => Value::Blob(name.unwrap_or_default().to_vec()),
    }
}

/// Reads flags as [`flags_text`] writes them.
pub(super) fn flags(row: &Row<'_>, at: usize) -> rusqlite::Result<Flags> {
    let text = row.get_ref(at)?.as_str()?;
    let mut words = text.split(' ');
    let letters = Flags::from_letters(words.next().unwrap_or_default());
    Ok(words.filter(|word| !word.is_empty()).fold(letters, Flags::with_keyword))
}

/// Writes the Maildir letters, then each keyword behind a blank, which no keyword contains.
pub(super) fn flags_text(flags: &Flags) -> String {
    let mut text = flags.letters();
    for keyword in flags.keywords() {
        text.push(' ');
        text.push_str(keyword);
    }
    text
}

pub(super) fn side(text: &str) -> rusqlite::Result<Side> {
    match text {
        "remote" => Ok(Side::Remote),
        "local" => Ok(Side::Local),
        _ => Err(rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "not a side".into())),
    }
}

fn bounds_text(bounds: Bounds) -> &'static str {
    match bounds {
        Bounds::Inside => "inside",
        Bounds::Outside => "outside",
    }
}

pub(super) fn side_text(side: Side) -> &'static str {
    match side {
        Side::Remote => "remote",
        Side::Local => "local",
    }
}
