//! The reading end of the store: what happened to an item, and what the broker has not taken yet.

use std::cell::RefCell;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::packing::{Packed, ROW_EVENTS, Unpacker};
use super::{integer, number};
use crate::record::EventKind;
use crate::units::ItemId;

/// The columns of [`Packed`].
const COLUMNS: &str = "SELECT last - count + 1, count, boot, body FROM events LEFT JOIN run ON run.id = run";

/// Events of an item lie within this time of its id's, as long as no one sets the clock.
const ITEM_WITHIN_MS: (i64, i64) = (60_000, 3_600_000);

/// One event as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub seq: u64,
    /// Its kind; none where it is damaged.
    pub kind: Option<EventKind>,
    /// The payload, as it is sent: JSON. Empty where it is damaged.
    pub payload: String,
    /// Why the payload cannot be read, where that is so.
    pub damage: Option<String>,
}

/// How full the store is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stat {
    /// Events in the file.
    pub events: u64,
    /// The oldest one's number; 0 when there is none.
    pub first_seq: u64,
    /// The newest one's number; 0 when there is none.
    pub last_seq: u64,
    /// Events up to this one were taken by the broker or set aside.
    pub sent_seq: u64,
    /// Events that the broker has not taken yet.
    pub unsent: u64,
    /// Events that it will never take.
    pub set_aside: u64,
    /// Bytes of the database file.
    pub bytes: u64,
}

/// Says it in words where the system does not give the file; SQLite says the same of all reasons.
fn unread(path: &Path) -> Result<()> {
    match File::open(path).map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => {
            bail!("there is none: give the state directory of a station that has run, as `store.directory` names it")
        }
        Err(ErrorKind::PermissionDenied) => bail!("this user may not read it: run it as root, or as user pilah"),
        _ => Ok(()),
    }
}

/// A read-only view of a store, while the daemon runs or not. It never waits for the writer, nor the writer for it.
#[derive(Debug)]
pub struct History {
    db: Connection,
    unpacker: RefCell<Unpacker>,
}

