//! Counts what the database really writes, since SD cards wear out by bytes, and keeps its log short.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::Connection;

use super::{beside, number};

/// The log is moved into the database at this length: longer ones collapse more writes of the same page into one,
/// and take longer to read after a crash.
const LOG_BYTES: u64 = 2 << 20;

/// While there is always something to commit, the log may grow to this length before it is moved all the same.
const LONGEST_BYTES: u64 = 8 << 20;

/// The log's length from the start: a commit that makes a file longer waits for the file system's own journal, which
/// on a busy disk takes ten times as long, and writes more than the commit does.
const LAID_OUT_BYTES: u64 = LOG_BYTES + (256 << 10);

/// See "The WAL File Format" on sqlite.org.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Watches the write-ahead log: a header and frames, each a page. Once all of it is in the database and nobody reads
/// it, SQLite begins again at its start; the file keeps its length.
#[derive(Debug)]
pub(super) struct Wear {
    log: PathBuf,
    page_bytes: u64,
    /// Frames counted as written.
    counted: u64,
    /// Frames that are in the database.
    moved: u64,
    /// Bytes written beside the frames and not told yet.
    beside: u64,
}

/// Frames in the log, and how many of them are in the database.
struct Frames {
    logged: u64,
    moved: u64,
}

impl Wear {
    pub(super) fn new(database: &Path, db: &Connection) -> Result<Self> {
        let page_bytes = number(db.pragma_query_value(None, "page_size", |row| row.get(0))?);
        let Frames { logged, moved, .. } = checkpoint(db, "NOOP")?;
        let log = beside(database, "-wal");
        let beside = lay_out(&log).with_context(|| format!("laying out {}", log.display()))?;
        Ok(Self { log, page_bytes, counted: logged, moved, beside })
    }

    /// Bytes written to the log since the last call.
    pub(super) fn written(&mut self, db: &Connection) -> Result<u64> {
        let Frames { logged, moved, .. } = checkpoint(db, "NOOP")?;
        let began_again = logged < self.counted || moved < self.moved;
        let (before, header) = if began_again { (0, LOG_HEADER) } else { (self.counted, 0) };
        (self.counted, self.moved) = (logged, moved);
        Ok((logged - before) * (FRAME_HEADER + self.page_bytes) + header + std::mem::take(&mut self.beside))
    }

    /// Whether so much of the log waits that it should be moved: sooner if there is nothing else to do.
    pub(super) fn is_long(&self, busy: bool) -> bool {
        let waiting = (self.counted - self.moved) * (FRAME_HEADER + self.page_bytes);
        // What came in meanwhile or was read is moved next time: the log begins again only when all of it was moved.
        let again = self.moved > 0 && waiting > 0 && waiting < LOG_BYTES;
        waiting >= if busy { LONGEST_BYTES } else { LOG_BYTES } || (again && !busy)
    }

    /// Moves the log into the database without waiting for readers, and returns the bytes written there.
    pub(super) fn empty_log(&mut self, db: &Connection) -> Result<u64> {
        let Frames { logged, moved, .. } = checkpoint(db, "PASSIVE")?;
        let from = self.moved.min(moved);
        let pages = self.distinct_pages(from, moved).unwrap_or(moved - from);
        (self.counted, self.moved) = (logged, moved);
        Ok(pages * self.page_bytes)
    }

    /// How many pages of the database the frames `from` to `to` became.
    fn distinct_pages(&self, from: u64, to: u64) -> std::io::Result<u64> {
        let file = File::open(&self.log)?;
        let mut pages = std::collections::HashSet::new();
        let frame = FRAME_HEADER + self.page_bytes;
        for n in from..to {
            let mut page = [0; 4];
            file.read_exact_at(&mut page, LOG_HEADER + n * frame)?;
            pages.insert(page);
        }
        Ok(u64::try_from(pages.len()).unwrap_or(u64::MAX))
    }
}

/// Lengthens the log by zeros, which SQLite takes for what was left behind its end; returns how many.
fn lay_out(log: &Path) -> std::io::Result<u64> {
    let mut file = File::options().append(true).open(log)?;
    let missing = LAID_OUT_BYTES.saturating_sub(file.metadata()?.len());
    std::io::copy(&mut std::io::repeat(0).take(missing), &mut file)?;
    file.sync_all()?;
    Ok(missing)
}

/// Moves the log, or with `NOOP` only asks.
fn checkpoint(db: &Connection, how: &str) -> Result<Frames> {
    let ask = format!("PRAGMA wal_checkpoint({how})");
    let frames = db.query_row(&ask, [], |row| Ok(Frames { logged: number(row.get(1)?), moved: number(row.get(2)?) }));
    frames.context("moving the log into the database")
}
