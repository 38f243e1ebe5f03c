//! The reading end of the store: what happened to an item, and what the broker has not taken yet.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags, Row};

use super::{integer, number};
use crate::units::ItemId;

/// One event as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub seq: u64,
    /// The last word of its topic.
    pub kind: String,
    /// The payload, as it is sent: JSON.
    pub payload: String,
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

/// A read-only view of a store, while the daemon runs or not. It never waits for the writer, nor the writer for it.
#[derive(Debug)]
pub struct History {
    db: Connection,
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
            // Fails here, and not in the middle of something, when it is no database.
            db.query_row("SELECT sent FROM cursor", [], |_| Ok(()))?;
            Ok(db)
        };
        Ok(Self { db: open().with_context(|| format!("opening the store {}", path.display()))? })
    }

    /// The number up to which events were taken or set aside.
    pub fn sent(&self) -> Result<u64> {
        self.number("SELECT sent FROM cursor")
    }

    /// The first `limit` events behind `seq`, in order.
    pub fn after(&self, seq: u64, limit: usize) -> Result<Vec<Stored>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query =
            self.db.prepare_cached("SELECT seq, kind, payload FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let rows = query.query_map([integer(seq), limit], stored)?;
        rows.collect::<rusqlite::Result<_>>().context("reading events")
    }

    /// Everything that is known of an item, oldest first.
    pub fn of_item(&self, item: ItemId) -> Result<Vec<Stored>> {
        let mut query = self.db.prepare_cached("SELECT seq, kind, payload FROM event WHERE item = ?1 ORDER BY seq")?;
        let rows = query.query_map([item.0.to_bytes()], stored)?;
        rows.collect::<rusqlite::Result<_>>().context("reading an item's events")
    }

    /// The `limit` newest events of a kind before `seq`, newest first: a page of the history.
    pub fn newest(&self, kind: &str, before: u64, limit: usize) -> Result<Vec<Stored>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = self.db.prepare_cached(
            "SELECT seq, kind, payload FROM event WHERE kind = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        )?;
        let rows = query.query_map(rusqlite::params![kind, integer(before), limit], stored)?;
        rows.collect::<rusqlite::Result<_>>().context("reading the newest events")
    }

    /// How many events the broker has not taken yet.
    pub fn unsent(&self) -> Result<u64> {
        self.number("SELECT count(*) FROM event WHERE seq > (SELECT sent FROM cursor)")
    }

    /// How full the store is.
    pub fn stat(&self) -> Result<Stat> {
        Ok(Stat {
            events: self.number("SELECT count(*) FROM event")?,
            first_seq: self.number("SELECT ifnull(min(seq), 0) FROM event")?,
            last_seq: self.number("SELECT ifnull(max(seq), 0) FROM event")?,
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

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored { seq: number(row.get(0)?), kind: row.get(1)?, payload: row.get(2)? })
}
