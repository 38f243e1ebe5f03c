//! Numbers for events, reserved on disk in blocks before the first of them is used.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::files;

/// One small write in so many events; at most so many numbers are skipped after a crash.
const BLOCK: u64 = 1000;

/// No station gets here: a thousand events a second for 140,000 years.
const FARTHEST: u64 = 1 << 62;

/// Hands out numbers that no run before this one used: `next` is at or above what the file said at start, and the
/// file says `reserved`.
#[derive(Debug)]
pub(super) struct Numbers {
    file: PathBuf,
    next: u64,
    reserved: u64,
}

impl Numbers {
    /// Goes on behind the last committed event, and behind what any run before reserved.
    pub(super) fn open(folder: &Path, last_committed: u64) -> Result<Self> {
        let file = folder.join("seq");
        let reserved = match fs::read(&file) {
            // What an SD card made of it need not be text, nor a number that anyone could have reached.
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().parse().ok().filter(|n| *n < FARTHEST).unwrap_or(0),
            Err(wrong) if wrong.kind() == std::io::ErrorKind::NotFound => 0,
            Err(wrong) => return Err(wrong).with_context(|| format!("reading {}", file.display())),
        };
        // A file lost or damaged while the database lives: skip what it may have reserved.
        let next = if reserved == 0 && last_committed > 0 { last_committed + 1 + BLOCK } else { last_committed + 1 };
        let next = next.max(reserved);
        Ok(Self { file, next, reserved: next })
    }

    /// The number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Makes sure that `count` numbers are reserved, and returns the first of them.
    pub(super) fn reserve(&mut self, count: u64) -> Result<u64> {
        let end = self.next + count;
        if end > self.reserved {
            self.write(end + BLOCK)?;
        }
        Ok(self.next)
    }

    /// The first `count` reserved numbers are on disk.
    pub(super) fn used(&mut self, count: u64) {
        self.next += count;
    }

    /// Gives back what was reserved, so that an orderly stop leaves no jump.
    pub(super) fn give_back(&mut self) -> Result<()> {
        self.write(self.next)
    }

    fn write(&mut self, reserved: u64) -> Result<()> {
        let written = files::replace(&self.file, format!("{reserved}\n").as_bytes(), true);
        written.with_context(|| format!("writing {}", self.file.display()))?;
        self.reserved = reserved;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn numbers_never_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers::open(folder.path(), 0).unwrap();
        assert_eq!(numbers.reserve(3).unwrap(), 1);
        numbers.used(3);
        let after_crash = Numbers::open(folder.path(), 3).unwrap();
        assert_eq!(after_crash.next(), 4 + BLOCK, "the block is skipped");
        numbers.give_back().unwrap();
        assert_eq!(Numbers::open(folder.path(), 3).unwrap().next(), 4, "an orderly stop leaves no jump");
        assert_eq!(Numbers::open(folder.path(), 0).unwrap().next(), 4, "the database was lost");
        for garbage in [b"\xff\xfe7".as_slice(), b"", b"x", b"18446744073709551615"] {
            fs::File::create(folder.path().join("seq")).and_then(|mut file| file.write_all(garbage)).unwrap();
            assert_eq!(Numbers::open(folder.path(), 3).unwrap().next(), 4 + BLOCK, "{garbage:?}: as if it were lost");
        }
        fs::remove_file(folder.path().join("seq")).unwrap();
        assert!(Numbers::open(folder.path(), 3).unwrap().next() > 3 + BLOCK, "the file was lost");
    }
}
