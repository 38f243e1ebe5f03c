//! The only place that reads time: monotonic for deciding, wall for records.

use std::path::Path;
use std::time::Duration;

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::units::Timestamp;

/// What tells the time; `sim` has one that stands still until it is told to move.
pub trait Clock: Send + Sync {
    /// Monotonic time, for everything that decides.
    fn now(&self) -> Timestamp;

    /// Wall time, for records only.
    fn wall(&self) -> WallTime;

    /// Both.
    fn read(&self) -> Now {
        Now { at: self.now(), wall: self.wall() }
    }
}

/// A moment by both clocks: what a stage gets instead of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, for deciding.
    pub at: Timestamp,
    /// Wall, for records.
    pub wall: WallTime,
}

/// Wall time and what it is worth: a Raspberry Pi has no battery-backed clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallTime {
    /// Milliseconds since 1970-01-01 UTC.
    pub unix_ms: i64,
    /// Whether the clock was synchronized with a time server when it was read.
    pub synchronized: bool,
}

impl WallTime {
    /// As RFC 3339 in UTC with milliseconds, the form used on the wire.
    pub fn rfc3339(self) -> String {
        let since = Duration::from_millis(u64::try_from(self.unix_ms).unwrap_or(0));
        humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
    }
}

/// The clocks of the kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(nanos(ClockId::Monotonic))
    }

    fn wall(&self) -> WallTime {
        WallTime {
            unix_ms: i64::try_from(nanos(ClockId::Realtime) / 1_000_000).unwrap_or(i64::MAX),
            synchronized: synchronized(),
        }
    }
}

/// Waits until `deadline`, where nothing but time can end the wait; a signal may end it early.
///
/// Threads that others have something to tell wait on their queues instead. No caller waits longer than a thread's turn.
pub fn wait_until(deadline: Timestamp) {
    let nanos = Duration::from_nanos(deadline.as_nanos());
    if let Ok(deadline) = Timespec::try_from(nanos) {
        // Interrupted is all that it can be: callers look at the clock again.
        drop(clock_nanosleep_absolute(ClockId::Monotonic, &deadline).map_err(std::io::Error::from));
    }
}

/// As [`wait_until`], from now on.
pub fn wait_for(wait: Duration) {
    if !wait.is_zero() {
        wait_until(SystemClock.now() + wait);
    }
}

/// Processor time that the calling thread has used: what a piece of work costs, whatever else the machine does.
pub fn thread_cpu() -> Duration {
    Duration::from_nanos(nanos(ClockId::ThreadCPUTime))
}

fn nanos(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Whether a time server has set the clock: systemd-timesyncd leaves a file then, and others, such as chrony, tell the kernel.
fn synchronized() -> bool {
    kernel_is_told() || Path::new("/run/systemd/timesync/synchronized").exists()
}

/// What `timedatectl` shows as "System clock synchronized".
#[expect(unsafe_code, reason = "no crate in use has this call; it fills a structure of plain numbers")]
fn kernel_is_told() -> bool {
    // SAFETY: all zeros is a value of this structure, and in it the request to change nothing.
    let mut seen: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours, and of the size that the kernel writes.
    let answer = unsafe { libc::adjtimex(&raw mut seen) };
    answer >= 0 && seen.status & libc::STA_UNSYNC == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_written_in_utc() {
        let time = WallTime { unix_ms: 1_700_000_000_123, synchronized: true };
        assert_eq!(time.rfc3339(), "2023-11-14T22:13:20.123Z");
        assert_eq!(WallTime { unix_ms: -5, synchronized: false }.rfc3339(), "1970-01-01T00:00:00.000Z");
    }
}
