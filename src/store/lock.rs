//! A folder that one process has at a time, by a lock on a file in it: the lock goes with the process, however that ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The file's name.
pub const LOCK: &str = "lock";

/// A folder that is this process's own while this is kept.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock could not be had.
#[derive(Debug)]
pub enum NotHad {
    /// Another process has it: which one, in words.
    Held(String),
    /// The file cannot be written or locked.
    Refused(io::Error),
}

impl Lock {
    /// Takes the lock of a folder, which is made when it is missing.
    ///
    /// # Errors
    /// When another process holds it, or the folder cannot be written to.
    pub fn take(folder: &Path) -> Result<Self, NotHad> {
        let mut file = open(folder).map_err(NotHad::Refused)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(NotHad::Held(name(&mut file))),
            Err(error) => return Err(NotHad::Refused(error.into())),
        }
        // Only for people, and a full disk may not take it: who holds it counts, not what it says.
        if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())) {
            tracing::debug!(%error, "the lock does not say whose it is");
        }
        Ok(Self { _file: file })
    }

    /// Whether a process holds the lock: who, in words.
    pub fn holder(folder: &Path) -> Option<String> {
        let mut file = File::open(folder.join(LOCK)).ok()?;
        // A shared lock is enough to see it, and disturbs nobody who looks at the same time.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => Some(name(&mut file)),
            _ => None,
        }
    }
}

fn open(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(LOCK))?;
    if rustix::process::geteuid().is_root() {
        // A lock of root's would keep the daemon out: in the runtime directory until the next boot, elsewhere for ever.
        let owner = fs::metadata(folder)?;
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(file)
}

fn name(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_had_once_and_says_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        assert_eq!(Lock::holder(&place), None);
        let lock = Lock::take(&place).unwrap();
        let holder = format!("process {}", std::process::id());
        assert!(matches!(Lock::take(&place), Err(NotHad::Held(by)) if by == holder));
        assert_eq!(Lock::holder(&place), Some(holder));
        drop(lock);
        assert_eq!(Lock::holder(&place), None);
        Lock::take(&place).unwrap();
    }

    #[test]
    fn a_lock_that_cannot_be_written_is_told_apart_from_one_that_is_held() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(LOCK)).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(NotHad::Refused(_))));
    }
}
