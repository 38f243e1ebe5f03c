//! Counts what the database really writes, since SD cards wear out by bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::Connection;

use super::beside;

/// The log is moved into the database at this length: longer ones collapse more writes of the same page into one,
/// and take longer to read after a crash.
const LOG_BYTES: u64 = 2 << 20;

/// See "The WAL File Format" on sqlite.org.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Watches the length of the write-ahead log.
#[derive(Debug)]
pub(super) struct Wear {
    log: PathBuf,
    page_bytes: u64,
    seen: u64,
}

impl Wear {
    pub(super) fn new(database: &Path, page_bytes: u32) -> Self {
        let log = beside(database, "-wal");
        let seen = length(&log);
        Self { log, page_bytes: u64::from(page_bytes), seen }
    }

    /// Bytes written since the last call. Moves the log into the database when it has grown long.
    pub(super) fn settle(&mut self, db: &Connection) -> Result<u64> {
        let now = length(&self.log);
        let mut written = now.saturating_sub(self.seen);
        self.seen = now;
        if now < LOG_BYTES {
            return Ok(written);
        }
        let pages = self.distinct_pages(now).unwrap_or(now / self.page_bytes);
        let busy: i64 =
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).context("emptying the log")?;
        // A reader in the middle of something keeps the log; the next turn tries again.
        if busy == 0 {
            written += pages * self.page_bytes;
            self.seen = length(&self.log);
        }
        Ok(written)
    }

    /// How many pages of the database the log's frames will become.
    fn distinct_pages(&self, length: u64) -> std::io::Result<u64> {
        let file = File::open(&self.log)?;
        let mut pages = std::collections::HashSet::new();
        let frame = FRAME_HEADER + self.page_bytes;
        for n in 0..length.saturating_sub(LOG_HEADER) / frame {
            let mut page = [0; 4];
            file.read_exact_at(&mut page, LOG_HEADER + n * frame)?;
            pages.insert(page);
        }
        Ok(u64::try_from(pages.len()).unwrap_or(u64::MAX))
    }
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}
