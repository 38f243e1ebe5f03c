//! The runtime directory: who holds the outputs now, how to make them safe once nobody does, and what a person has
//! stopped.
//!
//! Raspberry Pi kernels keep an output's level after the process that drove it is gone. So before a line is taken, its
//! chip, offset and inactive level are on disk, and whoever comes after (`pilah outputs-off`, the next start) can
//! release it without a configuration, which may have changed since.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::pipeline::actuate::Level;
use crate::pipeline::machine::Held;
use crate::store::lock::{self, LOCK, NotHad};

/// Where it is when systemd does not say.
const DEFAULT: &str = "/run/pilah";
const OUTPUTS: &str = "outputs.json";
const HELD: &str = "held.json";
/// The form of the outputs file.
const SCHEMA: &str = "pilah/outputs/1";

/// systemd's `$RUNTIME_DIRECTORY`, else /run/pilah.
pub fn directory() -> PathBuf {
    // systemd lists several with colons; the unit has one.
    let named = std::env::var("RUNTIME_DIRECTORY").ok();
    let first = named.as_deref().and_then(|all| all.split(':').next()).filter(|first| !first.is_empty());
    PathBuf::from(first.unwrap_or(DEFAULT))
}

/// The right to drive a station's outputs; one process has it, and it goes with the process however that ends.
#[derive(Debug)]
pub struct Lock {
    _lock: lock::Lock,
}

impl Lock {
    /// Takes the lock of a runtime directory, which is made when it is missing.
    ///
    /// # Errors
    /// When another process holds it, or the directory cannot be written to.
    pub fn take(directory: &Path) -> Result<Self> {
        let path = directory.join(LOCK);
        match lock::Lock::take(directory) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err(NotHad::Held(by)) => bail!(
                "taking the outputs: {by} holds them ({}); stop it first, such as by `systemctl stop pilah`",
                path.display()
            ),
            Err(NotHad::Refused(error)) => Err(denied(&path, &error)),
        }
    }

    /// Whether a process holds the lock: who, in words.
    pub fn holder(directory: &Path) -> Option<String> {
        lock::Lock::holder(directory)
    }
}

fn denied(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => {
            "; run it as the folder's owner (sudo -u pilah), or name a folder of your own in RUNTIME_DIRECTORY; where \
             it runs so already, remove the file"
        }
        _ => "",
    };
    anyhow::anyhow!("writing {}: {error}{remedy}", path.display())
}

/// An output line that is, or was, driven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driven {
    /// The line's name, for people.
    pub line: String,
    /// The chip's label.
    pub chip: String,
    /// The chip's device, which tells chips of one label apart.
    pub device: PathBuf,
    /// The line's place on the chip.
    pub offset: u32,
    /// The level at which nothing moves.
    pub inactive: Level,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputsFile {
    schema: String,
    lines: Vec<Driven>,
}

/// A station's outputs as they stand in the outputs file, with the right to drive them.
#[derive(Debug)]
pub struct Noted {
    /// What an earlier run left on and could not be released: it stays in the file.
    left: Vec<Driven>,
    directory: PathBuf,
    _lock: Lock,
}

impl Noted {
    /// Writes down `lines`, which are about to be taken, and what is `left` on of an earlier run.
    ///
    /// # Errors
    /// When the file cannot be written: then no line may be taken.
    pub fn write(lines: Vec<Driven>, left: Vec<Driven>, directory: &Path, lock: Lock) -> Result<Self> {
        let all: Vec<Driven> = lines.into_iter().chain(left.iter().cloned()).collect();
        write(directory, &all)?;
        Ok(Self { left, directory: directory.to_owned(), _lock: lock })
    }

    /// The lines are inactive: forgets them.
    pub fn released(&self) {
        let forgotten = match self.left.as_slice() {
            [] => clear(&self.directory),
            left => write(&self.directory, left),
        };
        if let Err(error) = forgotten {
            tracing::warn!(error = format!("{error:#}"), "outputs file stays");
        }
    }
}

/// Writes down the lines that are about to be driven, whole or not at all.
///
/// # Errors
/// When the file cannot be written: then no line may be taken.
pub fn write(directory: &Path, lines: &[Driven]) -> Result<()> {
    let path = directory.join(OUTPUTS);
    let text = serde_json::to_vec_pretty(&OutputsFile { schema: SCHEMA.into(), lines: lines.to_vec() })?;
    files::replace(&path, &text, true).map_err(|error| denied(&path, &error))
}

