//! A photo-eye's edges without their bounce, as what items did before it.

use std::time::Duration;

use crate::pipeline::trigger::{Passage, Settings};
use crate::units::Timestamp;

/// A photo-eye without its bounce: the first edge counts, then the eye is deaf for a while.
///
/// Kernel debouncing would stamp the edge when the debounce ends, a period late.
#[derive(Debug, Clone)]
pub(super) struct PhotoEye {
    lockout: Duration,
    /// What the eye is taken to be: blocked by an item or free.
    blocked: bool,
    /// The last raw edge, which may be one that was ignored.
    raw: Option<(bool, Timestamp)>,
    deaf_until: Timestamp,
    /// Edges that were bounce.
    pub(super) ignored: u64,
}

impl PhotoEye {
    /// An eye that is free.
    pub(super) fn new(settings: &Settings) -> Self {
        let lockout = Duration::from_millis(settings.lockout_ms.into());
        Self { lockout, blocked: false, raw: None, deaf_until: Timestamp::ZERO, ignored: 0 }
    }

    /// It is blocked, and nobody knows since when.
    pub(super) fn is_blocked(&mut self) {
        self.blocked = true;
    }

    /// Takes a raw edge; returns the passage it means, or `None` for bounce.
    pub(super) fn edge(&mut self, active: bool, at: Timestamp) -> Option<Passage> {
        if at < self.deaf_until {
            self.ignored += u64::from(self.raw.replace((active, at)).is_some());
            return None;
        }
        self.ignored += u64::from(self.raw.take().is_some());
        (active != self.blocked).then(|| self.change(active, at))
    }

    /// At the end of the deaf time: the eye's last level may not be the one that counted. Every edge up to `until` must
    /// have been taken: one that is still to come would otherwise be an item of its own.
    pub(super) fn settle(&mut self, until: Timestamp) -> Option<Passage> {
        let (active, at) = self.raw.filter(|_| until >= self.deaf_until)?;
        self.raw = None;
        // The last one counts after all where the level is another one.
        self.ignored += u64::from(active == self.blocked);
        (active != self.blocked).then(|| self.change(active, at))
    }

    fn change(&mut self, active: bool, at: Timestamp) -> Passage {
        self.blocked = active;
        self.deaf_until = at + self.lockout;
        if active { Passage::Came(at) } else { Passage::Left(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::trigger::Kind;

    fn eye() -> PhotoEye {
        let settings = Settings {
            kind: Kind::PhotoEye,
            input: Some("eye".into()),
            lockout_ms: 8,
            interval_ms: None,
            motion_level: 6.0,
        };
        PhotoEye::new(&settings)
    }

    /// Feeds edges as (millisecond, active), settling in between as the sort thread does.
    fn passages(edges: &[(u64, bool)]) -> Vec<Passage> {
        let mut eye = eye();
        let mut seen = Vec::new();
        for &(ms, active) in edges {
            let at = Timestamp::from_millis(ms);
            seen.extend(eye.settle(at));
            seen.extend(eye.edge(active, at));
        }
        seen.extend(eye.settle(Timestamp::from_millis(1_000_000)));
        seen
    }

    fn came(ms: u64) -> Passage {
        Passage::Came(Timestamp::from_millis(ms))
    }

    fn left(ms: u64) -> Passage {
        Passage::Left(Timestamp::from_millis(ms))
    }

    #[test]
    fn the_first_edge_counts_and_its_bounce_does_not() {
        let bouncing = [(10, true), (11, false), (12, true), (200, false), (201, true), (203, false)];
        assert_eq!(passages(&bouncing), [came(10), left(200)]);
    }

    #[test]
    fn an_item_shorter_than_the_lockout_leaves_too() {
        assert_eq!(passages(&[(10, true), (15, false), (100, true)]), [came(10), left(15), came(100)]);
    }

    #[test]
    fn an_item_right_behind_another_is_seen() {
        assert_eq!(
            passages(&[(10, true), (100, false), (105, true), (200, false)]),
            [came(10), left(100), came(105), left(200)]
        );
    }
}
