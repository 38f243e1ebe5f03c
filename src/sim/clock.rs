//! A clock that stands still until it is told to move.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, WallTime};
use crate::units::Timestamp;

/// Monotonic and wall time that move together; the wall may be stepped alone, as time servers do.
#[derive(Debug, Default)]
pub struct SimClock {
    nanos: AtomicU64,
    /// Wall time when the monotonic clock stood at zero, in milliseconds since 1970.
    epoch_ms: AtomicI64,
    synchronized: AtomicBool,
}

impl SimClock {
    /// A clock at the start of monotonic time, whose wall shows `wall`.
    pub fn at(wall: WallTime) -> Self {
        let clock = Self::default();
        clock.step_wall(wall);
        clock
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.nanos.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Moves to a moment; time that has passed stays so.
    pub fn advance_to(&self, moment: Timestamp) {
        self.nanos.fetch_max(moment.as_nanos(), Ordering::Relaxed);
    }

    /// Sets wall time alone.
    pub fn step_wall(&self, wall: WallTime) {
        self.epoch_ms.store(wall.unix_ms - self.millis(), Ordering::Relaxed);
        self.synchronized.store(wall.synchronized, Ordering::Relaxed);
    }

    fn millis(&self) -> i64 {
        i64::try_from(self.now().as_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        let unix_ms = self.epoch_ms.load(Ordering::Relaxed).saturating_add(self.millis());
        WallTime { unix_ms, synchronized: self.synchronized.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_server_steps_the_wall_alone() {
        let clock = SimClock::default();
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.wall(), WallTime { unix_ms: 1000, synchronized: false });
        clock.step_wall(WallTime { unix_ms: 1_700_000_000_000, synchronized: true });
        clock.advance(Duration::from_millis(5));
        assert_eq!(clock.wall(), WallTime { unix_ms: 1_700_000_000_005, synchronized: true });
        assert_eq!(clock.now(), Timestamp::from_millis(1005));
    }
}