/// The lines that were written down; `None` when there is no file, so that nothing is driven.
///
/// # Errors
/// When there is one that cannot be read or understood.
pub fn read(directory: &Path) -> Result<Option<Vec<Driven>>> {
    let path = directory.join(OUTPUTS);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    let remedy = || {
        let path = path.display();
        format!("reading {path}: damaged; make sure that nothing is on, release by gpioset, then remove the file")
    };
    let file: OutputsFile = serde_json::from_slice(&text).with_context(remedy)?;
    if file.schema != SCHEMA {
        bail!("reading {}: its form is {:?}, this program writes {SCHEMA:?}", path.display(), file.schema);
    }
    Ok(Some(file.lines))
}

/// Writes down what a person has stopped, for the next start. The directory is in memory: this waits for no disk. It is
/// made when it is missing.
pub fn keep_held(directory: &Path, held: Held) {
    let path = directory.join(HELD);
    let keep = || {
        fs::create_dir_all(directory).map_err(|error| denied(&path, &error))?;
        files::replace(&path, &serde_json::to_vec(&held)?, false).map_err(|error| denied(&path, &error))
    };
    if let Err(error) = keep() {
        tracing::warn!(error = format!("{error:#}"), "a new start will not know what a person has stopped");
    }
}

/// What a person had stopped as the program before ended; where that cannot be read, everything. `None`: no program has
/// run since the board has power.
pub fn held(directory: &Path) -> Option<Held> {
    let path = directory.join(HELD);
    match fs::read(&path).and_then(|text| Ok(serde_json::from_slice(&text)?)) {
        Ok(held) => Some(held),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "what a person had stopped cannot be read: all is held");
            Some(Held { stopped: true, paused: true, at_machine: true })
        }
    }
}

/// Forgets the lines: every one is inactive.
///
/// # Errors
/// When the file is there and cannot be removed.
pub fn clear(directory: &Path) -> Result<()> {
    let path = directory.join(OUTPUTS);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.with_context(|| format!("removing {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_a_person_has_stopped_is_known_to_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("not-there-yet");
        assert_eq!(held(&directory), None);
        let stopped = Held { stopped: true, ..Held::default() };
        keep_held(&directory, stopped);
        assert_eq!(held(&directory), Some(stopped));
        let mut older = File::create(directory.join(HELD)).unwrap();
        older.write_all(br#"{"stopped": false, "paused": true}"#).unwrap();
        assert_eq!(held(&directory), Some(Held { paused: true, ..Held::default() }), "of an older version");
        let mut half = File::create(directory.join(HELD)).unwrap();
        half.write_all(b"{\"stopped").unwrap();
        assert_eq!(held(&directory), Some(Held { stopped: true, paused: true, at_machine: true }), "in doubt");
    }

    fn driven() -> Vec<Driven> {
        let line = |line: &str, offset, inactive| Driven {
            line: line.into(),
            chip: "pinctrl-bcm2711".into(),
            device: "/dev/gpiochip0".into(),
            offset,
            inactive,
        };
        vec![line("GPIO23", 23, Level::Low), line("GPIO24", 24, Level::High)]
    }

    #[test]
    fn what_was_written_down_is_read_back_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        write(folder.path(), &driven()[..1]).unwrap();
        write(folder.path(), &driven()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(driven()));
        clear(folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        clear(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half written stays behind");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "half a file is what this test is about")]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &driven()).unwrap();
        let path = folder.path().join(OUTPUTS);
        let whole = fs::read_to_string(&path).unwrap();
        let other = whole.replace("outputs/1", "outputs/9");
        for text in ["", "{}", &whole[..whole.len() / 2], &whole.replace("offset", "ofset"), &other] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", read(folder.path()).unwrap_err());
            assert!(error.contains("outputs.json"), "{text:?} gives {error}");
        }
    }

    #[test]
    fn the_lock_is_had_once_and_says_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        assert_eq!(Lock::holder(&place), None);
        let lock = Lock::take(&place).unwrap();
        let holder = format!("process {}", std::process::id());
        let error = format!("{:#}", Lock::take(&place).unwrap_err());
        assert!(error.contains(&holder) && error.contains("systemctl stop"), "{error}");
        assert_eq!(Lock::holder(&place), Some(holder));
        drop(lock);
        assert_eq!(Lock::holder(&place), None);
        Lock::take(&place).unwrap();
    }
}
