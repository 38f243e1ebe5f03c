//! Whether every loop of the daemon turns: the watchdog is fed by that.
//!
//! Sort, inputs and actuate wait for nothing outside: one that stands is a hang. The store waits for the disk, and a
//! card that is busy or worn out takes its seconds; the line sorts meanwhile, and records wait in their queue. Capture
//! waits for a driver: a camera that hangs lets each request run out, seconds each, while it is opened or closed. Infer
//! looks at a picture for as long as a slow board takes. Items run to the exception lane meanwhile.

use std::time::Duration;

use crate::units::Timestamp;

/// A loop that must turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The camera's.
    Capture,
    /// The sort thread's.
    Sort,
    /// That of the input lines.
    Inputs,
    /// The actuate thread's.
    Actuate,
    /// The infer thread's.
    Infer,
    /// The store's.
    Store,
}

impl Turn {
    /// Those of a station's own threads, which come and go with it.
    pub const STATION: [Self; 5] = [Self::Capture, Self::Sort, Self::Inputs, Self::Actuate, Self::Infer];

    /// How long it may stand while the watchdog is still fed; zero: it turns between any two looks.
    fn patience(self) -> Duration {
        match self {
            Self::Sort | Self::Inputs | Self::Actuate => Duration::ZERO,
            Self::Capture | Self::Store | Self::Infer => Duration::from_secs(30),
        }
    }

    /// How long it may stand before the log tells: which one it was must stand there before the watchdog's time is over.
    fn quiet(self) -> Duration {
        Duration::from_secs(if self == Self::Infer { 5 } else { 1 })
    }
}

/// What was seen of the loops.
#[derive(Debug, Default)]
pub struct Turns {
    seen: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    turn: Turn,
    /// How often it had turned.
    count: u64,
    /// When it was first seen at that count.
    since: Timestamp,
    /// Its count as the watchdog was fed.
    fed: u64,
    told: bool,
}

impl Turns {
    /// For how long a loop has stood by `now`.
    pub fn stood(&self, turn: Turn, now: Timestamp) -> Duration {
        self.seen.iter().find(|seen| seen.turn == turn).map_or(Duration::ZERO, |seen| now.since(seen.since))
    }

    /// Takes how often each loop has turned by `now`; returns whether the watchdog is to be fed.
    pub fn look(&mut self, now: Timestamp, counts: &[(Turn, u64)]) -> bool {
        if !self.seen.iter().map(|seen| seen.turn).eq(counts.iter().map(|(turn, _)| *turn)) {
            // Threads came or went: each begins anew.
            let first = |(turn, count): &(Turn, u64)| {
                let (turn, count) = (*turn, *count);
                Seen { turn, count, since: now, fed: count, told: false }
            };
            self.seen = counts.iter().map(first).collect();
            return true;
        }
        for (seen, (_, count)) in self.seen.iter_mut().zip(counts) {
            seen.look(now, *count);
        }
        let fed = self.seen.iter().all(|seen| seen.count != seen.fed || now.since(seen.since) < seen.turn.patience());
        if fed {
            self.seen.iter_mut().for_each(|seen| seen.fed = seen.count);
        }
        fed
    }
}

impl Seen {
    fn look(&mut self, now: Timestamp, count: u64) {
        let stood = now.since(self.since);
        if count == self.count {
            if stood >= self.turn.quiet() && !std::mem::replace(&mut self.told, true) {
                tracing::warn!(thread = ?self.turn, "a loop does not turn");
            }
            return;
        }
        if std::mem::take(&mut self.told) {
            tracing::warn!(thread = ?self.turn, stood_s = stood.as_secs_f64(), "the loop turns again");
        }
        (self.count, self.since) = (count, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(n: [u64; 4]) -> [(Turn, u64); 4] {
        [(Turn::Capture, n[0]), (Turn::Sort, n[1]), (Turn::Actuate, n[2]), (Turn::Store, n[3])]
    }

    fn at(s: u64) -> Timestamp {
        Timestamp::from_millis(1000 * s)
    }

    #[test]
    fn a_loop_that_stands_starves_the_watchdog_until_it_turns() {
        let mut turns = Turns::default();
        assert!(turns.look(at(0), &counts([1, 1, 1, 1])), "the first look");
        assert!(turns.look(at(1), &counts([2, 2, 2, 2])));
        for (second, sort) in [(2, 2), (3, 2), (4, 2)] {
            assert!(!turns.look(at(second), &counts([second, sort, second, second])), "sort stands");
        }
        assert!(
            turns.look(at(5), &counts([5, 3, 5, 5])),
            "each has turned since it was fed, though not since the last look"
        );
    }

    #[test]
    fn a_disk_may_keep_the_store_for_seconds_but_not_for_ever() {
        let mut turns = Turns::default();
        assert!(turns.look(at(0), &counts([0, 0, 0, 0])));
        assert!((1..30).all(|n| turns.look(at(n), &counts([n, n, n, 0]))), "a slow card");
        assert!(!turns.look(at(30), &counts([30, 30, 30, 0])), "a hang");
        assert!(turns.look(at(31), &counts([31, 31, 31, 1])));
        assert!(turns.look(at(60), &counts([60, 60, 60, 1])), "counted from its last turn");
    }

    #[test]
    fn a_camera_that_hangs_is_a_fault_and_no_hang_of_the_daemon() {
        let mut turns = Turns::default();
        assert!(turns.look(at(0), &counts([0, 0, 0, 0])));
        assert!((1..30).all(|n| turns.look(at(n), &counts([0, n, n, n]))), "its driver waits");
        assert_eq!(turns.stood(Turn::Capture, at(29)), Duration::from_secs(29));
        assert_eq!(turns.stood(Turn::Sort, at(29)), Duration::ZERO);
        assert!(!turns.look(at(30), &counts([0, 30, 30, 30])));
    }

    #[test]
    fn threads_that_come_or_go_begin_anew() {
        let mut turns = Turns::default();
        assert!(turns.look(at(0), &[(Turn::Store, 7)]));
        assert!(turns.look(at(9), &counts([0, 0, 0, 7])));
        assert!(!turns.look(at(10), &counts([0, 0, 0, 7])));
        assert!(turns.look(at(11), &[(Turn::Store, 7)]));
    }
}
