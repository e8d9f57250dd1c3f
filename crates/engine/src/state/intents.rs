//! The journal: intents as rows.

use offlineimap_core::{FlagChange, Flags, Frontier, Intent, IntentKind, Key, Side};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::MailboxId;
use super::rows::{fingerprint, flags, flags_text, key, side, side_text, value};

pub(super) fn insert(
    db: &Connection,
    id: MailboxId,
    kinds: &[IntentKind],
) -> rusqlite::Result<Vec<i64>> {
    kinds.iter().map(|kind| insert_one(db, id, kind)).collect()
}

fn insert_one(db: &Connection, id: MailboxId, kind: &IntentKind) -> rusqlite::Result<i64> {
    let mut row = IntentRow::of(kind);
    db.prepare_cached(
        "INSERT INTO intent (mailbox, kind, side, source_key, target_key, frontier, wire_octets,
                             message_id, digest, flags, change_add, change_remove, settles_add,
                             settles_remove)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        id.0,
        row.kind,
        side_text(row.side),
        value(row.source),
        row.target.map(value),
        row.frontier.map(Frontier::as_str),
        row.wire_octets,
        row.message_id,
        row.digest.take(),
        flags_text(row.flags.unwrap_or(&Flags::default())),
        row.change.map(|it| flags_text(&it.add)).unwrap_or_default(),
        row.change.map(|it| flags_text(&it.remove)).unwrap_or_default(),
        row.settles.map(|it| flags_text(&it.add)).unwrap_or_default(),
        row.settles.map(|it| flags_text(&it.remove)).unwrap_or_default(),
    ])?;
    Ok(db.last_insert_rowid())
}

struct IntentRow<'a> {
    kind: &'static str,
    side: Side,
    source: &'a Key,
    target: Option<&'a Key>,
    frontier: Option<&'a Frontier>,
    wire_octets: Option<i64>,
    message_id: Option<&'a str>,
    digest: Option<Vec<u8>>,
    flags: Option<&'a Flags>,
    change: Option<&'a FlagChange>,
    settles: Option<&'a FlagChange>,
}

impl<'a> IntentRow<'a> {
    fn of(kind: &'a IntentKind) -> Self {
        let row = |kind, side, source| Self {
            kind,
            side,
            source,
            target: None,
            frontier: None,
            wire_octets: None,
            message_id: None,
            digest: None,
            flags: None,
            change: None,
            settles: None,
        };
        match kind {
            IntentKind::Deliver { side, source, planned, flags } => {
                Self { target: Some(planned), flags: Some(flags), ..row("deliver", *side, source) }
            }
            IntentKind::Append { side, source, frontier, fingerprint, flags } => Self {
                frontier: frontier.as_ref(),
                wire_octets: i64::try_from(fingerprint.wire_octets).ok(),
                message_id: fingerprint.message_id.as_deref(),
                digest: fingerprint.digest.as_ref().map(|it| it.as_bytes().to_vec()),
                flags: Some(flags),
                ..row("append", *side, source)
            },
            IntentKind::Flags { pair, side, target, change, settles } => Self {
                target: Some(target),
                change: Some(change),
                settles: Some(settles),
                ..row("flags", *side, pair)
            },
        }
    }
}

pub(super) fn open(db: &Connection, id: MailboxId) -> rusqlite::Result<Vec<Intent>> {
    db.prepare(
        "SELECT id, kind, side, source_key, target_key, frontier, coalesce(wire_octets, 0),
                message_id, digest, flags, change_add, change_remove, settles_add, settles_remove
         FROM intent WHERE mailbox = ?1 ORDER BY id",
    )?
    .query_map([id.0], |row| Ok(Intent { id: row.get(0)?, kind: kind(row)? }))?
    .collect()
}

fn kind(row: &Row<'_>) -> rusqlite::Result<IntentKind> {
    let side = side(row.get_ref(2)?.as_str()?)?;
    let source = key(row, 3)?;
    let change = |add, remove| -> rusqlite::Result<FlagChange> {
        Ok(FlagChange { add: flags(row, add)?, remove: flags(row, remove)? })
    };
    match row.get_ref(1)?.as_str()? {
        "deliver" => {
            Ok(IntentKind::Deliver { side, source, planned: key(row, 4)?, flags: flags(row, 9)? })
        }
        "append" => Ok(IntentKind::Append {
            side,
            source,
            frontier: row.get::<_, Option<String>>(5)?.map(Frontier::new),
            fingerprint: fingerprint(row, 6)?,
            flags: flags(row, 9)?,
        }),
        "flags" => Ok(IntentKind::Flags {
            pair: source,
            side,
            target: key(row, 4)?,
            change: change(10, 11)?,
            settles: change(12, 13)?,
        }),
        _ => Err(rusqlite::Error::FromSqlConversionFailure(1, Type::Text, "no such intent".into())),
    }
}
