//! Keeps the database within its byte budget.

use anyhow::{Context, Result};

use super::database::Store;
use super::{integer, number};

/// So many events are removed in one go: enough to keep up with any line, few enough not to hold up a commit.
const STEP: i64 = 500;

/// What one step of retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Events that the broker had taken.
    pub(super) sent: u64,
    /// Events that it had not.
    pub(super) unsent: u64,
}

impl Store {
    /// Removes the oldest events while the database is over its budget, one step a call: sent ones first.
    pub(super) fn make_room(&mut self) -> Result<Removed> {
        let mut removed = Removed::default();
        if self.used_bytes()? <= self.max_bytes {
            return Ok(removed);
        }
        let step = self.db.transaction()?;
        let (last, sent) = (integer(self.last_seq), integer(self.sent));
        // The newest event stays, sent or not: it says where the numbers stand.
        let oldest =
            "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3)";
        removed.sent = count(step.execute(oldest, [sent, last, STEP])?);
        if removed.sent == 0 {
            removed.unsent = count(step.execute(oldest, [last, last, STEP])?);
        }
        step.execute("DELETE FROM set_aside WHERE seq < (SELECT min(seq) FROM event)", [])?;
        step.commit().context("removing old events")?;
        Ok(removed)
    }

    /// Bytes of the pages in use; free ones are used again before the file grows.
    fn used_bytes(&self) -> Result<u64> {
        let ask = |name: &str| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(number((ask("page_count")? - ask("freelist_count")?) * ask("page_size")?))
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
