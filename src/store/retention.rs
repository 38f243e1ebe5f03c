//! Keeps the database within its byte budget, and its events within their age.

use anyhow::{Context, Result};
use rusqlite::{Transaction, params_from_iter};

use super::database::{Store, note_untold};
use super::packing::Packed;
use super::{integer, number};
use crate::clock::WallTime;
use crate::record::Missing;
use crate::trouble::DROPPED;

/// So many rows of events are removed in one go: enough to keep up with any line, few enough not to hold up a commit.
const STEP: i64 = 250;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The moment before which everything is too old; none while there is no such moment or nobody knows the time.
///
/// Only a synchronized clock says what is old: a board without one boots in 1970, and a time server may set it by
/// years in either direction.
pub(super) fn oldest(max_age_days: u32, now: WallTime) -> Option<i64> {
    let wanted = max_age_days > 0 && now.synchronized;
    wanted.then(|| now.unix_ms.saturating_sub(DAY * i64::from(max_age_days)))
}

/// What one step of retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Events that the broker had taken.
    pub(super) sent: u64,
    /// Events that it had not.
    pub(super) unsent: u64,
    /// The numbers that will not come: those of the events that the broker had not taken, and all before them behind the
    /// cursor. Some of these went missing earlier, and what told of it may be among the events that go now.
    pub(super) missing: Option<Missing>,
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
        let rows = remove(&step, oldest, &[sent, last, STEP])?;
        removed.sent = rows.iter().map(|(first, last)| last + 1 - first).sum();
        if rows.is_empty() {
            // The broker may have taken the first events of the oldest row.
            let rows = remove(&step, oldest, &[last, last, STEP])?;
            let unsent = rows.iter().map(|(first, last)| ((*first).max(self.sent + 1), *last));
            let last = unsent.clone().map(|(_, last)| last).max();
            removed.missing = last.map(|last| Missing { first: self.sent + 1, last });
            if let Some(missing) = removed.missing {
                note_untold(&step, DROPPED, missing)?;
            }
            removed.unsent = unsent.map(|(first, last)| (last + 1).saturating_sub(first)).sum();
        }
        step.execute("DELETE FROM set_aside WHERE seq <= (SELECT min(last) - count FROM events)", [])?;
        // Of several rows the smallest: one whose number has changed must not take the runs of its neighbours.
        step.execute(
            "DELETE FROM run WHERE id < (SELECT min(run) FROM (SELECT run FROM events ORDER BY last LIMIT 9))",
            [],
        )?;
        step.commit().context("removing old events")?;
        Ok(removed)
    }

    /// Removes the oldest events that were sent and are too old, one step a call; returns how many.
    pub(super) fn forget_old(&mut self, now: WallTime) -> Result<u64> {
        let Some(oldest) = oldest(self.max_age_days, now) else { return Ok(0) };
        self.look_for_old(oldest, now)?;
        if self.old == 0 {
            return Ok(0);
        }
        let step = self.db.transaction()?;
        let old = "DELETE FROM events WHERE last <= ?1 AND last <=
            (SELECT max(last) FROM (SELECT last FROM events ORDER BY last LIMIT ?2)) RETURNING last - count + 1, last";
        let removed = remove(&step, old, &[integer(self.old), STEP])?;
        step.commit().context("removing old events")?;
        if removed.is_empty() {
            self.old = 0;
        }
        Ok(removed.iter().map(|(first, last)| last + 1 - first).sum())
    }

    /// Looks on, one step a call, to the first row that is young. Rows are in the order in which they happened: one whose
    /// time nobody knows is as old as the next one behind it.
    fn look_for_old(&mut self, oldest: i64, now: WallTime) -> Result<()> {
        let mut rows = self.db.prepare_cached(
            "SELECT last - count + 1, count, last, body FROM events WHERE last > ?1 AND last <= ?2 AND last < ?3
             ORDER BY last LIMIT ?4",
        )?;
        let mut rows = rows.query([integer(self.looked), integer(self.sent), integer(self.last_seq), STEP])?;
        let mut ahead = false;
        while let Some(row) = rows.next()? {
            let last = number(row.get(2)?);
            let (first, count) = (number(row.get(0)?), number(row.get(1)?));
            let body = row.get_ref(3)?.as_bytes().unwrap_or_default().to_vec();
            let packed = Packed { first, count, boot: String::new(), body };
            // What is damaged tells no time.
            let heads = packed.heads().unwrap_or_default();
            let told = heads.iter().filter(|head| head.wall.synchronized).map(|head| head.wall.unix_ms).max();
            // Of two clocks that do not agree one is wrong: it may be this one, so the row is looked at again.
            ahead |= told > Some(now.unix_ms);
            match told.filter(|told| *told <= now.unix_ms) {
                Some(told) if told >= oldest => break,
                Some(_) => self.old = last,
                None => {}
            }
            if !ahead {
                self.looked = last;
            }
        }
        Ok(())
    }

    /// Bytes of the pages in use; free ones are used again before the file grows.
    fn used_bytes(&self) -> Result<u64> {
        let ask = |name: &str| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(number((ask("page_count")? - ask("freelist_count")?) * ask("page_size")?))
    }
}

/// The first and the last number of each row that `query` removed.
fn remove(step: &Transaction<'_>, query: &str, which: &[i64]) -> Result<Vec<(u64, u64)>> {
    let mut query = step.prepare_cached(query)?;
    let rows = query.query_map(params_from_iter(which), |row| Ok((number(row.get(0)?), number(row.get(1)?))))?;
    rows.collect::<rusqlite::Result<_>>().context("removing old events")
}
