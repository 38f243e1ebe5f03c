//! When the cursor is written to disk: it lags behind what the broker has taken, since each move of it writes a page.

use std::time::Duration;

use crate::units::Timestamp;

/// With the next events it is written after so long, since they write a page anyway. After a crash so much is sent again.
const WITH_EVENTS: Duration = Duration::from_secs(10);

/// Without any events it is written after so long.
const ALONE: Duration = Duration::from_secs(30);

/// With so many events taken and not yet behind it on disk, it is written soon: a drain is not repeated.
const LEAD: u64 = 512;
const SOON: Duration = Duration::from_millis(200);

/// How far the cursor on disk is behind.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Since when it lags.
    since: Option<Timestamp>,
    /// How many events it lags by.
    lead: u64,
}

impl Cursor {
    /// Sees how far the broker is, `sent`, and how far the disk knows of.
    pub(super) fn look(&mut self, sent: u64, on_disk: u64, now: Timestamp) {
        self.lead = sent.saturating_sub(on_disk);
        self.since = (self.lead > 0).then(|| self.since.unwrap_or(now));
    }

    /// When it is to be written though there is no event to commit.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.since.map(|since| since + if self.lead >= LEAD { SOON } else { ALONE })
    }

    /// Whether it goes along with what is committed now.
    pub(super) fn goes_along(&self, now: Timestamp) -> bool {
        self.lead >= LEAD || self.since.is_some_and(|since| since + WITH_EVENTS <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lags_until_events_take_it_along_or_too_many_wait_for_it() {
        let at = |s: u64| Timestamp::from_millis(1000 * s);
        let mut cursor = Cursor::default();
        cursor.look(7, 7, at(1));
        assert_eq!((cursor.next(), cursor.goes_along(at(99))), (None, false), "nothing is behind");
        cursor.look(8, 7, at(2));
        cursor.look(9, 7, at(5));
        assert_eq!((cursor.next(), cursor.goes_along(at(11)), cursor.goes_along(at(12))), (Some(at(32)), false, true));
        cursor.look(7 + LEAD, 7, at(6));
        assert_eq!((cursor.next(), cursor.goes_along(at(6))), (Some(at(2) + SOON), true));
        cursor.look(7 + LEAD, 7 + LEAD, at(7));
        assert_eq!(cursor.next(), None);
    }
}