impl History {
    /// Opens the database at `path`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let open = || -> rusqlite::Result<Connection> {
            let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            db.busy_timeout(Duration::from_secs(2))?;
            db.pragma_update(None, "cache_size", super::CACHE)?;
            // Fails here, and not in the middle of something, when it is no database.
            db.query_row("SELECT sent FROM cursor", [], |_| Ok(()))?;
            Ok(db)
        };
        let db = unread(path).and_then(|()| {
            open().map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => {
                    anyhow!("it is no store of events, or a damaged one: give the station's state directory")
                }
                _ => error.into(),
            })
        });
        let db = db.with_context(|| format!("opening the store {}", path.display()))?;
        Ok(Self { db, unpacker: RefCell::new(Unpacker::new()?) })
    }

    /// The number up to which events were taken or set aside.
    pub fn sent(&self) -> Result<u64> {
        self.number("SELECT sent FROM cursor")
    }

    /// The first `limit` events behind `seq`, in order.
    pub fn after(&self, seq: u64, limit: usize) -> Result<Vec<Stored>> {
        self.between(seq.saturating_add(1), u64::MAX, limit)
    }

    /// The first `limit` events from `first` to `last`, in order.
    pub fn between(&self, first: u64, last: u64, limit: usize) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        self.rows("WHERE last >= ?1 ORDER BY last", integer(first), |row, unpacker| {
            let events = unpacker.events(row).into_iter().filter(|event| (first..=last).contains(&event.seq));
            found.extend(events.take(limit - found.len()));
            Ok(found.len() < limit && row.first + row.count <= last)
        })?;
        Ok(found)
    }

    /// Everything that is known of an item, oldest first. There is no index of items: it looks where the time in the
    /// item's id says, and through the whole store if that was wrong.
    pub fn of_item(&self, item: ItemId) -> Result<Vec<Stored>> {
        let born = i64::try_from(item.0.timestamp_ms()).unwrap_or(i64::MAX);
        let (before, behind) = ITEM_WITHIN_MS;
        let from = self.first_since(born.saturating_sub(before))?;
        let to = self.first_since(born.saturating_add(behind))?;
        let near = self.of_item_within(item, from, to)?;
        if near.is_empty() { self.of_item_within(item, 0, i64::MAX) } else { Ok(near) }
    }

    fn of_item_within(&self, item: ItemId, from: i64, to: i64) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        self.rows("WHERE last >= ?1 ORDER BY last", from, |row, unpacker| {
            let heads = row.heads().unwrap_or_default();
            if heads.iter().any(|head| head.item == Some(item)) {
                let events = unpacker.events(row).into_iter().zip(heads);
                found.extend(events.filter(|(_, head)| head.item == Some(item)).map(|(event, _)| event));
            }
            Ok(integer(row.first) <= to)
        })?;
        Ok(found)
    }

    /// The `limit` newest events of a kind before `seq`, newest first: a page of the history.
    pub fn newest(&self, kind: EventKind, before: u64, limit: usize) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        self.rows("WHERE last - count + 1 < ?1 ORDER BY last DESC", integer(before), |row, unpacker| {
            let events = unpacker.events(row).into_iter().rev();
            let wanted = events.filter(|event| event.kind == Some(kind) && event.seq < before);
            found.extend(wanted.take(limit - found.len()));
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// The row near which `time_ms` lies, if the clock was never set: halves the store until it is found.
    fn first_since(&self, time_ms: i64) -> Result<i64> {
        let mut low = integer(self.number("SELECT ifnull(min(last), 0) FROM events")?);
        let mut high = integer(self.number("SELECT ifnull(max(last), 0) FROM events")?);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut time = None;
            self.rows("WHERE last >= ?1 ORDER BY last", middle, |row, _| {
                time = row.heads().ok().and_then(|heads| heads.last().map(|head| head.wall.unix_ms));
                Ok(time.is_none())
            })?;
            if time.is_some_and(|time| time < time_ms) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Shows rows to `see` until it says that it has seen enough.
    fn rows(&self, which: &str, value: i64, mut see: impl FnMut(&Packed, &mut Unpacker) -> Result<bool>) -> Result<()> {
        let mut query = self.db.prepare_cached(&format!("{COLUMNS} {which}"))?;
        let mut rows = query.query([value])?;
        let mut unpacker = self.unpacker.borrow_mut();
        while let Some(row) = rows.next().context("reading events")? {
            let row = packed(row).context("reading events")?;
            if !see(&row, &mut unpacker)? {
                break;
            }
        }
        Ok(())
    }

    /// How many events the broker has not taken yet.
    pub fn unsent(&self) -> Result<u64> {
        self.number("SELECT ifnull(sum(min(count, last - sent)), 0) FROM events, cursor WHERE last > sent")
    }

    /// How full the store is.
    pub fn stat(&self) -> Result<Stat> {
        Ok(Stat {
            events: self.number("SELECT ifnull(sum(count), 0) FROM events")?,
            first_seq: self.number("SELECT ifnull(min(last) - count + 1, 0) FROM events")?,
            last_seq: self.number("SELECT ifnull(max(last), 0) FROM events")?,
            sent_seq: self.sent()?,
            unsent: self.unsent()?,
            set_aside: self.number("SELECT count(*) FROM set_aside")?,
            bytes: self.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
        })
    }

    fn number(&self, query: &str) -> Result<u64> {
        let integer = self.db.prepare_cached(query)?.query_row([], |row| row.get(0));
        integer.map(number).context("asking the store")
    }
}

fn packed(row: &Row<'_>) -> rusqlite::Result<Packed> {
    // More than a row ever has is damage, and shall not become memory.
    let count = number(row.get(1)?).min(ROW_EVENTS.try_into().unwrap_or(u64::MAX));
    // A changed bit may call a blob a text, or name a run that never was: the checksum tells, once the bytes are here.
    let bytes = |column| row.get_ref(column).map(|value| value.as_bytes().unwrap_or_default().to_vec());
    let boot = String::from_utf8_lossy(&bytes(2)?).into_owned();
    Ok(Packed { first: number(row.get(0)?), count, boot, body: bytes(3)? })
}
