//! History and outbox in one SQLite file.
//!
//! What holds, always:
//!
//! 1. An event is on disk (one fsync a group) before anyone may publish it; [`Committed`] tells how far that is.
//! 2. `seq` never repeats. Numbers are reserved in blocks, in a file of their own that is synced before the first
//!    of them is used, so neither a power cut nor the loss of the whole database brings one back. Rows that a power
//!    cut took show as a jump, and each start says in an event of its own where the last one ended.
//! 3. Events are appended and removed, never changed. The cursor only grows; what lies at or below it was taken by
//!    the broker or set aside.
//! 4. The file stays within its byte budget: the oldest sent events go first, unsent ones only when nothing else is
//!    left, and those are counted and told.
//! 5. A database that cannot be read is moved aside under a name of its own and a new one started; the last two of them
//!    are kept.
//! 6. While the disk fails, sorting goes on: what could not be committed waits in memory, up to a bound, and is
//!    counted beyond it.
//! 7. Events are removed by age only where both the clock now and the clock then were synchronized.
//! 8. An event whose bytes are damaged is never sent as something else: it is set aside with its number.
//! 9. What is set aside or dropped is noted in the same step, until an incident that lists it is committed.
//!
//! Absent on purpose: a second table for the outbox, what the broker remembers of a session, and any use of wall
//! time to decide what is new or next.
//!
//! One thread writes ([`keeper`]); whoever reads opens [`history::History`], which never waits for it.

mod album;
mod cursor;
mod damage;
mod database;
pub mod history;
pub mod keeper;
pub mod lock;
mod name;
mod numbers;
mod packing;
pub mod pictures;
pub mod recent;
pub mod records;
mod retention;
#[cfg(test)]
mod tests;
mod wear;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::Problems;
pub(crate) use database::is_unreadable;

/// Where events and pictures are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder for the database and the pictures. systemd's `StateDirectory=pilah` makes the default one.
    pub directory: PathBuf,
    /// The shortest time between two commits, so that one fsync serves the events of a burst. The first event after
    /// a quiet time is committed at once; an outcome waits for the next decision, a second at most.
    pub commit_interval_ms: u64,
    /// With so many events waiting, they are committed at once.
    pub commit_count: usize,
    /// The largest size of the database. The oldest sent events are removed first; unsent ones only when no others
    /// are left. An item takes some 300 bytes.
    pub max_bytes: u64,
    /// Sent events and pictures older than so many days are removed; 0 keeps them as long as there is room. Counted only
    /// while the clock is synchronized. An event is as old as its own time or the next one's by a synchronized clock, a
    /// picture as its item's id says.
    pub max_age_days: u32,
    /// Which pictures are kept.
    pub pictures: pictures::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/pilah"),
            commit_interval_ms: 100,
            commit_count: 64,
            max_bytes: 512 << 20,
            max_age_days: 0,
            pictures: pictures::Settings::default(),
        }
    }
}

impl Settings {
    /// Notes every value that cannot work.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.directory.is_absolute() || self.directory.starts_with("."),
            "directory",
            format!("{} depends on where the daemon was started", self.directory.display()),
            "give the whole path, such as /var/lib/pilah",
        );
        problems.expect(
            (1..=10_000).contains(&self.commit_interval_ms),
            "commit_interval_ms",
            format!("{} is out of range", self.commit_interval_ms),
            "1 to 10000; 100 suits most lines",
        );
        problems.expect(
            (1..=1024).contains(&self.commit_count),
            "commit_count",
            format!("{} is out of range", self.commit_count),
            "1 to 1024",
        );
        problems.expect(
            self.max_bytes >= 4 << 20,
            "max_bytes",
            format!("{} is too little to be of use", self.max_bytes),
            "give at least 4194304 (4 MiB)",
        );
        self.pictures.check(&mut problems.below("pictures"));
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.directory.join("events.db")
    }
}

/// How far events are on disk: what the store tells the publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// The last event's number.
    pub last_seq: u64,
    /// Events up to this one were taken or set aside when the file was opened.
    pub sent: u64,
    /// Counts the files used in this run: another one means that readers must open the file again.
    pub file: u32,
}

/// SQLite's memory for pages, as `cache_size` takes it: KiB below zero. Rows are written and read in order, so that more
/// would fill up over the first day and serve nothing.
const CACHE: i64 = -256;

/// The file whose name is `path`'s with something added.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes that the disk of a folder has left, and has.
///
/// # Errors
/// When the system does not tell.
pub fn disk_space(folder: &Path) -> std::io::Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}

/// Files that the disk of a folder has left; none where it has no such bound.
pub(crate) fn disk_files(folder: &Path) -> std::io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_files > 0).then_some(disk.f_favail))
}

/// A seq as SQLite knows numbers.
fn integer(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A number of SQLite's as a seq.
fn number(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or(0)
}
