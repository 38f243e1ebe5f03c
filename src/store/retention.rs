//! Keeps the database within its byte budget.

use anyhow::{Context, Result};
use rusqlite::Transaction;

use super::database::Store;
use super::{integer, number};

/// So many rows of events are removed in one go: enough to keep up with any line, few enough not to hold up a commit.
const STEP: i64 = 250;

/// What one step of retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Events that the broker had taken.
    pub(super) sent: u64,
    /// Events that it had not.
    pub(super) unsent: u64,
    /// Their first and their last number.
    pub(super) missing: Option<(u64, u64)>,
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
        // The newest events stay, sent or not: they say where the numbers stand.
        let oldest = "DELETE FROM events WHERE last <= ?1 AND last < ?2 AND last <=
            (SELECT max(last) FROM (SELECT last FROM events ORDER BY last LIMIT ?3)) RETURNING last - count + 1, last";
        let rows = remove(&step, oldest, [sent, last, STEP])?;
        removed.sent = rows.iter().map(|(first, last)| last + 1 - first).sum();
        if rows.is_empty() {
            // The broker may have taken the first events of the oldest row.
            let rows = remove(&step, oldest, [last, last, STEP])?;
            let unsent = rows.iter().map(|(first, last)| ((*first).max(self.sent + 1), *last));
            removed.missing =
                unsent.clone().map(|(first, _)| first).min().zip(unsent.clone().map(|(_, last)| last).max());
            removed.unsent = unsent.map(|(first, last)| (last + 1).saturating_sub(first)).sum();
        }
        step.execute("DELETE FROM set_aside WHERE seq <= (SELECT min(last) - count FROM events)", [])?;
        step.execute("DELETE FROM run WHERE id < (SELECT run FROM events ORDER BY last LIMIT 1)", [])?;
        step.commit().context("removing old events")?;
        Ok(removed)
    }

    /// Bytes of the pages in use; free ones are used again before the file grows.
    fn used_bytes(&self) -> Result<u64> {
        let ask = |name: &str| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(number((ask("page_count")? - ask("freelist_count")?) * ask("page_size")?))
    }
}

/// The first and the last number of each row that `query` removed.
fn remove(step: &Transaction<'_>, query: &str, which: [i64; 3]) -> Result<Vec<(u64, u64)>> {
    let mut query = step.prepare_cached(query)?;
    let rows = query.query_map(which, |row| Ok((number(row.get(0)?), number(row.get(1)?))))?;
    rows.collect::<rusqlite::Result<_>>().context("removing old events")
}
